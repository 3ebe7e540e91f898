"""What is told arrives once, in its thread, and whatever happens to Slack hinders nobody."""

import os
import signal
import smtplib
import time
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections, transaction
from django.utils import timezone
from environ import Env
from kombu.exceptions import OperationalError

from opsportal.accounts.models import Person
from opsportal.demo.layout import Layout
from opsportal.demo.ports import Ports
from opsportal.demo.telling import telling_settings
from opsportal.notifications import by_slack, managing, sending, tasks
from opsportal.notifications.actions import tell
from opsportal.notifications.models import Channel, Message, Preference, Thread
from tests.contract.localcloud.control_plane import ESTATE, LocalCloud
from tests.support.people import person
from tests.support.slack import PORTAL, Workspace, make_due, portal_with, send

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    cloud = LocalCloud(tmp_path_factory.mktemp("slack"), ESTATE).start()
    yield Workspace(cloud)
    assert cloud.end() == 0


@pytest.fixture
def slack(workspace):
    workspace.begin()
    with portal_with(workspace.url):
        yield workspace


def reachable(username: str) -> Person:
    made = person(username)
    made.email = f"{username}@example.gov"
    made.save(update_fields=["email"])
    return made


def tell_critical(number=12, key="", **more):
    values = {"ticket": f"BUG-{number}", "title": "Nobody can sign in", "who": "Ana"}
    where = {"to": [], "groups": ["dev"], **more}
    tell(
        "critical_created", topic=f"ticket:BUG-{number}", key=key or f"BUG-{number}", values=values,
        url=f"/bugs/{number}/", **where,
    )  # fmt: skip


def tell_done(number=1, topic="", key="", **more):
    values = {"environment": "staging", "what": f"Deploy {number}"}
    tell(
        "deploy_succeeded", topic=topic, key=key or str(number), values=values, url="/x/",
        **({"groups": ["dev"]} | more),
    )  # fmt: skip


def states() -> dict[str, int]:
    found = list(Message.objects.values_list("state", flat=True))
    return {state: found.count(state) for state in set(found)}


# --- told with the fact, and once -----------------------------------------------------------------


def test_a_message_arrives_with_its_words_and_a_button_into_the_portal(slack):
    tell_critical()
    assert send() == 1

    (told,) = slack.told()
    button = told["blocks"][-1]["elements"][0]
    assert told["text"] == "Critical: BUG-12 “Nobody can sign in”"
    assert button["url"] == f"{PORTAL}/bugs/12/"
    assert states() == {"sent": 1}
    assert send() == 0


def test_what_is_rolled_back_is_not_told(slack):
    with transaction.atomic():
        tell_critical()
        transaction.set_rollback(True)
    send()
    assert slack.told() == []


def test_the_same_fact_is_told_once_however_often_it_is_said(slack):
    for _ in range(3):
        tell_critical()
    send()
    tell_critical()
    send()
    assert len(slack.told()) == 1


def test_groups_that_share_a_channel_hear_it_once_and_others_by_their_own(slack):
    tell_critical(groups=["dev", "admins", "unheard-of", "product"])
    send()
    assert (len(slack.told("dev")), len(slack.told("product"))) == (1, 1)


def test_a_name_that_is_no_event_is_the_callers_mistake():
    with pytest.raises(KeyError):
        tell("no_such_event", topic="", key="1", values={}, url="/")


@pytest.mark.parametrize("missing", ["SLACK_TOKEN", "SLACK_API_URL", "SLACK_CHANNEL_DEV"])
def test_without_slack_nothing_is_told_there_and_nothing_fails(slack, missing):
    with portal_with(slack.url, **{missing: ""}):
        tell_critical(to=[reachable("pam")])
        send()
    assert slack.told() == []
    assert len(mail.outbox) == (0 if missing == "SLACK_CHANNEL_DEV" else 1)


# --- threads --------------------------------------------------------------------------------------


