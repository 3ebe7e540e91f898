"""``manage.py operate KIND ENVIRONMENT``: ask for an operation from a shell, by the same action as the button."""

import json
import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from opsportal.accounts.queries import person_named
from opsportal.audit import origin
from opsportal.operations import actions, registry
from opsportal.operations.models import HOLDING, Operation, Output, State
from opsportal.operations.registry import BadParameter

#: Seconds between two looks at the rows, and exit statuses: not succeeded, refused, bad words.
LOOK = 0.3
NOT_SUCCEEDED, REFUSED, USAGE = 1, 3, 2


class Command(BaseCommand):
    """Same rules, same audit as the page. Exit status 0 only when the operation succeeded (or was accepted,
    without ``--wait``); 1 when it ended otherwise, 2 for bad words, 3 when the rules refused it."""

    help = "Ask for an operation on an environment, and follow it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be typed."""
        names = ", ".join(kind.name for kind in registry.kinds())
        parser.add_argument("kind", help=f"one of: {names}")
        parser.add_argument("environment", help="the environment's name, such as ab")
        parser.add_argument(
            "--set", action="append", default=[], metavar="name=value", help="a parameter; repeatable"
        )
        parser.add_argument("--as", dest="person", required=True, metavar="USER", help="who asks")
        parser.add_argument("--reason", default="", help="why; some operations need it")
        parser.add_argument("--wait", action="store_true", help="follow it to its end")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of words")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, follow, exit."""
        person = person_named(options["person"])
        if person is None:
            raise CommandError(f"There is no person “{options['person']}”.", returncode=USAGE)
        try:
            with origin.told("shell"):
                operation = actions.request(
                    kind=options["kind"],
                    environment=options["environment"],
                    given=_given(options["set"]),
                    by=person,
                    reason=options["reason"],
                    via="shell",
                )
        except actions.Refused as refused:
            self._refuse(refused, as_json=options["json"])
            return
        except BadParameter as error:
            raise CommandError(f"{error.field}: {error}", returncode=USAGE) from error
        if not options["json"]:
            self.stdout.write(
                f"{operation.headline} on {operation.environment.name}: operation {operation.id}"
            )
        if options["wait"]:
            self._follow(operation.id, quiet=options["json"])
        operation.refresh_from_db()
        if options["json"]:
            self.stdout.write(json.dumps(receipt(operation), indent=2))
        ended_well = operation.state == State.SUCCEEDED or (not options["wait"] and not operation.is_ended)
        if not ended_well:
            raise SystemExit(NOT_SUCCEEDED)

    def _refuse(self, refused: actions.Refused, *, as_json: bool) -> None:
        if as_json:
            findings = [
                {"rule": each.rule, "reason": each.reason, "remedy": each.remedy, "who": list(each.who)}
                for each in refused.findings
            ]
            self.stdout.write(json.dumps({"state": "refused", "findings": findings}, indent=2))
            raise SystemExit(REFUSED)
        raise CommandError(str(refused), returncode=REFUSED)

    def _follow(self, operation_id: UUID, *, quiet: bool) -> None:
        """Print steps and lines until it ends. Rows are read; nothing else is asked."""
        last, step, told = 0, 0, ""
        while True:
            operation = Operation.objects.get(id=operation_id)
            lines = Output.objects.filter(operation_id=operation_id, number__gt=last)[:2000]
            for line in lines:
                last = line.number
                if quiet:
                    continue
                if line.step != step:
                    step, told = line.step, _heading(operation, line.step)
                    self.stdout.write(told)
                self.stdout.write(f"  {line.text}")
            said = _where(operation)
            if not lines and said != told and not quiet:
                told = said
                self.stdout.write(said)
            if not lines and operation.state not in {State.WAITING, *HOLDING}:
                break
            if operation.state == State.UNKNOWN:
                break
            if not lines:
                time.sleep(LOOK)
        if not quiet:
            self.stdout.write(
                f"{operation.get_state_display()}. {operation.problem} {operation.remedy}".rstrip()
            )


def _given(pairs: list[str]) -> dict[str, str]:
    given = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"--set takes name=value, not “{pair}”.", returncode=USAGE)
        given[name] = value
    return given


def _where(operation: Operation) -> str:
    if operation.state == State.WAITING:
        return "Waiting for its turn"
    step = operation.steps.exclude(started_at=None).order_by("-position").first()
    if step is None:
        return operation.get_state_display()
    if step.ended_at is None:
        return _heading(operation, step.position)
    return f"{step.position}. {step.title}: {step.get_state_display().lower()}"


def _heading(operation: Operation, position: int) -> str:
    return f"{position}. {operation.steps.get(position=position).title}"


def receipt(operation: Operation) -> dict[str, Any]:
    """An operation as plain values, for scripts."""
    return {
        "id": str(operation.id),
        "kind": operation.kind,
        "environment": operation.environment.name,
        "headline": operation.headline,
        "params": operation.params,
        "state": operation.state,
        "requested_by": operation.requester,
        "created_at": operation.created_at.isoformat(),
        "started_at": operation.started_at.isoformat() if operation.started_at else None,
        "ended_at": operation.ended_at.isoformat() if operation.ended_at else None,
        "error_id": operation.error_id,
        "problem": operation.problem,
        "remedy": operation.remedy,
        "notes": operation.notes,
        "commit": operation.facts.get("commit", operation.params.get("commit", "")),
        "address": operation.facts.get("address", ""),
        "output_lines": operation.output_count,
        "steps": [
            {
                "position": step.position,
                "name": step.name,
                "title": step.title,
                "state": step.state,
                "attempt": step.attempt,
                "seconds": round(step.seconds, 3) if step.seconds is not None else None,
                "detail": step.detail,
            }
            for step in operation.steps.all()
        ],
    }
