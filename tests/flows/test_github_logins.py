"""Who people are on GitHub: said by themselves or an admin, one person's each, the user name where nothing is said."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from opsportal.accounts import actions, queries
from opsportal.audit.models import Entry
from tests.support import bugs

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def say(username, login):
    actions.change_own_github_login(github_login=login, by=bugs.person(username))


def test_a_login_is_its_persons_whatever_its_capitals():
    bugs.everybody()
    say("ana", "Ana-Gov")
    known = queries.on_github()
    assert known.person("ana-gov", vouched=False) == bugs.person("ana")
    assert known.name("ANA-GOV", vouched=False) == "ana"


def test_a_user_name_is_enough_only_where_github_vouches_for_it():
    bugs.everybody()
    known = queries.on_github()
    assert known.person("Cleo", vouched=True) == bugs.person("cleo")
    assert known.person("Cleo", vouched=False) is None
    assert known.name("Cleo", vouched=False) == "github:Cleo"


def test_who_has_another_login_is_not_known_by_their_user_name():
    bugs.everybody()
    say("cleo", "cleo-chu")
    assert queries.on_github().name("cleo", vouched=True) == "github:cleo"
    assert queries.on_github().name("somebody", vouched=True) == "somebody"


@pytest.mark.parametrize("login", ["@ana", "a b", "-x", "ana/../x", "é", "cleo", "Cleo", "taken", "TAKEN"])
def test_what_is_no_login_or_somebody_elses_is_refused(login):
    bugs.everybody()
    say("dee", "taken")
    ana = bugs.person("ana")
    with pytest.raises(ValidationError):
        actions.change_own_github_login(github_login=login, by=ana)
    ana.refresh_from_db()
    assert ana.github_login == ""


def test_it_is_changed_on_ones_own_account_and_stands_in_the_trail(client):
    ana = bugs.person("ana")
    client.force_login(ana)
    answer = client.post(reverse("accounts:github_login"), {"github_login": " ana-gov "}, follow=True)
    assert "On GitHub you are ana-gov." in answer.content.decode()
    ana.refresh_from_db()
    assert ana.github_login == "ana-gov"
    assert Entry.objects.filter(action="person.change_details", target="ana").count() == 1
    answer = client.post(reverse("accounts:github_login"), {"github_login": "@@"}, follow=True)
    assert "without the @" in answer.content.decode()


def test_an_admin_sees_and_changes_it(client):
    ana = bugs.person("ana")
    client.force_login(bugs.person("ada"))
    page = reverse("admin:accounts_person_change", args=[ana.pk])
    assert "GitHub login" in client.get(page).content.decode()
    given = {
        "name": ana.name,
        "github_login": "ana-gov",
        "is_active": "on",
        "roles": ["engineer"],
        "reason": "",
    }
    client.post(page, given)
    ana.refresh_from_db()
    assert ana.github_login == "ana-gov"