def test_a_topic_has_one_thread_and_what_must_be_seen_shows_in_the_channel_too(slack):
    common = {"topic": "operation:1", "url": "/x/", "groups": ["dev"], "values": {"environment": "staging"}}
    for event in ("deploy_started", "deploy_succeeded", "deploy_failed"):
        tell(event, key="1", **common)
    tell_critical()
    send()

    first, critical, failed = sorted(
        slack.told(), key=lambda one: (one.get("thread_ts", "") != "", one["ts"])
    )
    assert critical.get("thread_ts") is None
    assert failed["subtype"] == "thread_broadcast"
    assert [one["thread_ts"] for one in slack.replies(first["ts"])] == [first["ts"]] * 2
    assert slack.replies(critical["ts"]) == []


def test_a_thread_that_is_gone_is_begun_anew(slack):
    tell_done(topic="operation:2", key="a")
    send()
    Thread.objects.update(ts="1.000001")
    tell_done(topic="operation:2", key="b")
    send()
    send()
    assert len(slack.told()) == 2
    assert states() == {"sent": 2}


def test_a_later_message_of_a_topic_waits_for_the_earlier_one(slack):
    tell_done(topic="operation:3", key="a")
    tell_done(topic="operation:3", key="b")
    slack.fault(status=429, headers={"Retry-After": "1"}, body='{"ok":false,"error":"ratelimited"}')
    sending.send_all_due()
    assert slack.told() == []
    send()
    (first,) = slack.told()
    assert len(slack.replies(first["ts"])) == 1


# --- never twice ----------------------------------------------------------------------------------


def test_a_lost_answer_is_not_told_twice(slack):
    tell_critical()
    slack.fault(drop_after=True)
    send()
    assert len(slack.told()) == 1
    assert Message.objects.get().state == "waiting"

    send()

    assert len(slack.told()) == 1
    assert Message.objects.get().state == "sent"
    assert Thread.objects.get().ts == slack.told()[0]["ts"]


def test_a_lost_answer_in_a_thread_is_not_told_twice(slack):
    tell_done(topic="operation:4", key="a")
    send()
    tell_done(topic="operation:4", key="b")
    slack.fault(drop_after=True)
    send()
    send()
    assert len(slack.replies(slack.told()[0]["ts"])) == 1


def test_a_request_that_was_lost_is_sent_again(slack):
    tell_critical()
    slack.fault(drop=True)
    send()
    assert slack.told() == []
    send()
    assert len(slack.told()) == 1


def test_while_slack_cannot_be_asked_what_may_be_there_is_not_sent(slack):
    tell_critical()
    slack.fault(drop_after=True)
    send()
    slack.fault("conversations.history", times=None, status=503)
    send()
    row = Message.objects.get()
    assert (row.state, row.attempts, row.intent_at is None) == ("waiting", 2, False)
    slack.cloud.knobs(faults=[])
    send()
    assert len(slack.told()) == 1


@pytest.mark.kills
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_intent_and_answer_tells_nothing_twice(slack):
    tell_critical()
    slack.fault(delay=1.5)
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            sending.send_all_due()
        finally:
            os._exit(0)
    deadline = time.monotonic() + 60
    while Message.objects.get().intent_at is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)  # the request is on its way, and its answer is late
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert Message.objects.get().state == "sending"
    assert sending.send_all_due() == 0  # its lease still holds
    while not slack.told():
        assert time.monotonic() < deadline
        time.sleep(0.05)

    by_slack.client.cache_clear()
    send()

    assert len(slack.told()) == 1
    assert states() == {"sent": 1}


def test_a_broker_that_is_away_keeps_nobody_from_telling(
    slack, monkeypatch, django_capture_on_commit_callbacks
):
    def away(*_, **__):
        raise OperationalError

    monkeypatch.setattr(tasks.send_due, "apply_async", away)
    with django_capture_on_commit_callbacks(execute=True) as rung:
        tell_critical()
    assert len(rung) == 1
    send()
    assert len(slack.told()) == 1


def test_what_was_told_long_ago_is_forgotten_and_what_still_waits_is_not(slack):
    tell_critical()
    send()
    tell_done()
    Message.objects.update(created_at=timezone.now() - timedelta(days=tasks.KEEP_DAYS + 1))
    Thread.objects.update(began_at=timezone.now() - timedelta(days=tasks.KEEP_DAYS + 1))
    tasks.forget_old()
    assert [row.event for row in Message.objects.all()] == ["deploy_succeeded"]
    assert not Thread.objects.exists()


