"""Fills a demo's database: many environments with a history of operations, and an operation with much output.

Call :meth:`bench.world.World.use_database` first.
"""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any

WORDS = ("collecting", "copying", "checking", "compiling", "linking", "packing", "registrar", "domains", "of")
STEPS = ("check", "source", "assets", "upload", "manifest", "stage", "rollout", "migrate", "verify", "record")


def fill(environments: int, operations: int) -> None:
    """So many environments in all, each at rest or (a dozen) with an operation under way; so many operations."""
    from django.db import transaction
    from django.utils import timezone

    from opsportal.accounts.models import Person
    from opsportal.environments.models import Environment

    chance = random.Random(7)
    with transaction.atomic():
        people = list(Person.objects.all())
        missing = environments - Environment.objects.count()
        Environment.objects.bulk_create(_environment(number, chance) for number in range(missing))
        later = timezone.now() + timedelta(hours=6)
        Environment.objects.update(refresh_due_at=later)  # the worker has no such spaces to look at
        places = list(Environment.objects.all())
        _operations(places, people, operations, chance)


def _environment(number: int, chance: random.Random) -> Any:
    from django.utils import timezone

    from opsportal.environments.models import Environment

    name, commit = f"x{number:03}", _sha(chance)
    other = _sha(chance) if number % 17 == 0 else commit
    return Environment(
        name=name, kind="sandbox", app_name=f"getgov-{name}", space_name=name, app_guid=str(uuid.UUID(int=number)),
        app_state="STARTED", health="down" if number % 23 == 0 else "healthy", deployed_commit=commit,
        deployed_ref=f"ab/change-{number}", deployed_subject="Say it in one line", deployed_by="Ana Brandt",
        deployed_at=timezone.now() - timedelta(hours=number), platform_commit=other, app_commit=other,
        platform_ref=f"ab/change-{number}", instances_wanted=1, instances_running=1, memory_mb=512,
        deployed_operation=uuid.uuid4(), routes=[f"http://getgov-{name}.app.localhost:8010"],
        drift="The platform and the application agree; Git differs." if other != commit else "",
        instances=[{"index": 0, "state": "RUNNING", "uptime_s": 90, "cpu": 0.1, "memory_bytes": 9e7, "details": ""}],
        services=[f"getgov-{name}-database", "getgov-credentials"], refreshed_at=timezone.now(),
    )  # fmt: skip


def _operations(places: list[Any], people: list[Any], count: int, chance: random.Random) -> None:
    from django.utils import timezone

    from opsportal.operations.models import Operation, Step

    now = timezone.now()
    far = now + timedelta(hours=6)
    made, steps = [], []
    for number in range(count):
        place, by = places[number % len(places)], chance.choice(people)
        running = number >= count - 12
        state = "running" if running else chance.choice(["succeeded"] * 8 + ["failed", "cancelled"])
        at = now - timedelta(minutes=5 * (count - number))
        row = Operation(
            kind="deploy", environment=place, environment_kind=place.kind, state=state, requested_by=by,
            params={"ref": "main", "ref_kind": "branch", "commit": _sha(chance), "migrate": False},
            facts={"commit": _sha(chance), "address": place.routes[0] if place.routes else ""},
            headline=f"Deploy main ({_sha(chance)[:8]})", requester=by.username, created_at=at, started_at=at,
            ended_at=None if running else at + timedelta(seconds=40), due_at=far,
        )  # fmt: skip
        made.append(row)
        steps += [_step(row, position, running) for position in range(1, len(STEPS) + 1)]
    Operation.objects.bulk_create(made, batch_size=500)
    Step.objects.bulk_create(steps, batch_size=2000)


def _step(row: Any, position: int, running: bool) -> Any:
    from opsportal.operations.models import Step

    name = STEPS[position - 1]
    if running and position > 6:
        return Step(operation=row, position=position, name=name, title=name.capitalize())
    at = row.created_at + timedelta(seconds=4 * position)
    waits = running and position == 6
    return Step(
        operation=row, position=position, name=name, title=name.capitalize(), started_at=at,
        state="waiting" if waits else "succeeded", ended_at=None if waits else at + timedelta(seconds=4),
    )  # fmt: skip


def much_output(lines: int) -> str:
    """A deploy that has ended with so many lines of output; its id."""
    from django.utils import timezone

    from opsportal.environments.models import Environment
    from opsportal.operations.models import Operation, Output

    chance, now = random.Random(11), timezone.now()
    place = Environment.objects.filter(kind="sandbox").order_by("name").first()
    if place is None:
        raise LookupError("no sandbox")
    made = Operation.objects.create(
        kind="deploy", environment=place, environment_kind=place.kind, state="succeeded", requester="ana",
        params={"ref": "main", "ref_kind": "branch", "commit": _sha(chance), "migrate": False},
        headline=f"Deploy main ({lines} lines)", started_at=now, ended_at=now, output_count=lines,
    )  # fmt: skip
    from opsportal.operations.models import Step

    Step.objects.bulk_create(_step(made, position, False) for position in range(1, len(STEPS) + 1))
    Output.objects.bulk_create(
        (
            Output(
                operation=made, number=number, step=1 + (number - 1) * 10 // lines, at=now, stream="out",
                text=f"{number} " + " ".join(chance.choices(WORDS, k=chance.randint(3, 14))),
            )
            for number in range(1, lines + 1)
        ),
        batch_size=5000,
    )  # fmt: skip
    return str(made.id)


def _sha(chance: random.Random) -> str:
    return f"{chance.getrandbits(160):040x}"
