"""What the pages of operations answer, without a browser: output, events, history, forms and who may do what."""

import json
import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from opsportal.accounts.models import Person, Role
from opsportal.environments.models import GitRef
from opsportal.kit import live
from opsportal.operations.models import Operation, State
from tests.support import estate

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SignIn = Callable[[Person], Client]


@pytest.fixture
def sign_in() -> SignIn:
    def make(person: Person) -> Client:
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def ana() -> Person:
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


@pytest.fixture
def client(sign_in: SignIn, ana: Person) -> Client:
    return sign_in(ana)


@pytest.fixture
def running(ana: Person) -> Operation:
    made = estate.operation(estate.environment("ab", owner=ana), ana)
    estate.say(made, [f"line number {n}" for n in range(1, 1201)])
    return made


@pytest.fixture
def ended(running: Operation) -> Operation:
    Operation.objects.filter(pk=running.pk).update(state=State.SUCCEEDED)
    return running


def events(response: Any) -> Iterator[dict[str, str]]:
    """The events of a stream, as a browser would read them."""
    text = b"".join(response.streaming_content).decode()
    for block in text.split("\n\n"):
        yield dict(
            line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":")
        )


def lines_of(response: Any) -> list[int]:
    """Numbers of the lines that a stream carried, in order."""
    return [
        line[0]
        for each in events(response)
        if each.get("event") == "lines"
        for line in json.loads(each["data"])
    ]


@pytest.mark.parametrize(
    ("after", "limit", "expected"), [(0, 3, [1, 2, 3]), (1198, 50, [1199, 1200]), (5000, 5, [])]
)
def test_output_is_given_in_chunks(
    client: Client, running: Operation, after: int, limit: int, expected: list[int]
) -> None:
    said = client.get(f"/operations/{running.id}/output?after={after}&limit={limit}").json()
    assert [line[0] for line in said["lines"]] == expected
    assert said["last"] == said["total"] == 1200


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=" + "9" * 40, "limit=0", "limit=²"])
def test_an_odd_address_is_no_error(client: Client, running: Operation, query: str) -> None:
    assert client.get(f"/operations/{running.id}/output?{query}").status_code == 200


def test_a_search_names_the_lines_in_any_case(client: Client, running: Operation) -> None:
    said = client.get(f"/operations/{running.id}/output?search=NUMBER+77").json()
    assert said == {"hits": [77, *range(770, 780)], "total": 11}


def test_the_download_holds_every_line_under_its_step(client: Client, running: Operation) -> None:
    answer = client.get(f"/operations/{running.id}/output.txt")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.count("line number") == 1200
    assert "=== 6. Stage" in text
    assert f"ab-deploy-{running.short_id}.txt" in answer["Content-Disposition"]


def test_a_stream_tells_all_lines_once_and_then_ends(client: Client, ended: Operation) -> None:
    response = client.get(f"/operations/{ended.id}/stream")
    assert lines_of(response) == list(range(1, 1201))


def test_a_stream_goes_on_after_the_line_the_browser_has(client: Client, ended: Operation) -> None:
    response = client.get(f"/operations/{ended.id}/stream?after=3", headers={"Last-Event-ID": "1190"})
    assert lines_of(response) == list(range(1191, 1201))


def test_a_stream_says_when_the_page_is_older_than_the_rows(client: Client, ended: Operation) -> None:
    Operation.objects.filter(pk=ended.pk).update(version=7)
    kinds = [
        each.get("event")
        for each in events(client.get(f"/operations/{ended.id}/stream?after=1200&version=6"))
    ]
    assert kinds == [None, "changed", "end", None]


def test_above_its_limit_a_process_asks_pages_to_poll(
    client: Client, ended: Operation, settings: Any
) -> None:
    settings.STREAMS_PER_PROCESS = 1
    first = client.get(f"/operations/{ended.id}/stream")
    assert client.get(f"/operations/{ended.id}/stream").status_code == 204
    assert lines_of(first)
    assert client.get(f"/operations/{ended.id}/stream").status_code == 200


def test_a_stream_that_nobody_read_gives_its_place_back_once(settings: Any) -> None:
    settings.STREAMS_PER_PROCESS = 1
    body = live.Stream("nobody", lambda topic: iter(()))
    live._open_streams = 1
    body.close()
    body.close()
    assert live._open_streams == 0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("environment=ab", 2),
        ("state=failed", 1),
        ("by=cleo", 1),
        ("q=main", 3),
        ("q=nothing+like+it", 0),
    ],
)
def test_the_history_can_be_filtered(
    client: Client, running: Operation, ana: Person, query: str, found: int
) -> None:
    cleo = estate.person("cleo", "Cleo Chu", Role.DESIGNER)
    estate.operation(running.environment, ana, State.FAILED)
    estate.operation(estate.environment("cw"), cleo, State.SUCCEEDED)
    assert client.get(f"/operations/?{query}").content.count(b'<th scope="row"') == found


