"""People and roles: every change by an action, allowed to admins, told to the trail."""

import io
import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection

from opsportal.accounts import actions
from opsportal.accounts.models import Person, PersonRole
from opsportal.accounts.queries import SERVICE, active_admins, in_words, may, person_named
from opsportal.accounts.rules import Place, Refused
from opsportal.audit.models import Entry

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def make(username: str, *roles: str, name: str = "") -> Person:
    return actions.create_person(username=username, name=name or username.title(), roles=roles, by=SERVICE)


@pytest.fixture
def ada() -> Person:
    return make("ada", "admin")


def told() -> list[tuple[str, str, str, str]]:
    """The trail without the making of the cast."""
    entries = Entry.objects.exclude(actor="opsportal").order_by("number")
    return list(entries.values_list("actor", "action", "target", "reason"))


CHANGES: dict[str, Any] = {
    "create_person": lambda ana, by: actions.create_person(username="zed", name="Zed", by=by),
    "grant_role": lambda ana, by: actions.grant_role(person=ana, role="designer", by=by),
    "revoke_role": lambda ana, by: actions.revoke_role(person=ana, role="engineer", by=by),
    "deactivate": lambda ana, by: actions.deactivate(person=ana, by=by),
    "set_password": lambda ana, by: actions.set_password(person=ana, password="three blue teapots", by=by),
    "change_details": lambda ana, by: actions.change_details(person=ana, name="Ana A.", by=by),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_admin_changes_people_and_the_trail_has_one_entry(ada: Person, name: str) -> None:
    CHANGES[name](make("ana", "engineer"), ada)

    assert told() == [
        ("ada", f"person.{name.removesuffix('_person')}", "zed" if name == "create_person" else "ana", "")
    ]


@pytest.mark.parametrize("name", CHANGES)
def test_nobody_else_changes_people(ada: Person, name: str) -> None:
    ana = make("ana", "engineer", "engineering_lead", "product_owner")
    before = Entry.objects.count()

    with pytest.raises(Refused, match=r"Only an admin may manage people and their roles\. Who can: Ada"):
        CHANGES[name](ana, ana)

    assert Entry.objects.count() == before


def test_what_changes_nothing_is_not_told_again(ada: Person) -> None:
    ana = make("ana", "engineer")

    actions.grant_role(person=ana, role="engineer", by=ada)
    actions.revoke_role(person=ana, role="designer", by=ada)
    actions.activate(person=ana, by=ada)
    actions.change_details(person=ana, name=ana.name, by=ada)

    assert told() == []


def test_a_role_knows_since_when_and_by_whom(ada: Person) -> None:
    held = actions.grant_role(person=make("ana"), role="engineer", by=ada, reason="joined")

    assert (held.granted_by, Entry.objects.first().reason) == (ada, "joined")
    assert PersonRole.objects.get(person=ada).granted_by is None


def test_passwords_never_reach_the_trail(ada: Person) -> None:
    actions.set_password(person=make("ana"), password="three blue teapots", by=ada)

    assert not any("teapots" in str(entry.__dict__) for entry in Entry.objects.all())


def test_a_person_half_made_is_not_made_at_all() -> None:
    with pytest.raises(ValidationError, match="is no role"):
        make("ana", "engineer", "emperor")

    assert not Person.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": ""},
        {"username": "ana alvarez"},
        {"username": "-ana"},
        {"username": "a" * 151},
        {"name": ""},
        {"email": "nowhere"},
        {"time_zone": "Mars/Olympus"},
        {"password": "short"},
        {"password": "password1234"},
    ],
)
def test_unusable_facts_about_a_person_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        actions.create_person(**{"username": "ana", "name": "Ana", "by": SERVICE, **wrong})


def test_two_people_cannot_share_a_user_name_in_other_capitals() -> None:
    make("ana")

    with pytest.raises(ValidationError, match="has this user name already"):
        make("ANA")
    with pytest.raises(IntegrityError):
        Person.objects.bulk_create([Person(username="Ana", name="Another")])


def test_the_database_takes_no_unknown_role() -> None:
    with pytest.raises(IntegrityError):
        PersonRole.objects.create(person=make("ana"), role="emperor")


