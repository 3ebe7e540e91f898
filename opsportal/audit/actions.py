"""Writing the trail: one function, called inside the transaction of what it tells about."""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from opsportal.audit import origin as origins
from opsportal.audit.models import Entry, Head
from opsportal.audit.redaction import clean_details, clean_text
from opsportal.audit.seals import is_sealed, put_seal

log = logging.getLogger(__name__)


def record(
    *,
    actor: str,
    action: str,
    target: str = "",
    target_kind: str = "",
    actor_kind: str = "person",
    reason: str = "",
    result: str = "done",
    origin: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> Entry:
    """Add an entry at the end of the chain (product.md, Always: who, what, when, from where, why, result).

    ``actor``: a username; ``actor_kind``: "person", "service" or "schedule" (of the
    person); ``origin``: when not given, what the edge
    told (:mod:`opsportal.audit.origin`). Secrets in ``details`` are left out. If the caller's transaction is
    rolled back,
    so is the entry. Writers wait for each other from here until their transactions end: call it late, and
    do not lock other rows after it.
    """
    with transaction.atomic():
        head = _locked_head()
        entry = Entry(
            number=head.number + 1,
            at=timezone.now(),
            actor=clean_text(actor, 150),
            actor_kind=clean_text(actor_kind, 20),
            action=clean_text(action, 100),
            target=clean_text(target, 300),
            target_kind=clean_text(target_kind, 50),
            reason=clean_text(reason),
            result=clean_text(result, 50),
            origin=clean_text(origins.current() if origin is None else origin, 100),
            details=clean_details(details or {}),
            previous_hash=head.hash,
        )
        entry.hash = entry.computed_hash()
        entry.save()
        _move(head, entry)
    return entry


def _locked_head() -> Head:
    """The head, locked until the transaction ends (SQLite: its transactions are IMMEDIATE and lock
    everything).
    """
    head = Head.objects.select_for_update().filter(pk=1).first()
    if head is None:
        Head.objects.get_or_create(pk=1)
        head = Head.objects.select_for_update().get(pk=1)
    if head.broken_at is None and not is_sealed(head):
        log.error(
            "The audit trail's seal does not hold at entry %d. Run: manage.py verify_audit", head.number
        )
        head.broken_at = head.number
    return head


def _move(head: Head, entry: Entry) -> None:
    head.number, head.hash = entry.number, entry.hash
    head.seal = put_seal(head)
    head.save(force_update=True)