def test_a_person_without_a_role_is_told_who_can_help(sign_in: SignIn, running: Operation) -> None:
    estate.person("gil", "Gil Duarte", Role.ADMIN)
    answer = sign_in(estate.person("nia", "Nia New")).get(f"/operations/{running.id}/")
    assert answer.status_code == 403
    assert "Nia New has no role in the portal yet" in answer.content.decode()


def test_nobody_sees_anything_without_signing_in(running: Operation) -> None:
    for address in (
        "/",
        "/operations/",
        f"/operations/{running.id}/",
        "/environments/ab/",
        "/environments/ab/deploy",
    ):
        assert Client().get(address).status_code == 302


def test_only_those_who_may_cancel_do(sign_in: SignIn, client: Client, running: Operation) -> None:
    theo = sign_in(estate.person("theo", "Theo", Role.PRODUCT_TEAM))
    assert theo.post(f"/operations/{running.id}/cancel").status_code == 403
    client.post(f"/operations/{running.id}/cancel")
    running.refresh_from_db()
    assert running.cancel_requested_by == "Ana Alvarez"


def test_what_cannot_be_done_any_more_is_said_in_words(client: Client, ended: Operation) -> None:
    answer: HttpResponse = client.post(f"/operations/{ended.id}/retry", follow=True)
    said = answer.content.decode()
    assert answer.status_code == 403
    assert "Only what failed, was cancelled or is unknown can be retried." in said


def test_a_deploy_is_asked_for_and_followed(client: Client, ana: Person) -> None:
    estate.repository()
    estate.environment("ab", owner=ana)
    answer = client.post(
        "/environments/ab/deploy", {"ref": "main", "ref_kind": "branch", "seen": estate.HEAD}
    )
    asked = Operation.objects.get()
    assert answer["Location"] == f"/operations/{asked.id}/"
    assert asked.params == {"ref": "main", "ref_kind": "branch", "commit": estate.HEAD, "migrate": False}


def test_a_branch_that_moved_since_it_was_looked_at_is_looked_at_again(client: Client, ana: Person) -> None:
    estate.repository()
    estate.environment("ab", owner=ana)
    GitRef.objects.filter(name="main").update(commit=estate.OLDER)
    answer = client.post(
        "/environments/ab/deploy", {"ref": "main", "ref_kind": "branch", "seen": estate.HEAD}
    )
    assert answer.status_code == 409
    assert "main moved from 926cd59e to 1a2b3c4d since you looked" in answer.content.decode()
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("ref", "status", "words"),
    [
        ("", 422, "Please look at 1 field again"),
        ("no-such-branch", 409, "The repository has no branch, tag or commit"),
        ("--upload-pack=evil", 409, "The repository has no branch, tag or commit"),
        ("x" * 301, 422, "at most 300 characters"),
        ("<script>alert(1)</script>", 409, "&lt;script&gt;"),
    ],
)
def test_what_cannot_be_deployed_is_said_and_kept(
    client: Client, ana: Person, ref: str, status: int, words: str
) -> None:
    estate.repository()
    estate.environment("ab", owner=ana)
    answer = client.post("/environments/ab/deploy", {"ref": ref})
    assert answer.status_code == status
    assert words in answer.content.decode()


def test_nobody_deploys_to_stable_by_hand(client: Client, ana: Person) -> None:
    estate.repository()
    estate.environment("stable", "stable")
    answer = client.post("/environments/stable/deploy", {"ref": "staging-254", "ref_kind": "tag"})
    assert answer.status_code == 409
    assert "cut a release" in answer.content.decode()


def test_the_search_finds_branches_tags_and_commits(client: Client, ana: Person) -> None:
    estate.repository()
    estate.environment("ab", owner=ana)
    for typed, found in (
        ("cleo", "cleo/try"),
        ("staging", "staging-254"),
        ("926cd59e", "main"),
        ("who dep", "926cd59e"),
    ):
        answer = client.get(
            f"/environments/ab/deploy?q={typed}", headers={"HX-Request": "true", "HX-Target": "refs"}
        )
        assert f'<span class="refs__name">{found}</span>' in answer.content.decode()


def test_what_all_who_follow_need_is_read_once_before_they_wake(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[live.News] = []
    channel = live._Channel("nobody", read.append)
    channel.bells.update(queue.SimpleQueue() for _ in range(3))
    channel.tell('{"output": 7}', '{"output": 9}')
    assert [news.upto for news in read] == [9]
    assert channel.news == read[0]
    assert [bell.empty() for bell in channel.bells] == [False] * 3


def test_the_more_follow_the_longer_the_beat_up_to_a_limit() -> None:
    channel = live._Channel("nobody", None)
    for followers, longest in ((1, 0.1), (40, 0.2), (500, 0.4)):
        channel.bells = {queue.SimpleQueue() for _ in range(followers)}
        assert 0 <= channel.until_the_beat() <= longest
