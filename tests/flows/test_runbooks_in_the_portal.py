"""Runbooks in the portal: the list and its search, names filled in, buttons that somebody may or may not press."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from opsportal.accounts.models import Person, Role
from opsportal.accounts.rules import Permission
from opsportal.operations import registry
from opsportal.operations.kinds.deploy import DEPLOY
from opsportal.operations.registry import Confirm
from opsportal.runbooks import queries
from tests.support import estate

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SHELF = {
    "README": "# Runbooks\n\n## Bad days\n\n- [Errors](errors.md)\n- [Gone](gone.md)\n\n## Versions\n\n- [D](deploy.md)\n",
    "deploy": "# Deploy\n\n**When.** You want {app} to run a branch. More words.\n\n[button: deploy]\n",
    "errors": "# Errors on {environment}\n\nPeople see errors.\n\n    cf target -o {organization} -s {space}\n\n"
    "The database {database}, the manifest `{manifest}`.\n\n[button: reset_database] [button: juggle] {colour}\n\n"
    "[page: environment] [page: history]\n\nSee [Deploy](deploy.md#when) and [all](README.md), not [it](../x.md).\n",
    "lonely": "# Lonely\n\nNot in the index.\n",
}
RESET = replace(
    DEPLOY,
    name="reset_database",
    title="Reset database",
    permission=Permission.RESET_DATABASE,
    allowed_on=frozenset({"sandbox", "development", "staging"}),
    confirm=Confirm.TYPED,
)


@pytest.fixture(autouse=True)
def _shelf(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few runbooks, and a kind that cannot be undone."""
    for name, text in SHELF.items():
        (tmp_path / f"{name}.md").write_text(text)
    settings.RUNBOOKS_DIR = tmp_path
    settings.CF_ORGANIZATION, settings.CF_API_URL = "cisa-dotgov", "https://api.example.gov"
    monkeypatch.setitem(registry._kinds, "reset_database", RESET)


@pytest.fixture
def ana() -> Person:
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


def page(person: Person, address: str) -> str:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_follows_the_index_and_ends_with_what_it_does_not_name(ana: Person) -> None:
    shown = page(ana, "/runbooks/")
    order = [
        shown.index(words) for words in ("Bad days", "Errors on", "Versions", ">Deploy<", "Others", "Lonely")
    ]
    assert order == sorted(order)
    assert "3 runbooks" in shown
    assert "<td>You want {app} to run a branch.</td>" in shown


@pytest.mark.parametrize(
    ("words", "found"),
    [("target", "Errors on"), ("PEOPLE errors", "Errors on"), ("lonely", "Lonely"), ("branch", "Deploy")],
)
def test_the_list_is_searched_by_words(ana: Person, words: str, found: str) -> None:
    shown = page(ana, f"/runbooks/?q={words}")
    assert f">{found}" in shown
    assert "1 runbook with" in shown


def test_the_list_is_filled_in_too_and_leads_on_with_the_environment(ana: Person) -> None:
    estate.environment("ab")
    shown = page(ana, "/runbooks/?environment=ab")
    assert "<td>You want getgov-ab to run a branch.</td>" in shown
    assert 'href="/runbooks/errors/?environment=ab"' in shown


def test_a_search_without_result_says_what_to_do(ana: Person) -> None:
    shown = page(ana, "/runbooks/?q=nothing-like-it&environment=")
    assert "No runbook holds these words" in shown
    assert "0 runbooks" in shown


def test_every_name_of_the_environment_is_filled_in(ana: Person) -> None:
    estate.environment("ab", services=["getgov-credentials", "ab-database"])
    shown = page(ana, "/runbooks/errors/?environment=ab")
    assert "<h1>Errors on ab</h1>" in shown
    assert "cf target -o cisa-dotgov -s ab" in shown
    assert "The database ab-database" in shown
    assert "ops/manifests/manifest-ab.yaml" in shown
    assert "{environment}" not in shown


def test_without_an_environment_its_names_stand_as_written_and_buttons_ask_for_one(ana: Person) -> None:
    shown = page(ana, "/runbooks/errors/")
    assert "cf target -o cisa-dotgov -s {space}" in shown
    assert "Reset database: choose an environment first" in shown
    assert 'href="#choose-environment"' in shown
    assert "/do/reset_database" not in shown


def test_a_button_leads_to_that_operation_on_that_environment(ana: Person) -> None:
    estate.environment("ab")
    assert 'href="/environments/ab/do/reset_database"' in page(ana, "/runbooks/errors/?environment=ab")
    assert 'href="/environments/ab/deploy"' in page(ana, "/runbooks/deploy/?environment=ab")


