"""The collector: every line kept once, by one worker at a time, and what the platform forgot is told."""

import threading
import time
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsportal.adapters.cloudfoundry import NotFound
from opsportal.environments.models import Environment
from opsportal.logs import collecting, joining, rules, store, tasks
from opsportal.logs.lines import SECOND, Line
from opsportal.logs.models import Entry, Tail
from opsportal.logs.place import Place
from tests.support import estate
from tests.support.logs import CHAINED, WEB, Source, access, keep, lines_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def ab(db: None) -> Environment:
    return estate.environment("ab")


def now() -> int:
    return time.time_ns()


def many(count: int, start: int, step: int = 1_000_000) -> list[Line]:
    return [Line(start + n * step, "RTR", "0", "OUT", f"line {n}") for n in range(count)]


def kept(environment: Environment) -> list[str]:
    rows = Entry.objects.filter(environment=environment).order_by("at_ns", "id")
    return [line for text in rows.values_list("text", flat=True) for line in text.split("\n")]


def test_a_log_of_many_pages_is_read_to_its_end_and_each_line_is_kept_once(ab: Environment):
    source = Source(many(4_321, now() - 60 * SECOND))
    for _ in range(3):
        collecting.look(ab, source)  # type: ignore[arg-type]
    assert kept(ab) == [f"line {n}" for n in range(4_321)]


def test_a_thousand_lines_of_one_moment_do_not_stop_the_reading(ab: Environment):
    at = now() - 60 * SECOND
    source = Source([*many(1_000, at, step=0), *many(5, at + 10)])
    collecting.look(ab, source)  # type: ignore[arg-type]
    assert Entry.objects.count() == 1_005


