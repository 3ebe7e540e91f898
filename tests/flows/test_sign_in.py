"""Signing in and out: throttled by name and address, back to where one wanted to go, and into the trail."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as site
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from opsportal.accounts import gates
from opsportal.accounts.actions import create_person, deactivate, grant_role, set_password, unlock
from opsportal.accounts.client_address import client_address
from opsportal.accounts.models import Person
from opsportal.accounts.queries import SERVICE
from opsportal.accounts.rules import Permission, Refused, Verdict
from opsportal.audit.models import Entry

pytestmark = [pytest.mark.database, pytest.mark.django_db]

PASSWORD = "three blue teapots"


@pytest.fixture(autouse=True)
def _no_earlier_guesses() -> None:
    """Wrong guesses are counted in the cache, which outlives a test."""
    cache.clear()


@pytest.fixture
def ana() -> Person:
    return create_person(
        username="ana", name="Ana Alvarez", password=PASSWORD, roles=["engineer"], by=SERVICE
    )


def sign_in(
    client: Client, username: str = "ana", password: str = PASSWORD, come_from: str = "", **more: Any
) -> HttpResponse:
    data = {"username": username, "password": password, "next": come_from}
    return client.post(reverse("accounts:sign_in"), data, **more)


def trail() -> list[tuple[str, str, str]]:
    """What stands in the trail about signing in, oldest first."""
    entries = Entry.objects.filter(action__regex="sign_|lock_").order_by("number")
    return list(entries.values_list("actor", "action", "origin"))


# --- in and out -----------------------------------------------------------------------------------


def test_ana_signs_in_and_goes_where_she_wanted(client: Client, ana: Person) -> None:
    answer = sign_in(client, come_from="/operations/?state=failed")

    assert (answer.status_code, answer["Location"]) == (302, "/operations/?state=failed")
    assert trail() == [("ana", "person.sign_in", "127.0.0.1")]


def test_without_a_wish_she_goes_home(client: Client, ana: Person) -> None:
    assert sign_in(client)["Location"] == reverse(site.LOGIN_REDIRECT_URL)


def test_capitals_and_spaces_in_a_user_name_are_forgiven(client: Client, ana: Person) -> None:
    assert sign_in(client, username=" Ana ").status_code == 302


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "https:///evil.example",
        "\x00//evil.example",
        "http://testserver@evil.example/",
        "/sign-in",
        "/sign-in?next=/sign-in",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(client: Client, ana: Person, elsewhere: str) -> None:
    home = reverse(site.LOGIN_REDIRECT_URL)

    assert sign_in(client, come_from=elsewhere)["Location"] == home
    assert client.get(reverse("accounts:sign_in"), {"next": elsewhere})["Location"] == home


def test_signing_in_begins_a_new_session(client: Client, ana: Person) -> None:
    session = client.session
    session["before"] = "signing in"
    session.save()
    before = session.session_key

    sign_in(client)

    assert client.session.session_key not in {None, before}


def test_signing_out_ends_the_session_and_is_told(client: Client, ana: Person) -> None:
    sign_in(client)

    answer = client.post(reverse("accounts:sign_out"))

    assert answer["Location"] == reverse("accounts:sign_in")
    assert "_auth_user_id" not in client.session
    assert trail()[-1][:2] == ("ana", "person.sign_out")


def test_a_link_cannot_sign_anybody_out(client: Client, ana: Person) -> None:
    sign_in(client)

    assert client.get(reverse("accounts:sign_out")).status_code == 405
    assert "_auth_user_id" in client.session


def test_another_site_cannot_sign_anybody_in_or_out(ana: Person) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert sign_in(strict).status_code == 403
    assert strict.post(reverse("accounts:sign_out")).status_code == 403


# --- who may not ----------------------------------------------------------------------------------


def test_wrong_name_wrong_password_and_closed_account_read_the_same(client: Client, ana: Person) -> None:
    create_person(username="bo", name="Bo", password=PASSWORD, by=SERVICE)
    deactivate(person=Person.objects.get(username="bo"), by=SERVICE)

    tries = [("nobody", PASSWORD), ("ana", "four blue teapots"), ("bo", PASSWORD)]
    errors = {str(sign_in(client, *each).context["form"].errors) for each in tries}

    assert len(errors) == 1
    assert "do not belong together" in errors.pop()


def test_whose_account_is_switched_off_is_out_at_the_next_click(client: Client, ana: Person) -> None:
    sign_in(client)
    deactivate(person=ana, by=SERVICE)

    assert reverse("accounts:sign_in") in client.get("/")["Location"]


def test_a_new_password_ends_every_session_of_the_old_one(client: Client, ana: Person) -> None:
    sign_in(client)
    set_password(person=ana, password="five green teapots", by=SERVICE)

    assert reverse("accounts:sign_in") in client.get("/")["Location"]


def test_a_person_without_a_password_cannot_sign_in_with_an_empty_one(client: Client) -> None:
    create_person(username="bo", name="Bo", by=SERVICE)

    assert sign_in(client, "bo", "").status_code == 200


def test_the_page_never_shows_the_password_that_was_typed(client: Client, ana: Person) -> None:
    assert "four blue teapots" not in sign_in(client, password="four blue teapots").content.decode()


# --- throttled ------------------------------------------------------------------------------------


def guess(client: Client, times: int = site.AXES_FAILURE_LIMIT, **more: Any) -> list[int]:
    return [sign_in(client, password=f"guess {number}", **more).status_code for number in range(times)]


def test_too_many_guesses_lock_the_name_from_that_address_and_say_until_when(
    client: Client, ana: Person
) -> None:
    assert guess(client) == [200] * (site.AXES_FAILURE_LIMIT - 1) + [429]

    answer = sign_in(client)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) == 15 * 60
    assert timedelta(minutes=14) < answer.context["until"] - timezone.now() <= timedelta(minutes=15)
    assert "_auth_user_id" not in client.session


def test_who_is_locked_out_is_told_who_can_help(client: Client, ana: Person) -> None:
    create_person(username="adi", name="Adi Admin", roles=["admin"], by=SERVICE)
    guess(client)

    assert "unlock it at once: Adi Admin." in sign_in(client).content.decode()


def test_an_admin_unlocks_who_is_locked_out_and_the_trail_says_so(client: Client, ana: Person) -> None:
    adi = create_person(username="adi", name="Adi Admin", roles=["admin"], by=SERVICE)
    admin = Client()
    admin.force_login(adi, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("admin:accounts_person_change", args=[ana.pk])
    assert "Unlock signing in" not in admin.get(address).content.decode()
    guess(client)
    assert "too often from 127.0.0.1" in admin.get(address).content.decode()

    given = {"name": ana.name, "is_active": "on", "unlock": "on", "reason": "Ana called."}
    assert admin.post(address, {**given, "roles": sorted(ana.role_names)}).status_code == 302

    assert sign_in(client).status_code == 302
    entry = Entry.objects.get(action="person.unlock")
    assert (entry.actor, entry.target, entry.reason) == ("adi", "ana", "Ana called.")
    assert entry.details == {"addresses": ["127.0.0.1"]}


def test_unlocking_who_is_not_locked_out_changes_nothing(client: Client, ana: Person) -> None:
    unlock(person=ana, by=SERVICE)

    assert not Entry.objects.filter(action="person.unlock").exists()


def test_only_who_manages_people_unlocks(client: Client, ana: Person) -> None:
    with pytest.raises(Refused, match="manage people"):
        unlock(person=ana, by=ana)


def test_the_lock_out_goes_into_the_trail_once(client: Client, ana: Person) -> None:
    guess(client, times=site.AXES_FAILURE_LIMIT + 3)

    assert trail() == [("ana", "person.lock_out", "127.0.0.1")]


def test_a_name_nobody_has_is_not_kept_because_it_may_be_a_password(client: Client) -> None:
    guess(client, username="hunter2hunter2")

    assert not Entry.objects.filter(target__contains="hunter2").exists()


def test_others_behind_other_addresses_or_names_are_not_locked(client: Client, ana: Person) -> None:
    create_person(username="bo", name="Bo", password=PASSWORD, by=SERVICE)
    guess(client)

    assert sign_in(client, username="bo").status_code == 302
    assert sign_in(Client(), REMOTE_ADDR="198.51.100.9").status_code == 302


def test_writing_the_name_otherwise_does_not_give_more_guesses(client: Client, ana: Person) -> None:
    guess(client, times=site.AXES_FAILURE_LIMIT - 1)

    assert sign_in(client, username="ANA ", password="one more").status_code == 429


def test_signing_in_forgets_the_wrong_guesses_before(client: Client, ana: Person) -> None:
    guess(client, times=site.AXES_FAILURE_LIMIT - 1)
    sign_in(client)
    client.post(reverse("accounts:sign_out"))

    assert guess(client, times=site.AXES_FAILURE_LIMIT - 1) == [200] * (site.AXES_FAILURE_LIMIT - 1)


def test_a_made_up_forwarded_address_does_not_give_more_guesses(
    client: Client, ana: Person, settings: Any
) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    codes = [
        sign_in(
            client, password="x", headers={"x-forwarded-for": f"203.0.113.{number}, 198.51.100.9"}
        ).status_code
        for number in range(site.AXES_FAILURE_LIMIT)
    ]

    assert codes[-1] == 429


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "expected"),
    [
        (0, "203.0.113.7", "10.0.0.1", "10.0.0.1"),
        (0, "", "10.0.0.1", "10.0.0.1"),
        (1, "203.0.113.7", "10.0.0.1", "203.0.113.7"),
        (1, "1.2.3.4, 203.0.113.7", "10.0.0.1", "203.0.113.7"),
        (2, "1.2.3.4, 203.0.113.7, 10.0.0.9", "10.0.0.1", "203.0.113.7"),
        (2, "203.0.113.7", "10.0.0.1", "203.0.113.7"),
        (1, "", "10.0.0.1", "10.0.0.1"),
        (1, "<script>", "10.0.0.1", "10.0.0.1"),
        (1, "203.0.113.7:4711", "10.0.0.1", "203.0.113.7"),
        (1, "[2001:db8::1]:4711", "10.0.0.1", "2001:db8::1"),
        (1, "2001:DB8:0:0::1", "10.0.0.1", "2001:db8::1"),
        (0, "", "", "unknown"),
    ],
)
def test_the_address_is_the_right_most_that_no_proxy_of_ours_added(
    settings: Any, proxies: int, forwarded: str, peer: str, expected: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"x-forwarded-for": forwarded})

    assert client_address(request) == expected


# --- gates and the admin --------------------------------------------------------------------------


def behind(gate: Any, person: Person | None, **headers: str) -> Any:
    """The answer of a view behind a gate."""
    from django.contrib.auth.models import AnonymousUser

    request = RequestFactory().get("/somewhere", {"a": "b"}, headers=headers)
    request.user = person or AnonymousUser()
    return gate(lambda request: HttpResponse("in"))(request)


def test_a_gate_sends_strangers_to_sign_in_and_back(ana: Person) -> None:
    for gate in (gates.signed_in, gates.permitted(Permission.SEE_ENVIRONMENTS)):
        assert behind(gate, None)["Location"] == f"{reverse('accounts:sign_in')}?next=/somewhere%3Fa%3Db"
        assert behind(gate, ana).content == b"in"


def test_a_fragment_asked_for_without_a_session_moves_the_whole_page_to_sign_in() -> None:
    answer = behind(gates.signed_in, None, **{"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (401, reverse("accounts:sign_in"))


def test_a_gate_refuses_with_the_names_of_those_who_can(ana: Person) -> None:
    create_person(username="ada", name="Ada Adeyemi", roles=["admin"], by=SERVICE)

    with pytest.raises(Refused) as refused:
        behind(gates.permitted(Permission.MANAGE_PEOPLE), ana)

    assert refused.value.verdict == Verdict(
        False, "Only an admin may manage people and their roles.", ("admin",), "Ada Adeyemi"
    )


def test_every_gate_can_be_read_by_the_house_test() -> None:
    def view(request: Any) -> HttpResponse:
        return HttpResponse()

    assert gates.authorisation_of(view) == ""
    assert gates.authorisation_of(gates.signed_in(view)) == "signed in"
    assert gates.authorisation_of(gates.permitted("migrate")(view)) == "permission migrate"
    assert gates.authorisation_of(gates.allow_anonymous("harmless")(view)) == "anonymous: harmless"


def test_the_admin_sends_strangers_to_the_portals_own_sign_in(client: Client) -> None:
    answer = client.get("/admin/", follow=True)

    assert answer.redirect_chain[-1][0].startswith(reverse("accounts:sign_in"))


def test_the_admin_refuses_an_engineer_and_names_who_can(client: Client, ana: Person) -> None:
    create_person(username="ada", name="Ada Adeyemi", roles=["admin"], by=SERVICE)
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")

    answer = client.get("/admin/", follow=True)

    assert answer.status_code == 403
    assert answer.context["verdict"].people == "Ada Adeyemi"
    assert "Only an admin may manage people" in answer.content.decode()


def test_an_admin_changes_roles_in_the_admin_and_the_trail_says_so(client: Client, ana: Person) -> None:
    ada = create_person(username="ada", name="Ada Adeyemi", roles=["admin"], by=SERVICE)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("admin:accounts_person_change", args=[ana.pk])
    form = {
        "name": "Ana A.",
        "is_active": "on",
        "roles": ["designer"],
        "reason": "changed teams",
        "email": "",
        "time_zone": "",
    }

    answer = client.post(address, form)

    assert answer.status_code == 302
    told = Entry.objects.filter(actor="ada").order_by("number").values_list("action", "target", "reason")
    assert list(told) == [
        ("person.change_details", "ana", "changed teams"),
        ("person.grant_role", "ana", "changed teams"),
        ("person.revoke_role", "ana", "changed teams"),
    ]
    assert Person.objects.get(pk=ana.pk).role_names == {"designer"}


def test_an_admin_makes_a_person_who_can_then_sign_in(client: Client) -> None:
    ada = create_person(username="ada", name="Ada Adeyemi", roles=["admin"], by=SERVICE)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    form = {
        "username": "bo",
        "name": "Bo Berg",
        "is_active": "on",
        "roles": ["engineer"],
        "new_password": PASSWORD,
    }

    assert client.post(reverse("admin:accounts_person_add"), form).status_code == 302

    assert sign_in(Client(), "bo").status_code == 302
    assert Entry.objects.filter(actor="ada", action="person.create", target="bo").count() == 1


def test_the_last_admin_cannot_be_switched_off_in_the_admin(client: Client) -> None:
    ada = create_person(username="ada", name="Ada Adeyemi", roles=["admin"], by=SERVICE)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")

    answer = client.post(
        reverse("admin:accounts_person_change", args=[ada.pk]), {"name": "Ada", "roles": ["admin"]}
    )

    assert "ada is the last active admin" in answer.content.decode()
    assert Person.objects.get(pk=ada.pk).is_active


@pytest.mark.parametrize(
    "page", ["admin:accounts_person_changelist", "admin:audit_entry_changelist", "admin:index"]
)
def test_the_admins_pages_open_for_an_admin(client: Client, ana: Person, page: str) -> None:
    grant_role(person=ana, role="admin", by=SERVICE)
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")

    answer = client.get(reverse(page))

    assert answer.status_code == 200
    assert not re.search(r"name=\"action\"", answer.content.decode())


# --- one's own account ----------------------------------------------------------------------------

ANOTHER = "four green kettles"


def change(client: Client, old: str = PASSWORD, new: str = ANOTHER) -> HttpResponse:
    asked = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post(reverse("accounts:account"), asked)


def test_ana_changes_her_own_password_and_stays_signed_in_here_alone(client: Client, ana: Person) -> None:
    elsewhere = Client()
    for each in (client, elsewhere):
        sign_in(each)
    assert change(client).status_code == 302
    assert "_auth_user_id" in client.session
    assert client.get(reverse("accounts:account")).status_code == 200
    assert elsewhere.get(reverse("accounts:account")).status_code == 302
    assert sign_in(Client()).status_code == 200
    assert sign_in(Client(), password=ANOTHER).status_code == 302
    entry = Entry.objects.get(action="person.change_password")
    assert (entry.actor, entry.target) == ("ana", "ana")
    assert ANOTHER not in str(vars(entry))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wrong", ANOTHER, "Your old password was entered incorrectly"),
        (PASSWORD, "short", "too short"),
        (PASSWORD, "ana alvarez", "too similar"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(
    client: Client, ana: Person, old: str, new: str, said: str
) -> None:
    sign_in(client)
    answer = change(client, old, new)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert sign_in(Client()).status_code == 302


def test_guessing_the_old_password_is_throttled_as_signing_in_is(client: Client, ana: Person) -> None:
    sign_in(client)
    for _ in range(site.AXES_FAILURE_LIMIT):
        answer = change(client, "wrong")
    assert answer.status_code == 429
    assert change(client).status_code == 429
    assert sign_in(Client()).status_code == 429


def test_guesses_before_the_right_one_are_forgotten(client: Client, ana: Person) -> None:
    sign_in(client)
    for _ in range(site.AXES_FAILURE_LIMIT - 1):
        change(client, "wrong")
    assert change(client).status_code == 302
    assert sign_in(Client(), password="wrong").status_code == 200


def test_ana_chooses_the_zone_in_which_she_reads_times(client: Client, ana: Person) -> None:
    sign_in(client)
    client.post(reverse("accounts:time_zone"), {"time_zone": "Asia/Tokyo"})
    assert 'data-zone="Asia/Tokyo"' in client.get(reverse("accounts:account")).content.decode()
    client.post(reverse("accounts:time_zone"), {"time_zone": "../../etc/passwd"})
    ana.refresh_from_db()
    assert ana.time_zone == "Asia/Tokyo"
    assert Entry.objects.filter(action="person.change_details").count() == 1
