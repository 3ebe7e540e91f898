"""Who may see and change what about notifications, page and direct post alike; and what the pages keep."""

import pytest
from django.test import Client
from django.urls import reverse

from opsportal.accounts.rules import Refused
from opsportal.audit.models import Entry
from opsportal.notifications import managing, places
from opsportal.notifications.actions import tell
from opsportal.notifications.models import Channel, Message, Preference
from opsportal.notifications.words import EVENTS, SUBJECTS
from tests.support.people import CAST, person
from tests.support.slack import portal_with

pytestmark = [pytest.mark.django_db, pytest.mark.database]
EVERYBODY = sorted(CAST)


@pytest.fixture(autouse=True)
def _settings():
    with portal_with("http://127.0.0.1:9/api"):
        yield


def signed_in(username: str) -> Client:
    client = Client()
    client.force_login(person(username), backend="django.contrib.auth.backends.ModelBackend")
    return client


def a_message(**values) -> Message:
    tell("held", topic="", key="1", values={"environment": "stable"}, url="/x/", groups=["dev"])
    made = Message.objects.get()
    Message.objects.filter(pk=made.pk).update(**values)
    return made


@pytest.mark.parametrize("username", EVERYBODY)
def test_only_admins_manage_what_is_told_where(username):
    client, row = signed_in(username), a_message(state="given_up")
    answers = [
        client.get(reverse("notifications:manage")),
        client.get(reverse("notifications:outbox")),
        client.get(reverse("notifications:preview")),
        client.post(reverse("notifications:manage"), {"dev": "#new", "product": "", "admins": ""}),
        client.post(reverse("notifications:test_channel"), {"group": "dev"}),
        client.post(reverse("notifications:again", args=[row.pk])),
    ]
    row.refresh_from_db()
    if username == "ada":
        assert [each.status_code for each in answers] == [200, 200, 200, 302, 302, 302]
        assert row.state == "waiting"
        assert places.channels()["dev"] == "#new"
    else:
        assert {each.status_code for each in answers} == {403}
        assert row.state == "given_up"
        assert not Channel.objects.exists()
        assert Message.objects.count() == 1


@pytest.mark.parametrize("username", [name for name in EVERYBODY if name != "ada"])
def test_what_admins_do_is_refused_to_others_by_every_path(username):
    row = a_message(state="given_up")
    for call in (
        lambda: managing.set_channels(by=person(username), names={"dev": "#x"}),
        lambda: managing.test_channel(by=person(username), group="dev"),
        lambda: managing.again(by=person(username), message=row),
    ):
        with pytest.raises(Refused):
            call()


@pytest.mark.parametrize("username", EVERYBODY)
def test_everybody_chooses_for_themselves(username):
    client = signed_in(username)
    chosen = dict.fromkeys(SUBJECTS, "email") | {"holds": "none"}
    assert client.get(reverse("notifications:mine")).status_code == 200
    answer = client.post(reverse("notifications:mine"), {**chosen, "member_id": "U024BE7LH"})
    assert answer.status_code == 302
    kept = Preference.objects.get(pk=person(username).pk)
    assert (kept.ways, kept.member_id) == (chosen, "U024BE7LH")
    assert places.choices_of(person(username))["holds"] == "none"
    assert Entry.objects.filter(action="notifications.choose", actor=username).exists()


@pytest.mark.parametrize(
    "wrong", [{"member_id": "@ana"}, {"member_id": "U1"}, {"critical": "pigeon"}, {"deploys": ""}]
)
def test_a_choice_that_is_not_offered_is_refused_and_keeps_what_was(wrong):
    given = {**dict.fromkeys(SUBJECTS, "slack"), "member_id": "", **wrong}
    assert signed_in("ana").post(reverse("notifications:mine"), given).status_code == 422
    assert not Preference.objects.exists()


def test_nobody_is_told_anything_before_they_sign_in():
    for name in ("mine", "manage", "outbox", "preview"):
        assert Client().get(reverse(f"notifications:{name}")).status_code == 302


def test_a_new_member_id_forgets_where_the_old_ones_messages_went():
    Preference.objects.create(person=person("ana"), direct="D012345678")
    managing.choose(by=person("ana"), ways={}, member_id="U024BE7LH")
    assert Preference.objects.get().direct == ""


def test_a_channel_that_is_none_is_refused():
    client = signed_in("ada")
    given = {"dev": "#a b <!here>", "product": "", "admins": ""}
    assert client.post(reverse("notifications:manage"), given).status_code == 422
    assert not Channel.objects.exists()


def test_setting_channels_is_audited_with_what_was_and_is_not_when_nothing_changes():
    managing.set_channels(by=person("ada"), names={"dev": "#ops"})
    managing.set_channels(by=person("ada"), names={"dev": "#ops"})
    entry = Entry.objects.get(action="notifications.set_channels")
    assert entry.details == {"dev": ["#dev", "#ops"]}


def test_a_test_to_oneself_goes_by_ones_own_way():
    ana = person("ana")
    client = signed_in("ana")
    assert client.post(reverse("notifications:test_myself")).status_code == 302
    assert [row.destination for row in Message.objects.all()] == [f"slack:person:{ana.pk}"]
    Preference.objects.create(person=ana, ways={"work": "none"})
    answer = client.post(reverse("notifications:test_myself"), follow=True)
    assert b"No test was sent" in answer.content


def test_the_preview_shows_every_message():
    page = signed_in("ada").get(reverse("notifications:preview")).content.decode()
    for name, event in EVENTS.items():
        assert f'id="{name}"' in page
        assert event.button in page


def test_the_outbox_says_what_became_of_each_and_filters():
    a_message(state="given_up", error="Slack does not accept the token.", attempts=7)
    client = signed_in("ada")
    page = client.get(reverse("notifications:outbox")).content.decode()
    assert "Slack does not accept the token." in page
    assert "Tried 7 times." in page
    assert "Send again" in page
    assert "No messages" in client.get(reverse("notifications:outbox") + "?state=sent").content.decode()
    assert b"given up" in client.get(reverse("notifications:manage")).content


def test_after_sending_again_one_comes_back_but_never_leaves_the_portal():
    row = a_message(state="given_up")
    client = signed_in("ada")
    where = reverse("notifications:again", args=[row.pk])
    assert client.post(where, {"back": "/notifications/manage"}).url == "/notifications/manage"
    for outside in ("//evil.example/", "https://evil.example/", "/\\evil.example"):
        assert client.post(where, {"back": outside}).url == reverse("notifications:outbox")


def test_hostile_words_are_no_markup_on_pages():
    tell(
        "held",
        topic="",
        key="2",
        values={"environment": "<img src=x onerror=alert(1)>"},
        url="/",
        groups=["dev"],
    )
    page = signed_in("ada").get(reverse("notifications:outbox")).content.decode()
    assert "<img src=x" not in page
