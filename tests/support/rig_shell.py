"""What the rig runs with the portal's own code: a shell that answers line by line, a worker in a hurry, askers.

``python -m tests.support.rig_shell shell``: one JSON object per line in, one out.
``python -m tests.support.rig_shell worker ARGUMENTS``: a worker whose patience is that of ``RIG_PATIENCE``, a JSON
object of dotted names and seconds; production has no such switch, because nobody there should need it.
"""

import importlib
import json
import os
import sys
import threading
from typing import Any


def _django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.config.settings")
    django.setup()


def worker(arguments: list[str]) -> None:
    """The worker, as ``celery worker`` starts it."""
    _django()
    for name, seconds in json.loads(os.environ.get("RIG_PATIENCE", "{}")).items():
        module, _, constant = name.rpartition(".")
        place = importlib.import_module(module)
        assert isinstance(getattr(place, constant), int | float), name
        setattr(place, constant, seconds)
    from opsportal.config.celery import app

    app.worker_main(arguments)


def _person(username: str) -> Any:
    from opsportal.accounts.queries import SERVICE, person_named

    return SERVICE if username == SERVICE.username else person_named(username)


def request(
    environment: str, by: str, given: dict[str, str], kind: str = "deploy", confirmed: str = ""
) -> dict[str, Any]:
    """Ask for an operation, a deploy unless told otherwise. The receipt, or what refused it."""
    from opsportal.operations import actions
    from opsportal.operations.management.commands.operate import receipt
    from opsportal.operations.registry import BadParameter

    try:
        made = actions.request(
            kind=kind, environment=environment, given=given, by=_person(by), via="shell", confirmed=confirmed
        )
    except actions.Refused as refused:
        return {"state": "refused", "findings": [[each.rule, str(each.reason)] for each in refused.findings]}
    except BadParameter as error:
        return {"state": "refused", "findings": [[error.field, str(error)]]}
    return receipt(made)


def look(operation: str) -> dict[str, Any]:
    """The receipt of an operation, with what it does not show to everybody."""
    from opsportal.operations.management.commands.operate import receipt
    from opsportal.operations.models import Operation

    row = Operation.objects.get(id=operation)
    return receipt(row) | {
        "whose_move": row.whose_move,
        "fence": row.fence,
        "lease_owner": row.lease_owner,
        "memos": {step.name: step.memo for step in row.steps.all()},
    }


def output(operation: str) -> list[list[Any]]:
    """Every line: its number, the name of its step, and its text."""
    from opsportal.operations.models import Output, Step

    names = dict(Step.objects.filter(operation_id=operation).values_list("position", "name"))
    rows = (
        Output.objects.filter(operation_id=operation).order_by("number").values_list("number", "step", "text")
    )
    return [[number, names[step], text] for number, step, text in rows]


def cancel(operation: str, by: str) -> str:
    """Stop an operation; the state that it then has."""
    from uuid import UUID

    from opsportal.operations import actions

    return str(actions.cancel(operation=UUID(operation), by=_person(by)).state)


def retry(operation: str, by: str) -> str:
    """Go on from the step that failed; the state that it then has."""
    from uuid import UUID

    from opsportal.operations import actions

    return str(actions.retry(operation=UUID(operation), by=_person(by)).state)


def environment(name: str) -> dict[str, Any]:
    """An environment's row, after a fresh look at what is really there."""
    from django.forms import model_to_dict

    from opsportal.environments.models import Environment
    from opsportal.environments.tasks import refresh_environment

    refresh_environment(name)
    row = Environment.objects.get(name=name)
    return json.loads(json.dumps(model_to_dict(row), default=str)) | {"pk": row.pk}  # type: ignore[no-any-return]


def names(kind: str) -> list[str]:
    """The environments of a kind that the portal has found."""
    from opsportal.environments.models import Environment

    return sorted(Environment.objects.filter(kind=kind, in_repository=True).values_list("name", flat=True))


def states(environment: str) -> dict[str, int]:
    """How many operations an environment has in each state."""
    from django.db.models import Count

    from opsportal.operations.models import Operation

    rows = Operation.objects.filter(environment__name=environment).values_list("state").annotate(Count("id"))
    return dict(rows.order_by())


def under_way(environment: str) -> list[str]:
    """The operations that run or wait there."""
    from opsportal.operations.models import UNDER_WAY, Operation

    rows = Operation.objects.filter(environment__name=environment, state__in=UNDER_WAY)
    return [str(each) for each in rows.values_list("id", flat=True)]


def storm(environment: str, by: str, refs: list[str], gate: str) -> list[dict[str, Any]]:
    """Ask for a deploy of every ref at once, each in a thread of its own, when the file ``gate`` appears."""
    import time

    from django.db import connections

    answers: list[dict[str, Any]] = []
    # a small database server takes a hundred connections, and the portal's own processes need some of them
    room = threading.Semaphore(20)

    def ask(ref: str) -> None:
        while not os.path.exists(gate):
            time.sleep(0.01)
        with room:
            try:
                answers.append(request(environment, by, {"ref": ref}))
            finally:
                connections.close_all()

    threads = [threading.Thread(target=ask, args=(ref,)) for ref in refs]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return answers


COMMANDS = {
    each.__name__: each
    for each in (request, look, output, cancel, retry, environment, names, states, under_way, storm)
}


def shell() -> None:
    """Answer until standard input ends."""
    _django()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"answer": COMMANDS[asked.pop("do")](**asked)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer, default=str) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    worker(sys.argv[1:]) if sys.argv[1] == "worker" else shell()