def test_the_demos_letters_lie_in_its_data_directory(tmp_path):
    made = telling_settings(Layout(tmp_path), Ports(1, 2))["EMAIL_URL"]
    assert Env.email_url_config(made)["EMAIL_FILE_PATH"] == str(tmp_path / "mail")


def test_two_senders_at_once_send_it_once(slack, monkeypatch):
    tell_critical()
    post = by_slack._post

    def meanwhile(message):
        assert sending.send_all_due() == 0
        post(message)

    monkeypatch.setattr(by_slack, "_post", meanwhile)
    send()
    assert len(slack.told()) == 1


# --- Slack away, slow, refusing -------------------------------------------------------------------


def test_while_slack_is_away_work_goes_on_and_the_message_comes_later(slack):
    with portal_with("http://127.0.0.1:9/api"):
        tell_critical()
        tell_done(to=[reachable("ana")])
        Preference.objects.create(person=person("ana"), ways={"deploys": "email"})
        tell_done(number=2, groups=[], to=[person("ana")])
        send()
        waiting = Message.objects.filter(way="slack", state="waiting")
        assert waiting.count() == 3
        assert "cannot be reached" in waiting.exclude(error="").get().error
        assert len(mail.outbox) == 1
        assert waiting.filter(attempts__gt=0).count() == 1  # one was tried; the others were spared
    send()
    assert len(slack.told()) == 2


def test_a_hanging_slack_costs_a_round_one_try(slack, monkeypatch):
    monkeypatch.setattr(
        by_slack, "slack", lambda: by_slack.Slack(slack.url, "xoxb-local", timeout=(1.0, 0.2))
    )
    for number in range(5):
        tell_done(number)
    slack.fault(hang=0.6, times=1)
    assert sending.send_all_due() == 1
    monkeypatch.undo()
    send()
    assert len(slack.told()) == 5


def test_slack_is_obeyed_when_it_asks_to_wait(slack):
    tell_critical()
    tell_done()
    slack.fault(status=429, headers={"Retry-After": "90"}, body='{"ok":false,"error":"ratelimited"}')
    sending.send_all_due()
    due = [row.due_at - row.created_at for row in Message.objects.all()]
    assert all(80 < each.total_seconds() < 200 for each in due)
    assert sending.send_all_due() == 0
    send()
    assert len(slack.told()) == 2


@pytest.mark.parametrize(
    ("channel", "words"),
    [("#nowhere", "no such channel"), ("#elsewhere", "not in the channel"), ("#attic", "no such channel")],
)
def test_a_channel_that_cannot_be_used_says_why_and_how_to_mend_it(slack, channel, words):
    Channel.objects.create(group="dev", name=channel)
    tell_critical()
    send()
    row = Message.objects.get()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert words in row.error
    assert "xoxb" not in row.error

    managing.set_channels(by=person("ada"), names={"dev": "#dev"})
    send()
    assert len(slack.told()) == 1


def test_what_cannot_be_sent_in_time_is_given_up_and_sent_when_an_admin_says_so(slack):
    tell_critical()
    slack.fault(times=None, status=503)
    with portal_with(slack.url, NOTIFY_GIVE_UP_HOURS=0.0):
        send()
    row = Message.objects.get()
    assert row.state == "unknown"  # a 503 does not say that nothing was posted
    slack.cloud.knobs(faults=[])
    assert send() == 0

    assert managing.again(by=person("ada"), message=row)
    assert not managing.again(by=person("ada"), message=row)
    send()
    assert len(slack.told()) == 1


def test_one_that_makes_the_portal_stumble_keeps_no_other_from_being_sent(slack, monkeypatch):
    tell_critical()
    tell_done()
    Message.objects.filter(event="critical_created").update(payload={})
    send()
    assert slack.titles() == ["staging: Deploy 1 is done"]
    assert "failed at it" in Message.objects.get(event="critical_created").error


def test_one_round_at_a_time_leaves_workers_free(slack):
    tell_critical()
    tasks.cache.add("notifications-sending", 1, timeout=60)
    tasks.send_due()
    assert slack.told() == []
    tasks.cache.delete("notifications-sending")
    tasks.send_due()
    assert len(slack.told()) == 1


# --- no flood -------------------------------------------------------------------------------------


