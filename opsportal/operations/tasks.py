"""What Celery runs: ring a bell by id, sweep for what nobody rang. Safe to run twice, at any time, by anyone."""

import sys
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_init, worker_shutting_down
from django.core.cache import cache
from django.db import connections
from django.db.models import Q
from django.utils import timezone

from opsportal.environments import platform
from opsportal.operations import bell, pushes, runner, schedules, store
from opsportal.operations.hands import Hands
from opsportal.operations.lookout import Lookout
from opsportal.operations.models import HOLDING, Operation, State

#: Seconds an operation may be late before the sweep rings for it: who put it down comes back to it by itself.
LATE = 2.0
#: And how late it may be while it stands on this worker's own list, before others are asked.
BUSY = 10.0
#: How far ahead of others what begins is looked at, until the platform stages it: then the platform works, and nobody
#: who follows the others waits more than that longer.
AHEAD = 20.0
#: Seconds a worker's thread keeps its connection to the database between looks.
CONNECTION_SECONDS = 60

#: The process's own hands, from its beginning as a worker on; elsewhere the doorbell is all there is.
_hands: Hands | None = None
#: And its own lookout: what the platform has finished is looked at as soon as it tells.
_lookout: Lookout | None = None


@shared_task(name="operations.advance", soft_time_limit=1800, time_limit=1860)
def advance(operation_id: str) -> None:
    """Work on one operation until it waits or ends, by a hand of this worker, which comes back to it by itself."""
    if _hands is not None:
        _hands.look_now(UUID(operation_id), ahead=AHEAD)
    else:
        _advance(UUID(operation_id))


def _advance(operation_id: UUID) -> bool:
    return runner.advance(
        operation_id,
        again=_hands.come_back if _hands else None,
        expect=_lookout.expect if _lookout else None,
    )


def _wake(kind: str, operation_ids: Collection[UUID]) -> None:
    """Look at these now: what they waited for has ended."""
    store.hasten(operation_ids)
    for each in operation_ids:
        if _hands is not None:
            _hands.look_now(each, ahead=AHEAD if kind == "package" else 0.0)
        else:
            bell.ring(each)


@shared_task(name="operations.ring_due", soft_time_limit=30, time_limit=60)
def ring_due() -> None:
    """Ring for every operation that is due and not leased, and start what waits behind nothing."""
    now = timezone.now()
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=now)
    late = Operation.objects.filter(free, state=State.RUNNING, due_at__lte=now - timedelta(seconds=LATE))
    for operation_id, due_at in late.order_by("due_at").values_list("id", "due_at")[:500]:
        queued = _hands is not None and _hands.has(operation_id)
        if queued and now - due_at < timedelta(seconds=BUSY):
            continue  # this worker's hands are full; another may have a free one a little later
        if cache.add(f"rung:{operation_id}", 1, timeout=6):
            bell.ring(operation_id)
    stranded = (
        Operation.objects.filter(state=State.WAITING, created_at__lte=now - timedelta(seconds=2))
        .exclude(environment__operations__state__in=HOLDING)
        .values_list("environment_id", flat=True)
        .distinct()
    )
    for environment_id in stranded[:500]:
        store.promote(environment_id)


@shared_task(name="operations.run_schedules", soft_time_limit=60, time_limit=90)
def run_schedules() -> None:
    """Ask for what the schedules say is due."""
    schedules.run_due()


@shared_task(name="operations.follow_pushes", soft_time_limit=60, time_limit=90)
def follow_pushes() -> None:
    """Have development deploy itself when the default branch moved."""
    if cache.add("following-pushes", 1, timeout=90):
        try:
            pushes.follow()
        finally:
            cache.delete("following-pushes")


@worker_init.connect
def _begin(**_: Any) -> None:
    global _hands, _lookout  # noqa: PLW0603  one per process
    runner.stop_signal.clear()
    _hands = Hands(_advance, bell.ring)
    cf = platform.foundation()
    _lookout = Lookout(
        {
            "package": cf.packages_under_way,
            "build": cf.builds_under_way,
            "deployment": cf.deployments_under_way,
        },
        _wake,
    )
    connections.settings["default"]["CONN_MAX_AGE"] = CONNECTION_SECONDS
    # Its threads mostly wait for answers; who has one must not stand behind a busy thread at each statement.
    sys.setswitchinterval(0.0005)


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    """SIGTERM: steps under way are handed over instead of being cut off."""
    runner.stop_signal.set()
    if _lookout is not None:
        _lookout.stop()
    if _hands is not None:
        _hands.stop()
