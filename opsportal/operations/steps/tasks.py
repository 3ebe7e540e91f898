"""Run a task on the platform: all it prints is shown live, and it is done only when it succeeded."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from opsportal.adapters.cloudfoundry import NotFound, Task, Unprocessable
from opsportal.kit.wording import duration
from opsportal.operations.models import Step
from opsportal.operations.outcomes import Done, Fail, Outcome, Wait
from opsportal.operations.run import LABEL, Run, short_name
from opsportal.operations.steps import guard, log_tail
from opsportal.operations.steps.once import SETTLING_WHAT_RUNS, once
from opsportal.operations.steps.pacing import fraction_of_usual, look_again_in
from opsportal.operations.task_results import ERRORS, Ending, TaskResult, task_result

#: How the platform's own last line about a task begins (platform API §6), and seconds given to it to arrive.
LAST_LINE, LATE_LINES = "Exit status ", 5.0
#: Seconds a task that was told to stop has before we no longer wait for it: the platform kills it after ten.
STOPPING = 60.0

AFTER_DEPLOY = (
    "The new code runs already. Its output says why: mend it on the branch, push, and deploy again with migrating. "
    "Retry from this step only when the cause lay outside the code."
)
AFTERWARDS = "Its output says why. Mend the cause, then retry from this step."
WHY_AWAITED = "a migration stopped halfway can leave tables half changed"


def run_task(
    run: Run,
    name: str,
    command: str,
    *,
    memory_mb: int | None = None,
    disk_mb: int | None = None,
    remedy: str = AFTERWARDS,
    awaited_because: str = "",
) -> Outcome:
    """One task under a name that is this attempt's alone; its lines are found by that name.

    ``awaited_because``: why a cancel waits for its end, where the step must not be interrupted.
    """
    unique = short_name(run.operation.id, name, run.step.attempt)
    run.facts["task_started"] = True
    guid = once(
        run,
        "task",
        find=lambda: _own_task(run, unique),
        make=lambda: (
            run.cf.create_task(
                run.facts["app"],
                command=command,
                name=unique,
                labels=run.labels,
                memory_in_mb=memory_mb,
                disk_in_mb=disk_mb,
            ).guid
        ),
        settling=SETTLING_WHAT_RUNS,
    )
    if isinstance(guid, Wait):
        return guid
    _say_first(run, command, awaited_because)
    _mind_a_twin(run, unique, guid)
    task = run.cf.task(guid)
    look = follow_tasks(run, task)
    result = task_result(task.state, task.failure_reason, stopped=run.memo.get("stopped", ""))
    if result is None:
        _stop_when_too_long(run, task)
        return Wait(0.0 if look.more else look_again_in(run), task.state.capitalize(), fraction_of_usual(run))
    if look.more or not (look.ended or _late(run)):
        return Wait(0.0 if look.more else 0.2, f"{result.words} Its last lines are read")
    run.facts["task_started"] = False
    run.memo.pop("log_seen", None)
    return _outcome(result, command, remedy)


def begun(run: Run) -> bool:
    """Whether this step's task was asked for already, so that what must be asked before it no longer needs to be."""
    return bool({"task", "task_intended_at"} & run.memo.keys())


def follow_tasks(run: Run, *tasks: Task) -> log_tail.Look:
    """Keep what tasks printed since the last look."""
    sources = {f"APP/TASK/{task.name}" for task in tasks}
    return log_tail.follow(run, run.facts["app"], sources.__contains__, until=LAST_LINE)


def _outcome(result: TaskResult, command: str, remedy: str) -> Outcome:
    if result.ending is Ending.SUCCEEDED:
        return Done(result.words)
    limit = duration(settings.TASK_SECONDS)
    return Fail(
        ERRORS[result.ending], {"task": command, "what": result.words, "remedy": remedy, "limit": limit}
    )


def _say_first(run: Run, command: str, awaited_because: str) -> None:
    if "said" not in run.memo:
        run.remember(said=True)
        run.say(f"$ {command}")
    if awaited_because and "said_awaited" not in run.memo and run.cancelled:
        run.remember(said_awaited=True)
        run.say(f"Somebody asked to cancel. The task's end is awaited first: {awaited_because}.")


def _mind_a_twin(run: Run, name: str, guid: str) -> None:
    """A request that got no answer and was made again may come through even later: what it started is stopped."""
    if not run.memo.get("task_again"):
        return
    for twin in run.cf.tasks(run.facts["app"], names=[name]):
        if twin.guid != guid:
            if not twin.finished:
                stop(run, twin)
            run.note(
                f"The platform carried out a request that it had not answered, very late: the task {name} was started "
                "twice. The second one was stopped if it still ran."
            )


