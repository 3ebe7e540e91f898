"""``manage.py operate KIND ENVIRONMENT``: ask for an operation from a shell, by the same action as the button."""

import json
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import redis
from celery import current_app
from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter
from kombu.exceptions import OperationalError

from opsportal.accounts.queries import person_named
from opsportal.audit import origin
from opsportal.audit.management.readiness import require_tables
from opsportal.environments.models import Environment
from opsportal.operations import actions, registry
from opsportal.operations.models import HOLDING, Operation, Output, State
from opsportal.operations.registry import BadParameter, Input, Parameter
from opsportal.operations.rules import Finding

#: Seconds between two looks at the rows, and exit statuses: not succeeded, refused, bad words.
LOOK = 0.3
#: Seconds a worker has to say that it is there, and seconds until a missing start is mentioned.
PING, UNTAKEN = 1.0, 10.0
#: Lines read at a time.
PAGE = 2000
NOT_SUCCEEDED, REFUSED, USAGE = 1, 3, 2


class _Help(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's order of options, and the parameters each on its own line."""


#: Environments named to somebody who mistyped one.
NAMED = 20


class Command(BaseCommand):
    """Same rules, same audit as the page. Exit status 0 only when the operation succeeded (or was accepted,
    without ``--wait``); 1 when it ended otherwise, 2 for bad words, 3 when the rules refused it."""

    help = "Ask for an operation on an environment, and follow it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be typed."""
        parser.formatter_class = _Help
        parser.epilog = _parameters()
        parser.add_argument("kind", choices=[kind.name for kind in registry.kinds()], help="what to do")
        parser.add_argument("environment", help="the environment's name, such as ab")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="name=value",
            help="a parameter, of those named below; repeatable",
        )
        parser.add_argument("--as", dest="person", required=True, metavar="USER", help="who asks")
        parser.add_argument("--reason", default="", help="why; some operations need it")
        parser.add_argument(
            "--confirm", default="", metavar="NAME", help="the environment's name, where it cannot be undone"
        )
        parser.add_argument("--pass-hold", action="store_true", help="pass the hold, where it lets you")
        parser.add_argument("--wait", action="store_true", help="follow it to its end")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of words")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, follow, exit."""
        require_tables()
        person = person_named(options["person"])
        if person is None:
            raise CommandError(f"There is no person “{options['person']}”.", returncode=USAGE)
        try:
            with origin.told("shell"):
                _require_environment(options["environment"])
                operation = actions.request(
                    kind=options["kind"],
                    environment=options["environment"],
                    given=_given(options["set"]),
                    by=person,
                    reason=options["reason"],
                    via="shell",
                    confirmed=options["confirm"],
                    passes_hold=options["pass_hold"],
                )
        except actions.Refused as refused:
            self._refuse(refused, as_json=options["json"])
            return
        except BadParameter as error:
            raise CommandError(f"{error.field}: {error}", returncode=USAGE) from error
        if not options["json"]:
            self.stdout.write(
                f"{registry.placed(operation.kind, operation.headline, operation.environment.name)}: "
                f"operation {operation.id}"
            )
        if options["wait"]:
            self._follow(operation.id, quiet=options["json"])
        elif not _worker_answers():
            self.stderr.write(
                f"No worker answered within {PING:.0f} second: the operation is kept, and begins when one runs."
            )
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
        teller, last, began, warned = _Teller(self.stdout.write, quiet), 0, time.monotonic(), False
        while True:
            # Steps before lines: whatever came before a step that is seen here has all its lines to read.
            operation = Operation.objects.prefetch_related("steps").get(id=operation_id)
            lines = list(Output.objects.filter(operation_id=operation_id, number__gt=last)[:PAGE])
            last = lines[-1].number if lines else last
            teller.tell(operation, lines)
            if not lines and operation.state not in {State.WAITING, *HOLDING}:
                break
            if operation.state == State.UNKNOWN:
                break
            if not warned and time.monotonic() - began > UNTAKEN and _is_untaken(operation):
                warned = True
                self.stderr.write("No worker has taken it yet.")
            if not lines:
                time.sleep(LOOK)
        if not quiet:
            self.stdout.write(
                f"{operation.get_state_display()}. {operation.problem} {operation.remedy}".rstrip()
            )


class _Teller:
    """Prints each step's heading once it has begun, its lines below it, in order; nothing when ``quiet``."""

    def __init__(self, write: Callable[[str], object], quiet: bool) -> None:
        self._write, self._quiet = write, quiet
        self._seen, self._current = 0, 0
        self._said_waiting = False

    def tell(self, operation: Operation, lines: list[Output]) -> None:
        """What is new: the lines after those told before, and the steps that have begun."""
        if self._quiet:
            return
        if operation.state == State.WAITING and not self._said_waiting:
            self._said_waiting = True
            self._write("Waiting for its turn")
        titles = {step.position: step.title for step in operation.steps.all() if step.started_at}
        for line in lines:
            self._head(operation, titles, up_to=line.step)
            if line.step != self._current:
                self._print_heading(operation, titles, line.step)
            self._write(f"  {line.text}")
        if len(lines) < PAGE:
            self._head(operation, titles, up_to=max(titles, default=0))

    def _head(self, operation: Operation, titles: dict[int, str], up_to: int) -> None:
        """The headings of steps that have begun and were not told yet, those without output too."""
        for position in sorted(each for each in {*titles, up_to} if self._seen < each <= up_to):
            self._print_heading(operation, titles, position)

    def _print_heading(self, operation: Operation, titles: dict[int, str], position: int) -> None:
        title = titles.get(position) or operation.steps.get(position=position).title
        self._write(f"{position}. {title}")
        self._seen, self._current = max(self._seen, position), position


def _given(pairs: list[str]) -> dict[str, str]:
    given = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"--set takes name=value, not “{pair}”.", returncode=USAGE)
        given[name] = value
    return given


def _parameters() -> str:
    """Every kind's parameters, for ``--help``."""
    said = []
    for kind in registry.kinds():
        said.append(f"parameters of {kind.name}:")
        for each in kind.parameters:
            needed = " (needed)" if each.required else ""
            said.append(f"  {each.name:<10} {each.title}{needed}. {_takes(each)}{each.help}".rstrip())
    return "\n".join(said).replace("%", "%%")


def _takes(parameter: Parameter) -> str:
    """The words that a shell types, where a form has something to choose from."""
    words = ("yes", "no") if parameter.input == Input.YES_NO else parameter.words
    return f"One of: {', '.join(words)}. " if words else ""


def _require_environment(name: str) -> None:
    """Raises Refused naming those that exist: a shell has no home page to look them up on."""
    names = list(Environment.objects.order_by("name").values_list("name", flat=True))
    if name not in names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        known = f"There are: {', '.join(names[:NAMED])}{more}." if names else "The portal knows none yet."
        raise actions.Refused([Finding("environment", False, f"There is no environment “{name}”.", known)])


def _worker_answers() -> bool:
    """Whether any worker says that it is there. A broker that is away is a no, not an error."""
    try:
        with current_app.connection_for_write(connect_timeout=PING) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=PING)
            return bool(current_app.control.ping(timeout=PING, limit=1, connection=connection))
    except (OperationalError, redis.RedisError, OSError):
        return False


def _is_untaken(operation: Operation) -> bool:
    """Whether it could run but no step has begun."""
    return operation.state == State.RUNNING and not any(step.started_at for step in operation.steps.all())


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
