"""Holds, read: is an environment held, by whom, why, until when, and who may pass."""

from django.db.models import Q
from django.dispatch import Signal
from django.utils import timezone

from opsportal.accounts import queries as accounts
from opsportal.accounts.queries import By
from opsportal.accounts.rules import Permission, Place, Verdict
from opsportal.environments.models import Environment, Hold
from opsportal.environments.rules import may_pass_hold
from opsportal.kit import wording

#: Sent in the transaction that keeps it: ``hold``, ``by``; a release's ``reason`` too. For packages above, which tell.
was_set, was_released = Signal(), Signal()


def _standing() -> Q:
    return Q(released_at__isnull=True) & (Q(ends_at__isnull=True) | Q(ends_at__gt=timezone.now()))


def active(environment: Environment) -> Hold | None:
    """The hold that lies on it now, or None."""
    return Hold.objects.filter(_standing(), environment_id=environment.pk).first()


def names_held() -> dict[str, str]:
    """Name of each environment that is held now → by whom and why, in one query."""
    rows = Hold.objects.filter(_standing()).order_by()
    return {
        name: f"Held by {who or username}: {reason}"
        for name, who, username, reason in rows.values_list(
            "environment__name", "set_by_name", "set_by", "reason"
        )
    }


def words(hold: Hold) -> str:
    """Who holds it, why and until when, as sentences."""
    until = (
        f"until {wording.exact(hold.ends_at, timezone.get_current_timezone())}"
        if hold.ends_at
        else "until somebody releases it"
    )
    return f"Held by {hold.who} {until}: {hold.reason.rstrip('.')}."


def may_pass(hold: Hold, by: By) -> bool:
    """Whether the hold lets them pass."""
    actor = accounts.actor_for(by)
    return actor.active and may_pass_hold(hold.passes, hold.set_by, actor.username, actor.roles)


def who_may_pass(hold: Hold) -> tuple[str, ...]:
    """Who may pass, in words."""
    return (hold.who,) if hold.passes == Hold.Passes.HOLDER else (hold.get_passes_display().lower(),)


def place_of(environment: Environment) -> Place:
    """The environment as the permission rules see it."""
    owner = environment.owner.username if environment.owner else None
    return Place(environment=environment.name, kind=environment.kind, owner=owner)


def may_hold(environment: Environment, by: By) -> Verdict:
    """Whether they may set a hold here; why not, and who can."""
    return accounts.may(by, Permission.HOLD, place_of(environment))


def may_release(hold: Hold, by: By) -> Verdict:
    """Whether they may release it: who set it, and whoever may hold here."""
    if accounts.actor_for(by).username == hold.set_by and accounts.actor_for(by).active:
        return Verdict(True)
    return accounts.may(by, Permission.HOLD, place_of(hold.environment))
