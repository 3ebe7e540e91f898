"""What the pages of a log answer, without a browser: searches, links, downloads, the live tail, who may read."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from opsportal.accounts.models import Person, Role
from opsportal.environments.models import Environment
from opsportal.logs import matching, queries, streams
from opsportal.logs.levels import Level
from opsportal.logs.lines import SECOND, Line
from opsportal.logs.models import Entry
from tests.support import estate
from tests.support.logs import CHAINED, WEB, access, keep, lines_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def ab(db: None) -> Environment:
    return estate.environment("ab")


@pytest.fixture
def sign_in(client: Client) -> Callable[[Person], Client]:
    def make(person: Person) -> Client:
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def ana(db: None, sign_in: Callable[[Person], Client]) -> Client:
    return sign_in(estate.person("ana", "Ana Alvarez", Role.ENGINEER))


def ago(seconds: float) -> int:
    return time.time_ns() - round(seconds * SECOND)


def said(
    environment: Environment, *texts: str, seconds: float = 60, layer: str = WEB, instance: str = "0"
) -> None:
    keep(
        environment,
        [
            Line(ago(seconds) + n * SECOND // 1000, layer, instance, "OUT", text)
            for n, text in enumerate(texts)
        ],
    )


def found(client: Client, query: str = "", name: str = "ab") -> list[str]:
    answer = client.get(f"/environments/{name}/logs/{query}")
    assert answer.status_code == 200
    return [each.entry.text for each in answer.context["entries"]]


def world(ab: Environment) -> None:
    said(ab, "[05:00:00] INFO [registrar] Welcome, Ana", "[05:00:00] ERROR [registrar] It broke")
    said(ab, "[05:00:00] WARNING [registrar] worker is slow", layer="APP/PROC/WORKER", instance="1")
    said(ab, access("/domain/1", 200), access("/domain/2", 500, 1.5), layer="RTR")
    said(ab, "-----> Installing", layer="STG")
    said(ab, "long ago", seconds=7200)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=welcome", ["Welcome, Ana"]),
        ("?q=100%25", []),
        ("?level=error", ["/domain/2", "It broke"]),
        ("?level=warning&layer=APP", ["It broke", "slow"]),
        ("?layer=APP/PROC/WORKER", ["slow"]),
        ("?layer=RTR&q=domain", ["/domain/2", "/domain/1"]),
        ("?instance=1", ["slow"]),
        ("?q=dom.in/%5B12%5D&re=on", ["/domain/2", "/domain/1"]),
        ("?q=long&range=6h", ["long ago"]),
        ("?q=long", []),
        ("?layer=RTR&level=error&q=%5E.*500&re=on", ["/domain/2"]),
        ("?level=nonsense&range=nonsense&layer=STG", ["Installing"]),
    ],
)
def test_entries_are_found_by_layer_instance_level_text_pattern_and_time(ab, ana, query, expected):
    world(ab)
    texts = found(ana, query)
    assert len(texts) == len(expected)
    assert all(any(word in text for text in texts) for word in expected)


def test_entries_stand_newest_first_and_pages_lead_back_and_forth(ab, ana):
    said(ab, *(f"message {n}" for n in range(250)))
    seen, query, pages = [], "", []
    while True:
        page = ana.get(f"/environments/ab/logs/{query}")
        texts = [each.entry.text for each in page.context["entries"]]
        pages.append(texts)
        seen += texts
        if not page.context["older"]:
            break
        query = page.context["older"]
    assert seen == [f"message {n}" for n in range(249, -1, -1)]
    back = ana.get(f"/environments/ab/logs/{page.context['newer']}")
    assert [each.entry.text for each in back.context["entries"]] == pages[-2]


def test_the_same_pages_of_a_text_and_of_a_pattern(ab, ana):
    said(ab, *(f"message {n}" for n in range(150)))
    for query in ("?q=message", "?q=mess.ge&re=on"):
        first = ana.get(f"/environments/ab/logs/{query}")
        second = ana.get(f"/environments/ab/logs/{first.context['older']}")
        assert first.context["found"].total == 150
        assert [each.entry.text for each in second.context["entries"]] == [
            f"message {n}" for n in range(49, -1, -1)
        ]
        third = ana.get(f"/environments/ab/logs/{second.context['newer']}")
        assert third.context["entries"][0].entry.text == "message 149"


def test_the_picture_counts_every_entry_and_each_bar_leads_to_its_entries(ab, ana):
    world(ab)
    page = ana.get("/environments/ab/logs/")
    picture, total = page.context["picture"], page.context["found"].total
    assert total == 6
    inside = 0
    for bar in picture.bars:
        inside += ana.get(f"/environments/ab/logs/{bar.address}").context["found"].total
    assert inside == total


def test_a_text_with_many_hits_is_counted_as_exactly_as_one_with_few(ab, ana, monkeypatch):
    said(ab, *(f"message {n}" for n in range(120)))
    few = ana.get("/environments/ab/logs/?q=message").context["found"]
    monkeypatch.setattr(queries, "HITS", 10)
    many = ana.get("/environments/ab/logs/?q=message").context["found"]
    assert (many.total, sum(many.counts.values())) == (few.total, sum(few.counts.values())) == (120, 120)
    assert [each.pk for each in many.entries] == [each.pk for each in few.entries]


HOSTILE = ["(a+)+$", "(a|a)*b", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a*)*(a*)*c"]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_hostile_pattern_is_ended_and_said_to_be_too_slow(ab, ana, pattern, monkeypatch):
    monkeypatch.setattr(queries, "SECONDS", 0.5)
    said(ab, "a" * 60 + "!")
    page = ana.get("/environments/ab/logs/", {"q": pattern, "re": "on"})
    assert page.status_code == 200
    assert "takes too long" in page.content.decode()


def test_no_child_and_no_place_is_left_behind_by_a_pattern_that_was_ended():
    for _ in range(matching.MOST_CHILDREN + 2):
        with pytest.raises(matching.TooSlow), matching.Matcher("(a+)+$", 1) as matcher:
            matcher.matches(["a" * 60 + "!"], 0.05)
    with matching.Matcher("a", 1) as matcher:
        assert matcher.matches(["xa", "b"], 5) == [0]


def test_what_is_no_pattern_is_said_on_its_field(ab, ana):
    page = ana.get("/environments/ab/logs/", {"q": "(unclosed", "re": "on"}).content.decode()
    assert "no regular expression" in page
    assert "usa-error-message" in page
    assert "Nothing matches" not in page


def test_a_search_by_pattern_that_did_not_come_to_the_end_says_how_far_it_came(ab, ana, monkeypatch):
    monkeypatch.setattr(queries, "AT_ONCE", 10)
    monkeypatch.setattr(queries, "HITS", 25)
    said(ab, *(f"message {n}" for n in range(100)))
    page = ana.get("/environments/ab/logs/?q=mess&re=on")
    assert page.context["found"].total == 30
    further = ana.get(f"/environments/ab/logs/{page.context['further']}")
    assert further.context["entries"][0].entry.text == "message 70"


def test_a_traceback_is_one_entry_with_what_was_raised_in_its_headline(ab, ana):
    keep(ab, lines_of(CHAINED, at_ns=ago(30)))
    page = ana.get("/environments/ab/logs/?q=UndefinedTable")
    (entry,) = page.context["entries"]
    assert entry.headline.startswith(
        "[django.request] Internal Server Error: /admin/ — django.db.utils.Programming"
    )
    assert "direct cause" in page.content.decode()


def test_a_record_shows_its_fields_and_a_request_its_parts(ab, ana):
    said(ab, '{"level": "ERROR", "message": "no", "user": {"id": 7}}')
    said(ab, access("/x?page=1", 503, 0.2), layer="RTR")
    page = ana.get("/environments/ab/logs/")
    text = page.content.decode()
    assert "<dt>user.id</dt><dd>7</dd>" in text
    assert "<dt>vcap_request_id</dt><dd>4f0c</dd>" in text
    assert "GET /x?page=1 → 503 in 200 ms" in [each.headline for each in page.context["entries"]]


def test_markup_in_a_log_is_text(ab, ana):
    said(ab, "<script>alert(1)</script>")
    assert "<script>alert" not in ana.get("/environments/ab/logs/").content.decode()


def test_an_entrys_page_shows_what_its_source_said_before_and_after(ab, ana):
    keep(ab, [Line(ago(100) + n * SECOND, WEB, "0", "OUT", f"zero {n}") for n in range(60)])
    keep(ab, [Line(ago(100) + n * SECOND, WEB, "1", "OUT", f"one {n}") for n in range(60)])
    middle = Entry.objects.get(text="zero 30")
    page = ana.get(f"/environments/ab/logs/{middle.pk}")
    before, after = page.context["before"], page.context["after"]
    assert [each.entry.text for each in before] == [f"zero {n}" for n in range(5, 30)]
    assert [each.entry.text for each in after] == [f"zero {n}" for n in range(31, 56)]


def test_an_entry_of_another_environment_is_not_found(ab, ana):
    said(ab, "x")
    estate.environment("cw")
    assert ana.get(f"/environments/cw/logs/{Entry.objects.get().pk}").status_code == 404


def live_in(zone: str) -> None:
    Person.objects.filter(username="ana").update(time_zone=zone)


def test_a_moment_is_a_link_that_means_the_same_to_everybody(ab, ana):
    live_in("America/Los_Angeles")
    answer = ana.get("/environments/ab/logs/?range=exact&from=2026-11-23T02:00:00&to=2026-11-23T03:00")
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert (query["from"], query["to"]) == (["2026-11-23T10:00:00Z"], ["2026-11-23T11:00:00Z"])
    around = ana.get("/environments/ab/logs/?at=2026-11-23T10:00:00Z")
    assert parse_qs(urlsplit(around["Location"]).query)["from"] == ["2026-11-23T09:58:00Z"]


def test_times_are_those_of_the_viewers_zone(ab, ana):
    keep(ab, [Line(1_795_435_200 * SECOND, WEB, "0", "OUT", "noon in London")])
    for zone, clock in (("UTC", "12:00:00.000"), ("Asia/Tokyo", "21:00:00.000"), ("", "07:00:00.000")):
        live_in(zone)
        page = ana.get("/environments/ab/logs/?range=exact&from=2026-11-23T11:00:00Z&to=2026-11-23T13:00:00Z")
        assert [each.clock for each in page.context["entries"]] == [clock]
        named = zone or "America/New_York"
        shown = page.content.decode()
        assert f'From <span class="soft small">({named})</span>' in shown
        assert f'{clock} {named}"' in shown
        assert f'data-zone="{named}"' in shown


SWAPPED = "From was later than To"


@pytest.mark.parametrize("page", ["logs/", "logs/requests"])
@pytest.mark.parametrize("zone", ["Z", ""])
def test_a_from_later_than_the_to_is_said_to_be_taken_the_other_way_round(ab, ana, page, zone):
    backwards = f"?range=exact&from=2026-11-23T13:00:00{zone}&to=2026-11-23T11:00:00{zone}"
    assert SWAPPED in ana.get(f"/environments/ab/{page}{backwards}", follow=True).content.decode()
    forwards = f"?range=exact&from=2026-11-23T11:00:00{zone}&to=2026-11-23T13:00:00{zone}"
    assert SWAPPED not in ana.get(f"/environments/ab/{page}{forwards}", follow=True).content.decode()


def test_the_portals_own_probes_can_be_hidden(ab, ana):
    own = [access(path).replace("Mozilla/5.0 (X11)", "opsportal") for path in ("/health", "/version")]
    said(ab, *own, access("/health"), access("/page"), layer="RTR")
    shown = ana.get("/environments/ab/logs/?probes=hidden")
    assert sorted(each.headline.split()[1] for each in shown.context["entries"]) == ["/health", "/page"]
    assert len(ana.get("/environments/ab/logs/").context["entries"]) == 4
    summed = ana.get("/environments/ab/logs/requests?probes=hidden")
    assert summed.context["total"] == 2
    assert len(ana.get("/environments/ab/logs/news?after=0&probes=hidden").json()["entries"]) == 2


def test_a_row_of_requests_leads_to_these_very_requests(ab, ana):
    said(ab, access("/"), access("/domain/12"), access("/domain/13?x=1"), layer="RTR")
    sums = {each.path: href for each, href in ana.get("/environments/ab/logs/requests").context["sums"]}
    found = ana.get(sums["/"]).context["entries"]
    assert [each.headline.split()[1] for each in found] == ["/"]
    assert len(ana.get(sums["/domain/{number}"]).context["entries"]) == 2


def test_a_live_row_unfolds_to_the_fields_of_its_request(ab, ana):
    said(ab, access("/page", 404), layer="RTR")
    (row,) = ana.get("/environments/ab/logs/news?after=0").json()["entries"]
    assert row[6] == ""
    assert (row[8]["path"], row[8]["status"]) == ("/page", "404")


@pytest.mark.parametrize(
    "query",
    [
        "?from=9999-99-99",
        "?range=exact&from=x",
        "?before=abc",
        "?after=1.2.3",
        "?at=x",
        "?q=%00",
        "?from=0001-01-01T00:00Z&to=9999-12-31T23:59Z",
        "?before=99999999999999999999.1",
    ],
)
def test_nonsense_in_an_address_harms_nothing(ab, ana, query):
    assert ana.get(f"/environments/ab/logs/{query}", follow=True).status_code == 200


def test_a_download_holds_all_that_matches_oldest_first(ab, ana):
    said(ab, *(f"message {n}" for n in range(2_345)))
    said(ab, "other")
    answer = ana.get("/environments/ab/logs/log.txt?q=message")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert [line.rpartition(" OUT ")[2] for line in lines] == [f"message {n}" for n in range(2_345)]
    assert "[APP/PROC/WEB/0]" in lines[0]


def test_a_download_by_a_pattern_holds_what_matches(ab, ana):
    said(ab, *(f"message {n}" for n in range(30)))
    answer = ana.get("/environments/ab/logs/log.txt?q=message .5$&re=on")
    assert b"".join(answer.streaming_content).decode().count("\n") == 2


def test_requests_are_summed_by_path(ab, ana):
    world(ab)
    page = ana.get("/environments/ab/logs/requests")
    ((summed, href),) = page.context["sums"]
    assert (summed.path, summed.requests, summed.failed, summed.p95_ms) == ("/domain/{number}", 2, 1, 1500)
    assert len(ana.get(href).context["entries"]) == 2


def test_links_to_the_platforms_pages_are_filled_in_or_said_to_be_missing(ab, ana, settings):
    settings.DASHBOARD_URL = "https://dashboard.example/apps/{app_guid}"
    settings.KIBANA_URL = "https://logs.example/#?q={query}&from={from}&to={to}"
    page = ana.get("/environments/ab/logs/?layer=APP/PROC/WEB&q=say+%22no%22")
    links = {link.words: link.address for link in page.context["outside"]}
    assert links["Dashboard"] == "https://dashboard.example/apps/guid-ab"
    assert "%40cf.app%3A%22getgov-ab%22%20AND%20%40source.type%3AAPP" in links["Kibana"]
    assert "LOG_STREAM_URL" in page.content.decode()


def test_the_lines_to_a_shell_are_those_of_this_environment(ab, ana, settings):
    settings.CF_API_URL, settings.CF_ORGANIZATION, settings.CF_IS_LOCAL = (
        "https://api.fr.cloud.gov",
        "cisa",
        False,
    )
    page = ana.get("/environments/ab/shell").content.decode()
    for line in (
        "cf login -a https://api.fr.cloud.gov --sso",
        "cf target -o cisa -s ab",
        "cf ssh getgov-ab",
        "/tmp/lifecycle/shell",
    ):
        assert line in page


def batch(client: Client, after: int, query: str = "") -> dict[str, Any]:
    return dict(client.get(f"/environments/ab/logs/news?after={after}{query}").json())


def test_the_live_tail_goes_on_where_it_stopped_and_filters(ab, ana):
    said(ab, "one", "two")
    first = batch(ana, 0)
    assert [each[5] for each in first["entries"]] == ["one", "two"]
    said(ab, "three", "[05:00:00] ERROR [x] four")
    assert [each[5] for each in batch(ana, first["last"])["entries"]] == ["three", "[x] four"]
    assert [each[5] for each in batch(ana, first["last"], "&level=error")["entries"]] == ["[x] four"]
    assert [each[5] for each in batch(ana, first["last"], "&q=t.ree&re=on")["entries"]] == ["three"]
    assert batch(ana, first["last"], "&q=nothing")["last"] > first["last"]


def test_the_live_tail_counts_what_it_does_not_draw_and_says_where_it_is(ab, ana, monkeypatch):
    monkeypatch.setattr(streams, "DRAWN", 10)
    said(ab, *(f"message {n}" for n in range(45)))
    news = batch(ana, 0)
    assert (len(news["entries"]), news["left_out"]) == (10, 35)
    everything = ana.get(f"/environments/ab/logs/?range=exact&from={news['since']}&to={news['until']}")
    assert everything.context["found"].total == 45


def test_the_stream_tells_what_is_kept_while_it_is_open(ab, ana, monkeypatch):
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    said(ab, "one")
    answer = ana.get("/environments/ab/logs/stream?after=0")
    events = iter(answer.streaming_content)
    text = b""
    while b"one" not in text:
        text += next(events)
    said(ab, "two")
    while b"two" not in text:
        text += next(events)
    ids = [int(line[4:]) for line in text.decode().splitlines() if line.startswith("id: ")]
    assert ids == sorted(Entry.objects.values_list("pk", flat=True))
    answer.close()


def test_a_stream_by_a_hostile_pattern_ends_with_words(ab, ana, monkeypatch):
    monkeypatch.setattr(streams, "PATTERN_SECONDS", 0.2)
    said(ab, "a" * 60 + "!")
    answer = ana.get("/environments/ab/logs/stream", {"after": "0", "q": "(a+)+$", "re": "on"})
    text = b"".join(answer.streaming_content).decode()
    answer.close()
    assert "event: problem" in text
    assert "takes too long" in json.loads(text.rpartition("data: ")[2])


def test_what_is_wrong_can_be_asked_for(ab):
    world(ab)
    said(ab, 'Process has crashed with type: "web"', layer="API")
    said(ab, "Exit status 1")
    said(ab, "Updated app with guid 1", layer="API")
    since = timezone.now() - timedelta(hours=1)
    crashes = [each.text for each in queries.crash_lines(ab, since)]
    assert sorted(crashes) == ["Exit status 1", 'Process has crashed with type: "web"']
    assert len(queries.error_entries(ab, since)) == 4
    assert queries.counts_by_level(ab, since)[Level.WARNING] == 1
    assert queries.error_entries(ab, timezone.now()) == []


PLACES = ["logs/", "logs/live", "logs/requests", "logs/log.txt", "logs/news", "shell"]


@pytest.mark.parametrize("place", PLACES)
def test_whoever_may_see_the_environments_may_read_their_logs_and_nobody_else(ab, sign_in, place, client):
    assert client.get(f"/environments/ab/{place}").status_code == 302
    assert (
        sign_in(estate.person("deb", "Deb", Role.DESIGNER)).get(f"/environments/ab/{place}").status_code
        == 200
    )
    assert sign_in(estate.person("nobody", "Nobody")).get(f"/environments/ab/{place}").status_code == 403


@pytest.mark.parametrize("place", PLACES)
def test_an_environment_that_does_not_exist_is_not_found(ana, place):
    assert ana.get(f"/environments/none/{place}").status_code == 404


def test_an_environment_without_an_app_says_so(ana):
    estate.environment("new", app_guid="")
    for place in PLACES:
        assert ana.get(f"/environments/new/{place}").status_code == 200
    assert "Nothing was deployed there yet" in ana.get("/environments/new/logs/").content.decode()