def _stop_when_too_long(run: Run, task: Task) -> None:
    if run.elapsed <= settings.TASK_SECONDS or "stopped" in run.memo:
        return
    run.remember(stopped=Ending.TIMEOUT.value)
    run.say(f"It did not end within {duration(settings.TASK_SECONDS)}: the platform is asked to stop it.")
    stop(run, task)


def stop(run: Run, task: Task) -> None:
    """Have the platform end a task (TERM, and KILL ten seconds later); one that has ended meanwhile is fine."""
    try:
        run.cf.cancel_task(task.guid)
    except Unprocessable:
        return


def _late(run: Run) -> bool:
    """Whether lines that have not come by now will not come."""
    since = datetime.fromisoformat(run.memo.setdefault("ended_seen_at", timezone.now().isoformat()))
    return (timezone.now() - since).total_seconds() > LATE_LINES


def _own_task(run: Run, name: str) -> str | None:
    try:
        found = run.cf.tasks(run.facts["app"], names=[name])
    except NotFound:
        return None
    return found[0].guid if found else None


def stop_tasks(run: Run) -> Outcome:
    """A tidy step: end what tasks of this operation still run, keep what they print until then, and say so."""
    if "app" not in run.facts:
        return Done("No task was started", skipped=True)
    ours = run.cf.tasks(run.facts["app"], labels={LABEL: str(run.operation.id)})
    left = [task for task in ours if not task.finished]
    told = run.memo.setdefault("told", [])
    for task in left:
        if task.guid not in told:
            log_tail.go_on(run, _memo_of(run, task))
            told.append(task.guid)
            run.say("The task is told to stop (TERM).")
            stop(run, task)
    stopped = [task for task in ours if task.guid in told]
    more = follow_tasks(run, *stopped).more if stopped else False
    if left and run.elapsed < STOPPING:
        return Wait(0.0 if more else 0.5, "The task was told to stop")
    if left:
        run.note(f"The task {left[0].name} was told to stop and has not ended: look at it on the platform.")
        return Done("The task was told to stop, and has not ended yet")
    return _say_how_they_ended(run, stopped)


def _say_how_they_ended(run: Run, stopped: list[Task]) -> Outcome:
    for task in stopped:
        result = task_result(task.state, task.failure_reason, stopped=Ending.CANCELLED)
        words = result.words if result else ""
        status = f" (exit status {result.status})" if result and result.status is not None else ""
        run.say(f"The task was told to stop. {words}{status}")
        run.note("The task was told to stop; what it had done by then stays done.")
    return Done("The task was stopped" if stopped else "No task ran any more", skipped=not stopped)


def _memo_of(run: Run, task: Task) -> dict[str, Any]:
    """The memo of the step that ran a task: it holds how far its output was read."""
    memos = Step.objects.filter(operation=run.operation, tidy=False).values_list("memo", flat=True)
    return next((memo for memo in memos if memo.get("task") == task.guid), {})


def migrate_if_asked(run: Run) -> Outcome:
    """Migrate after a deploy: always on development, staging and stable; on a sandbox when asked."""
    if not run.params.get("migrate"):
        return Done("Not asked for", skipped=True)
    return migrate(run, remedy=AFTER_DEPLOY)


def migrate(run: Run, *, remedy: str = AFTERWARDS) -> Outcome:
    """``manage.py migrate`` as a task; safe to repeat, never interrupted."""
    return run_task(run, "migrate", settings.MIGRATE_COMMAND, remedy=remedy, awaited_because=WHY_AWAITED)


def load_fixtures(run: Run) -> Outcome:
    """Load by itself: never on stable, which the step makes sure of once more."""
    closed = None if begun(run) else guard.destructive(run)
    return closed or load(run)


def load(run: Run) -> Outcome:
    """``manage.py load`` as a task; loading twice leaves one of each."""
    return run_task(run, "load", settings.LOAD_COMMAND)


def create_cache_table(run: Run) -> Outcome:
    """``manage.py createcachetable`` as a task; safe to repeat."""
    return run_task(run, "create-cache-table", settings.CACHE_TABLE_COMMAND)


def clear_sessions(run: Run) -> Outcome:
    """``manage.py clearsessions`` as a task; safe to repeat."""
    return run_task(run, "clear-sessions", settings.CLEAR_SESSIONS_COMMAND)