def test_what_cannot_be_undone_looks_like_it(ana: Person) -> None:
    estate.environment("ab")
    assert "usa-button--secondary" in page(ana, "/runbooks/errors/?environment=ab")
    assert "usa-button--secondary" not in page(ana, "/runbooks/deploy/?environment=ab")


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("staging", "Only an engineering lead or an admin may reset the database of staging. Who can: Lee."),
        ("stable", "The database of stable is never reset, by anyone, by any path."),
    ],
)
def test_a_refused_button_says_why_and_who_can(ana: Person, place: str, why: str) -> None:
    estate.person("lee", "Lee", Role.ENGINEERING_LEAD)
    estate.environment(place, place)
    shown = page(ana, f"/runbooks/errors/?environment={place}")
    assert why in shown
    assert "/do/reset_database" not in shown


def test_an_operation_that_does_not_exist_there_is_refused_even_to_those_who_may(
    ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.environment("ab")
    monkeypatch.setitem(registry._kinds, "reset_database", replace(RESET, allowed_on=frozenset()))
    assert "Reset database does not exist on sandbox." in page(ana, "/runbooks/errors/?environment=ab")


def test_what_nobody_knows_is_shown_as_written(ana: Person) -> None:
    estate.environment("ab")
    assert "[button: juggle] {colour}" in page(ana, "/runbooks/errors/?environment=ab")


def test_links_lead_to_other_runbooks_for_the_same_environment(ana: Person) -> None:
    estate.environment("ab")
    shown = page(ana, "/runbooks/errors/?environment=ab")
    assert 'href="/runbooks/deploy/?environment=ab#when"' in shown
    assert 'href="/runbooks/?environment=ab"' in shown
    assert 'href="/operations/?environment=ab"' in shown
    assert "../x.md" not in shown


def test_an_environment_that_there_is_not_is_said_to_be_none(ana: Person) -> None:
    shown = page(ana, "/runbooks/errors/?environment=zz")
    assert "There is no environment “zz”." in shown
    assert "cf target -o cisa-dotgov -s {space}" in shown


@pytest.mark.parametrize(
    "name", ["..", "moon", "README", "..%2f..%2fREADME", "Errors", ".hidden", "errors.md"]
)
def test_only_files_of_the_shelf_are_runbooks(ana: Person, name: str) -> None:
    client = Client()
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/runbooks/{name}/").status_code == 404


def test_a_runbook_that_was_changed_is_read_again(ana: Person, tmp_path: Path) -> None:
    page(ana, "/runbooks/lonely/")
    (tmp_path / "lonely.md").write_text("# No longer lonely\n\nWords.\n")
    assert "<h1>No longer lonely</h1>" in page(ana, "/runbooks/lonely/")


def test_a_kind_of_operation_leads_to_its_runbook(ana: Person) -> None:
    estate.environment("ab")
    assert queries.address("deploy", "a b") == "/runbooks/deploy/?environment=a+b"
    assert queries.address("deploy") == "/runbooks/deploy/"
    assert queries.address("juggle") == ""
    assert "Deploy to ab" in page(ana, "/runbooks/for/deploy/?environment=ab")


def test_a_kind_without_a_runbook_leads_nowhere(ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._kinds, "reset_database", replace(RESET, runbook="docs/runbooks/none.md"))
    client = Client()
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/runbooks/for/reset_database/").status_code == 404


@pytest.mark.parametrize("address", ["/runbooks/", "/runbooks/errors/", "/runbooks/for/deploy/"])
def test_nobody_reads_a_runbook_who_may_not_see_the_environments(address: str) -> None:
    client = Client()
    assert client.get(address).status_code == 302
    client.force_login(estate.person("sam", "Sam"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(address).status_code == 403


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([], "getgov-ab-database"),
        (["getgov-credentials", "old-database"], "old-database"),
        (["getgov-credentials"], "getgov-ab-database"),
    ],
)
def test_the_database_is_the_service_that_is_bound_else_the_one_by_custom(
    services: list[str], expected: str
) -> None:
    assert queries.database("getgov-ab", services) == expected


def test_a_hostile_environment_name_is_shown_as_a_name(ana: Person) -> None:
    name = '"><b>x {app} [button: deploy]'
    estate.environment(name)
    client = Client()
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")
    shown = client.get("/runbooks/deploy/", {"environment": name}).content.decode()
    assert "<b>x" not in shown
    assert "{app} [button: deploy]" in shown


@pytest.mark.parametrize(
    ("is_local", "said"), [(True, "cf login -a {api}\n"), (False, "cf login -a {api} --sso\n")]
)
def test_signing_in_is_told_as_it_works_on_the_platform_at_hand(
    is_local: bool, said: str, settings: Any
) -> None:
    settings.CF_IS_LOCAL = is_local
    assert queries.for_this_platform("    cf login -a {api} --sso\n") == f"    {said}"
