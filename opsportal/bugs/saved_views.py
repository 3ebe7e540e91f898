"""Searches that people keep under a name, for themselves or for everybody."""

from urllib.parse import parse_qsl, urlencode

from django.db import transaction
from django.db.models import Q, QuerySet

from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Refused, Verdict
from opsportal.audit import actions as audit
from opsportal.bugs import standing, texts
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import SavedView

LONGEST_QUERY, MOST = 1000, 50
#: Parts of an address that belong to one look and not to the search.
PASSING = frozenset({"page", "saved"})

_NAME = texts.Field("a name", 60, lines=False)


def offered_to(person: Person) -> QuerySet[SavedView]:
    """Their own and everybody's shared ones, by name."""
    rows = SavedView.objects.filter(Q(person=person) | Q(shared=True)).select_related("person")
    return rows.order_by("name", "pk")


def save(*, by: Person, name: str, query: str, shared: bool = False) -> SavedView:
    """Keep a search; under a name of one's own that is there already it takes the place of that one.

    ``query``: an address's query string. Raises Refused or BadTicket.
    """
    standing.require(by, "comment")
    name = texts.one("name", name, _NAME)
    pairs = [(key, value) for key, value in parse_qsl(query.lstrip("?")) if key not in PASSING]
    kept = urlencode(pairs)
    if not pairs or len(kept) > LONGEST_QUERY:
        raise BadTicket(
            {"name": "Choose a filter first." if not pairs else "That search is too long to be kept."}
        )
    with transaction.atomic():
        others = SavedView.objects.filter(person=by).exclude(name=name)
        if others.count() >= MOST:
            raise BadTicket({"name": f"You keep {MOST} searches already; remove one first."})
        view, _ = SavedView.objects.update_or_create(
            person=by, name=name, defaults={"query": kept, "shared": shared}
        )
        _record(by, "save", view)
    return view


def remove(*, by: Person, view: SavedView) -> None:
    """Forget a search; its owner's alone. Raises Refused."""
    if view.person_id != by.pk:
        who = str(view.person)
        raise Refused(Verdict(False, f"Only {who}, who keeps this search, removes it.", (who,)))
    with transaction.atomic():
        view.delete()
        _record(by, "remove", view)


def _record(by: Person, what: str, view: SavedView) -> None:
    audit.record(
        actor=by.username,
        actor_kind="person",
        action=f"ticket_view.{what}",
        target=view.name,
        target_kind="ticket_view",
        reason="",
        details={"query": view.query, "shared": view.shared},
    )