# --- the last admin -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda ada: actions.revoke_role(person=ada, role="admin", by=ada),
        lambda ada: actions.deactivate(person=ada, by=ada),
    ],
)
def test_the_last_active_admin_cannot_go(ada: Person, change: Any) -> None:
    actions.deactivate(person=make("old", "admin"), by=ada)

    with pytest.raises(Refused, match="ada is the last active admin"):
        change(ada)

    assert active_admins() == {"ada"}


def test_an_admin_may_go_while_another_stays(ada: Person) -> None:
    make("lee", "admin")

    actions.revoke_role(person=ada, role="admin", by=ada)

    assert active_admins() == {"lee"}
    assert not ada.is_staff


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_remove_each_other_at_the_same_time() -> None:
    make("ada", "admin"), make("lee", "admin")
    barrier = threading.Barrier(2)
    refusals: list[str] = []

    def remove(who: str, whom: str) -> None:
        by, person = Person.objects.get(username=who), Person.objects.get(username=whom)
        barrier.wait()
        try:
            actions.deactivate(person=person, by=by)
        except Refused as refused:
            refusals.append(str(refused))
        finally:
            connection.close()

    pairs = [("ada", "lee"), ("lee", "ada")]
    threads = [threading.Thread(target=remove, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(refusals), len(active_admins())) == (1, 1)


# --- names of those who can -----------------------------------------------------------------------


def test_a_refusal_names_active_people_who_can() -> None:
    dee = make("dee", "designer", name="Dee Dahl")
    for name in ("ana", "cleo", "eve", "ida"):
        make(name, "engineer")
    actions.deactivate(person=make("gone", "engineer", name="Aaron Gone"), by=SERVICE)
    make("pam", "product_team", name="Al Pam")

    verdict = may(dee, "migrate", Place("ab", "sandbox", owner="pam"))

    assert verdict.people == "Al Pam, Ana and 3 more"


def test_a_page_full_of_refusals_costs_two_queries(django_assert_num_queries: Any) -> None:
    make("ana", "engineer")
    pam = Person.objects.get(pk=make("pam", "product_owner").pk)

    with django_assert_num_queries(2):
        refused = [may(pam, "deploy", Place(f"s{number}", "sandbox", None)) for number in range(50)]

    assert {verdict.people for verdict in refused} == {"Ana"}


@pytest.mark.parametrize(
    ("names", "words"),
    [([], ""), (["Ana"], "Ana"), (["Ana", "Bo"], "Ana and Bo"), (["Ana", "Bo", "Cy"], "Ana, Bo and 1 more")],
)
def test_a_few_names_are_said_and_the_rest_counted(names: list[str], words: str) -> None:
    assert in_words(names) == words


def test_a_person_is_found_by_user_name_however_it_is_typed() -> None:
    ana = make("ana")

    assert person_named(" ANA ") == ana
    assert person_named("nobody") is None


@pytest.mark.parametrize(
    ("name", "initials"), [("Ana Alvarez", "AA"), ("Ana de la Cruz", "AC"), ("ana", "A"), ("", "Z")]
)
def test_initials_stand_for_first_and_last_name(name: str, initials: str) -> None:
    assert Person(username="zed", name=name).initials == initials


# --- from a shell ---------------------------------------------------------------------------------


def from_shell(monkeypatch: pytest.MonkeyPatch, password: str, *arguments: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    call_command("create_person", *arguments, stdout=io.StringIO())


def test_the_first_admin_is_made_from_a_shell_and_the_trail_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from_shell(
        monkeypatch, "three blue teapots", "ada", "--name", "Ada", "--role", "admin", "--role", "engineer"
    )

    ada = Person.objects.get(username="ada")
    assert ada.check_password("three blue teapots")
    assert ada.role_names == {"admin", "engineer"}
    assert set(Entry.objects.values_list("actor", "actor_kind", "origin")) == {
        ("opsportal", "service", "shell")
    }


def test_a_person_that_cannot_be_made_from_a_shell_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="too short"):
        from_shell(monkeypatch, "short", "ada", "--name", "Ada")
