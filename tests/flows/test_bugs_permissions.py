"""Who may do what with a ticket: one table, asked of the verdict that pages show and of the action itself."""

import pytest

from opsportal.accounts.rules import Refused
from opsportal.bugs import actions, queries
from opsportal.bugs.models import Ticket
from tests.support import bugs

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ROLES = {
    "pam": "product owner", "tom": "product team", "lee": "engineering lead", "eve": "engineer",
    "dee": "designer", "ada": "admin", "stranger": "no role",
}  # fmt: skip
ANYBODY = {"pam", "tom", "lee", "eve", "dee", "ada"}


def _assign(ticket, by):
    chosen = [bugs.person("cleo"), bugs.person("dot")]
    return actions.assign(ticket=ticket, by=by, engineer=bugs.person("ana"), reviewers=chosen)


def _closed():
    return actions.close(ticket=bugs.ticket(), by=bugs.person("pam"), reason="It works as it should.")


def _decline(ticket, by):
    return actions.decline(ticket=ticket, by=by, reason="There is a way around it.", priority="medium")


def _set(priority):
    return lambda ticket, by: actions.set_priority(
        ticket=ticket, by=by, priority=priority, reason="More call."
    )


#: action → the ticket that it is tried on, the trial, who may. Row names beyond the action's say what is special.
TABLE = {
    "report": (lambda: None, lambda t, by: actions.report(by=by, **bugs.REPORT), ANYBODY),
    "edit": (bugs.ticket, lambda t, by: actions.edit(ticket=t, by=by, version=t.version, title="Another"), ANYBODY),
    "propose_critical": (
        bugs.ticket, lambda t, by: actions.propose_critical(ticket=t, by=by, **bugs.PROPOSAL), ANYBODY,
    ),
    "consent": (bugs.proposed, lambda t, by: actions.consent(ticket=t, by=by), {"pam"}),
    "decline": (bugs.proposed, _decline, {"pam"}),
    "withdraw": (bugs.proposed, lambda t, by: actions.withdraw(ticket=t, by=by), set()),
    "withdraw one's own": (
        lambda: bugs.proposed(by="eve"), lambda t, by: actions.withdraw(ticket=t, by=by), {"eve"},
    ),
    "set_priority": (bugs.ticket, _set("low"), ANYBODY),
    "set_priority of a Critical": (bugs.critical, _set("low"), {"pam"}),
    "refine": (bugs.ticket, lambda t, by: actions.refine(ticket=t, by=by), ANYBODY),
    "assign": (bugs.refined, _assign, {"lee"}),
    "assign a Critical in time": (bugs.critical, _assign, {"lee"}),
    "assign a Critical when the lead is late": (bugs.late, _assign, {"lee", "pam", "tom"}),
    "take": (bugs.late, lambda t, by: actions.take(ticket=t, by=by), {"eve", "lee"}),
    "take_review": (bugs.late, lambda t, by: actions.take_review(ticket=t, by=by), {"eve", "lee", "dee"}),
    "comment": (bugs.ticket, lambda t, by: actions.comment(ticket=t, by=by, body="Me too."), ANYBODY),
    "attach": (
        bugs.ticket, lambda t, by: actions.attach(ticket=t, by=by, name="a.png", content=bugs.png()), ANYBODY,
    ),
    "close": (bugs.ticket, lambda t, by: actions.close(ticket=t, by=by, reason="Gone."), {"pam", "tom", "lee"}),
    "reopen": (_closed, lambda t, by: actions.reopen(ticket=t, by=by, reason="It is back."), {"pam", "tom", "lee"}),
}  # fmt: skip


def _kept(ticket):
    return Ticket.objects.values("version", "priority", "stage").filter(pk=ticket.pk if ticket else 0).first()


@pytest.mark.parametrize("row", TABLE)
def test_each_role_may_what_the_table_says_and_the_action_agrees_with_the_page(row):
    make, do, allowed = TABLE[row]
    what, _, _ = row.partition(" ")
    ticket = make()
    before = _kept(ticket)
    for username in sorted(ROLES.keys() - allowed):
        verdict = queries.may(bugs.person(username), what, ticket)
        assert not verdict, ROLES[username]
        assert verdict.who_can, ROLES[username]
        with pytest.raises(Refused) as refusal:
            do(ticket, bugs.person(username))
        assert refusal.value.verdict.reason == verdict.reason, ROLES[username]
        assert _kept(ticket) == before, ROLES[username]
    for username in sorted(allowed):
        assert queries.may(bugs.person(username), what, ticket), ROLES[username]
        do(ticket, bugs.person(username))
        ticket = make()


def test_every_action_that_is_permitted_stands_in_the_table():
    from opsportal.bugs.standing import PERMISSIONS

    assert {row.partition(" ")[0] for row in TABLE} == PERMISSIONS.keys() - {"edit_comment"}


@pytest.mark.parametrize("username", ROLES)
def test_only_who_said_it_changes_a_comment(username):
    ticket = bugs.ticket()
    comment = actions.comment(ticket=ticket, by=bugs.person("ana"), body="Me too.")

    assert not queries.may_edit_comment(bugs.person(username), comment)
    with pytest.raises(Refused):
        actions.edit_comment(comment=comment, by=bugs.person(username), body="Never mind.")
    assert actions.edit_comment(comment=comment, by=bugs.person("ana"), body="Not me.").body == "Not me."


def test_who_reported_it_may_open_it_again_and_others_are_told_so():
    closed = _closed()

    assert queries.may(bugs.person("ana"), "reopen", closed)
    refused = queries.may(bugs.person("eve"), "reopen", closed)
    assert "or who reported it" in refused.reason
    assert actions.reopen(ticket=closed, by=bugs.person("ana"), reason="It is back.").stage == "triaged"


def test_a_person_who_is_switched_off_may_nothing():
    gone = bugs.person("pam")
    gone.is_active = False
    ticket = bugs.proposed()

    with pytest.raises(Refused):
        actions.consent(ticket=ticket, by=gone)
    assert "switched off" in queries.may(gone, "consent", ticket).reason


def test_the_portal_itself_consents_to_nothing():
    from opsportal.accounts.queries import SERVICE

    with pytest.raises(Refused):
        actions.consent(ticket=bugs.proposed(), by=SERVICE)


def test_whoever_stands_in_is_told_from_when_on_they_may():
    verdict = queries.may(bugs.person("tom"), "assign", bugs.critical())

    assert not verdict
    assert "If nobody is by" in verdict.reason
    assert verdict.people == "" or "Lee" in verdict.people