def test_lines_that_come_late_are_kept_too_and_none_twice(ab: Environment):
    start = now() - 10 * SECOND
    lines = many(40, start, step=SECOND // 10)
    source = Source(lines[::2])
    collecting.look(ab, source)  # type: ignore[arg-type]
    source.say(*lines[25::2])
    collecting.look(ab, source)  # type: ignore[arg-type]
    assert sorted(kept(ab)) == sorted(line.text for line in [*lines[::2], *lines[25::2]])


def test_a_traceback_that_comes_in_two_looks_is_one_entry(ab: Environment):
    lines = lines_of(CHAINED, at_ns=now())
    source = Source(lines[:6])
    collecting.look(ab, source)  # type: ignore[arg-type]
    source.say(*lines[6:])
    collecting.look(ab, source)  # type: ignore[arg-type]
    source.say(Line(now() + 5, WEB, "0", "ERR", "[05:00:00] INFO [x] next"))
    collecting.look(ab, source)  # type: ignore[arg-type]
    first = Entry.objects.get()
    assert first.text == CHAINED.rstrip("\n")
    assert first.level == 40


def test_a_traceback_across_two_pages_is_one_entry_though_it_is_old(ab: Environment):
    start = now() - 3600 * SECOND
    before = many(995, start, step=1)
    source = Source([*before, *lines_of(CHAINED, at_ns=start + 1000), *many(5, start + 60 * SECOND)])
    collecting.look(ab, source)  # type: ignore[arg-type]
    assert Entry.objects.filter(layer=WEB).count() == 1


def test_what_was_forgotten_between_two_looks_is_told_where_it_is_missing(ab: Environment):
    source = Source(many(10, now() - 100 * SECOND), most=10)
    collecting.look(ab, source)  # type: ignore[arg-type]
    Tail.objects.update(looked_ns=now() - 60 * SECOND)
    source.say(*many(30, now() - 20 * SECOND))
    collecting.look(ab, source)  # type: ignore[arg-type]
    collecting.look(ab, source)  # type: ignore[arg-type]
    gap = Entry.objects.get(layer="GAP")
    assert "Lines may be missing here" in gap.text
    assert [each.layer for each in Entry.objects.order_by("at_ns")][9:12] == ["RTR", "GAP", "RTR"]


def test_a_log_that_was_silent_for_long_has_no_gap(ab: Environment):
    source = Source(many(10, now() - 100 * SECOND))
    collecting.look(ab, source)  # type: ignore[arg-type]
    source.say(*many(10, now() - 2 * SECOND))
    collecting.look(ab, source)  # type: ignore[arg-type]
    assert not Entry.objects.filter(layer="GAP").exists()


def test_an_application_made_anew_is_read_from_its_beginning(ab: Environment):
    collecting.look(ab, Source(many(3, now() - 10 * SECOND)))  # type: ignore[arg-type]
    ab.app_guid = "another"
    collecting.look(ab, Source(many(4, now() - 500 * SECOND)))  # type: ignore[arg-type]
    assert Entry.objects.count() == 7


def test_trouble_with_the_platform_is_said_and_the_reading_goes_on_where_it_stood(ab: Environment):
    source = Source(many(3, now() - 10 * SECOND), trouble=NotFound("no such source"))
    collecting.look(ab, source)  # type: ignore[arg-type]
    assert "no such source" in Tail.objects.get().problem
    source.trouble = None
    collecting.look(ab, source)  # type: ignore[arg-type]
    assert (Tail.objects.get().problem, Entry.objects.count()) == ("", 3)


def test_only_one_worker_reads_a_log(ab: Environment):
    first = store.claim(ab.pk, "guid")
    assert first is not None
    assert store.claim(ab.pk, "guid") is None


def test_a_worker_that_lost_its_lease_writes_nothing(ab: Environment):
    first = store.claim(ab.pk, "guid")
    Tail.objects.update(lease_until=timezone.now())
    second = store.claim(ab.pk, "guid")
    assert first is not None
    assert second is not None
    entries = joining.join(many(2, now()))
    with pytest.raises(store.LostTail):
        store.keep(first, entries, Place())
    store.release(first, found=True, next_seconds=0, read_to_end=True)
    assert Tail.objects.get().lease_until is not None
    store.keep(second, entries, Place())
    assert Entry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_the_same_time_keep_each_line_once(transactional_db: None):
    ab = estate.environment("ab")
    source = Source(many(2_500, now() - 60 * SECOND))

    def look() -> None:
        try:
            collecting.look(ab, source)  # type: ignore[arg-type]
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    collecting.look(ab, source)  # type: ignore[arg-type]
    assert Entry.objects.count() == 2_500


def test_secrets_are_not_kept(ab: Environment):
    keep(ab, lines_of("connecting to postgres://u:hunter2@db/x\npassword=swordfish"))
    assert not Entry.objects.filter(text__contains="hunter2").exists()
    assert not Entry.objects.filter(text__contains="swordfish").exists()


def test_what_a_router_says_is_kept_as_a_request(ab: Environment):
    keep(ab, lines_of(access("/domain/12?x=1", 500, 0.25), layer="RTR"))
    row = Entry.objects.get()
    assert (row.method, row.path, row.status, row.took_ms, row.level) == (
        "GET",
        "/domain/{number}",
        500,
        250,
        40,
    )


def test_what_is_old_is_forgotten_and_what_is_young_stays(ab: Environment, settings: Any, monkeypatch: Any):
    monkeypatch.setattr(store, "DELETED_AT_ONCE", 7)
    settings.LOG_KEEP_DAYS = 1
    keep(ab, [*many(20, now() - 2 * 86_400 * SECOND), *many(3, now())])
    tasks.forget_old()
    assert Entry.objects.count() == 3
    assert Tail.objects.get().kept_bytes == sum(row.size for row in Entry.objects.all())


def test_what_is_too_much_is_forgotten_from_the_oldest_on(ab: Environment, settings: Any, monkeypatch: Any):
    monkeypatch.setattr(store, "DELETED_AT_ONCE", 7)
    monkeypatch.setattr(tasks, "MEGABYTE", 100)
    settings.LOG_KEEP_MB = 1
    keep(ab, many(50, now()))
    tasks.forget_old()
    left = kept(ab)
    assert 0 < len(left) < 50
    assert left[-1] == "line 49"
    assert Tail.objects.get().kept_bytes <= 100


class Platform:
    """Many sources by the app's guid, with the order in which they were read."""

    def __init__(self, **sources: Source) -> None:
        self.sources = {f"guid-{name}": source for name, source in sources.items()}
        self.read: list[str] = []

    def read_logs(self, source_id: str, **asked: Any) -> Any:
        self.read.append(source_id.removeprefix("guid-"))
        return self.sources[source_id].read_logs(source_id, **asked)

    def oldest_envelope(self, source_id: str) -> int | None:
        return self.sources[source_id].oldest_envelope(source_id)


@pytest.fixture
def one_round(monkeypatch: pytest.MonkeyPatch) -> Any:
    def go(platform: Platform) -> list[str]:
        monkeypatch.setattr(tasks.platform, "foundation", lambda: platform)
        tasks.collect_due()
        return platform.read

    return go


def with_tails(*names: str) -> None:
    """Environments whose logs wait the longer the earlier they are named."""
    for late, name in enumerate(names):
        moment = timezone.now() - timezone.timedelta(minutes=len(names) - late)
        Tail.objects.create(environment=estate.environment(name), due_at=moment)


def test_one_round_reads_every_log_whose_time_has_come_and_no_other(ab: Environment, one_round: Any):
    estate.environment("empty", app_guid="")
    later = estate.environment("later")
    Tail.objects.create(environment=later, due_at=timezone.now() + timezone.timedelta(minutes=1))
    held = estate.environment("held")
    assert store.claim(held.pk, "guid-held") is not None
    assert one_round(Platform(ab=Source(many(3, now() - 60 * SECOND)))) == ["ab"]
    assert kept(ab) == ["line 0", "line 1", "line 2"]
    assert Tail.objects.get(environment=ab).lease_until is None


def test_who_waits_longest_is_read_first_and_each_once_however_many_there_are(db: None, one_round: Any):
    names = [f"s{number:02}" for number in range(3 * collecting.TOGETHER + 2)]
    with_tails(*names)
    assert one_round(Platform(**{name: Source() for name in names})) == names
    assert not Tail.objects.exclude(lease_until=None).exists()
    assert not Tail.objects.filter(due_at__lte=timezone.now()).exists()
    assert set(Tail.objects.values_list("idle_looks", flat=True)) == {1}


def test_a_log_in_trouble_is_read_after_the_others_and_by_itself(db: None, one_round: Any):
    with_tails("bad", "good", "fair")
    Tail.objects.filter(environment__name="bad").update(problem="it did not answer")
    platform = Platform(bad=Source(trouble=NotFound("gone")), good=Source(), fair=Source())
    assert one_round(platform) == ["good", "fair", "bad"]
    assert "gone" in Tail.objects.get(environment__name="bad").problem
    assert Tail.objects.exclude(problem="").count() == 1


def test_a_log_that_hangs_holds_up_its_own_round_alone(db: None, monkeypatch: pytest.MonkeyPatch):
    with_tails(*(f"s{number:02}" for number in range(collecting.TOGETHER + 3)))
    platform = Platform(**{f"s{number:02}": Source() for number in range(collecting.TOGETHER + 3)})
    hanging = store.claim_due(collecting.TOGETHER)  # a round that waits for its first answer has these
    monkeypatch.setattr(tasks.platform, "foundation", lambda: platform)
    tasks.collect_due()
    assert platform.read == ["s08", "s09", "s10"]
    Tail.objects.update(lease_until=timezone.now())
    tasks.collect_due()
    assert len(platform.read) == collecting.TOGETHER + 3
    store.release_silent(hanging, next_seconds=0, looked_ns=now())  # too late: they are another's
    assert not Tail.objects.filter(due_at__lte=timezone.now()).exists()


def test_a_round_that_finds_enough_rounds_under_way_does_nothing(ab: Environment, one_round: Any):
    for _ in range(tasks.ROUNDS):
        tasks._rounds.acquire()
    try:
        assert one_round(Platform(ab=Source())) == []
    finally:
        for _ in range(tasks.ROUNDS):
            tasks._rounds.release()
    assert one_round(Platform(ab=Source())) == ["ab"]


def test_a_log_whose_end_was_not_reached_is_due_at_once(
    ab: Environment, monkeypatch: pytest.MonkeyPatch, one_round: Any
):
    monkeypatch.setattr(collecting, "PAGES", 1)
    lines = many(2_100, now() - 60 * SECOND, step=SECOND // 100)
    assert len(one_round(Platform(ab=Source(lines)))) > 1
    assert len(kept(ab)) == 2_100


def test_a_watched_log_is_read_again_within_a_second_and_another_is_not(
    ab: Environment, one_round: Any, monkeypatch: pytest.MonkeyPatch
):
    cd = estate.environment("cd")
    monkeypatch.setattr(collecting.channels, "watched", lambda pks: {ab.pk} & set(pks))
    one_round(Platform(ab=Source(), cd=Source()))
    soon = timezone.now() + timezone.timedelta(seconds=rules.WATCHED_SECONDS)
    assert list(Tail.objects.filter(due_at__lte=soon)) == [Tail.objects.get(environment=ab)]
    assert Tail.objects.filter(environment=cd).exists()


@pytest.mark.django_db(transaction=True)
def test_rounds_at_the_same_time_share_the_logs_and_read_each_once(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
):
    names = [f"s{number:02}" for number in range(40)]
    with_tails(*names)
    platform = Platform(**{name: Source(many(3, now() - 60 * SECOND)) for name in names})

    def go() -> None:
        try:
            collecting.look_at_due(platform, until=time.monotonic() + 60)  # type: ignore[arg-type]
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(platform.read) == names
    assert Entry.objects.count() == 3 * len(names)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 4_000), st.integers(0, 1_900), st.integers(0, 2)), max_size=40, unique=True
    ),
    st.lists(st.integers(0, 6_000), max_size=5),
)
def test_however_lines_and_looks_fall_every_line_is_kept_once(ab: Environment, said: Any, looks: Any):
    """Moments in milliseconds: printed at the first, in the cache that much later, by an instance."""
    Entry.objects.all().delete()
    Tail.objects.all().delete()
    base = now() - 100 * SECOND
    lines = [
        (at + late, Line(base + at * 1_000_000, WEB, str(who), "OUT", f"message {n}"))
        for n, (at, late, who) in enumerate(said)
    ]
    for moment in [*sorted(looks), 10_000]:
        collecting.look(ab, Source(sorted(line for came, line in lines if came <= moment)))  # type: ignore[arg-type]
    assert sorted(kept(ab)) == sorted(line.text for _, line in lines)