def test_many_messages_at_once_become_few_and_a_digest(slack):
    for number in range(25):
        tell_done(number)
    with portal_with(slack.url, SLACK_MESSAGES_PER_MINUTE=10):
        send()
        titles = slack.titles()
        assert len(titles) == 10
        assert titles[-1] == "16 more messages"
        assert states() == {"sent": 10, "gathered": 16}

        for number in range(30, 34):
            tell_done(number)
        tell_critical()
        sending.send_all_due()
        assert slack.titles()[10:] == ["Critical: BUG-12 “Nobody can sign in”"]  # which no digest takes in
        assert Message.objects.filter(state="waiting").count() == 4
    assert "and 6 more" in str(slack.told()[9]["blocks"])


def test_a_digest_of_one_topic_goes_to_its_thread(slack):
    for number in range(6):
        tell_done(number, topic="ticket:BUG-1")
    with portal_with(slack.url, SLACK_MESSAGES_PER_MINUTE=3):
        send()
    (first,) = slack.told()
    assert [one["text"] for one in slack.replies(first["ts"])] == [
        "staging: Deploy 1 is done",
        "4 more messages",
    ]


# --- people ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "by_slack_", "by_email"),
    [(None, 1, 0), ("slack", 1, 0), ("email", 0, 1), ("both", 1, 1), ("none", 0, 0)],
)
def test_people_are_told_by_the_way_they_chose(slack, way, by_slack_, by_email):
    ana = reachable("ana")
    before = len(slack.direct(ana.email))
    if way:
        Preference.objects.create(person=ana, ways={"critical": way})
    tell_critical(groups=[], to=[ana, ana])
    send()
    assert len(slack.direct(ana.email)) - before == by_slack_
    assert len(mail.outbox) == by_email


def test_whom_slack_does_not_know_is_told_by_email_and_admins_see_why(slack):
    ana = reachable("ana")
    ana.email = "nobody-known@example.gov"
    ana.save()
    tell_critical(groups=[], to=[ana])
    send()
    assert [letter.to for letter in mail.outbox] == [[ana.email]]
    assert "knows nobody" in Message.objects.get(way="slack").error


def test_who_is_switched_off_is_told_nothing(slack):
    ana = reachable("ana")
    ana.is_active = False
    ana.save()
    tell_critical(groups=[], to=[ana])
    assert not Message.objects.exists()


def test_a_letter_has_a_name_of_its_own_and_the_link(slack):
    ana = reachable("ana")
    Preference.objects.create(person=ana, ways={"critical": "email"})
    tell_critical(groups=[], to=[ana])
    send()
    (letter,) = mail.outbox
    assert letter.extra_headers["Message-ID"] == f"<{Message.objects.get().pk}@ops.example.gov>"
    assert f"{PORTAL}/bugs/12/" in letter.body
    assert f"{PORTAL}/notifications/" in letter.body


def letter_to_ana():
    ana = reachable("ana")
    Preference.objects.create(person=ana, ways={"critical": "email"})
    tell_critical(groups=[], to=[ana])
    return Message.objects.get()


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (smtplib.SMTPServerDisconnected("gone"), "unknown"),
        (TimeoutError(), "unknown"),
        (smtplib.SMTPDataError(451, b"later, token=abc"), "waiting"),
        (smtplib.SMTPDataError(554, b"spam"), "given_up"),
        (smtplib.SMTPRecipientsRefused({"a": (550, b"who?")}), "given_up"),
    ],
)
def test_a_letter_that_may_have_gone_is_not_sent_again(slack, monkeypatch, error, state):
    letter_to_ana()

    def fail(*_):
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    send()
    monkeypatch.undo()
    row = Message.objects.get()
    assert row.state == state
    assert "abc" not in row.error
    send()
    assert len(mail.outbox) == (1 if state == "waiting" else 0)


def test_a_letter_whose_sender_died_is_left_and_said_to_be_unknown(slack):
    row = letter_to_ana()
    Message.objects.filter(pk=row.pk).update(state="sending", intent_at=row.created_at, fence=1)
    make_due()
    send()
    assert Message.objects.get().state == "unknown"
    assert mail.outbox == []
    managing.again(by=person("ada"), message=row)
    send()
    assert len(mail.outbox) == 1
