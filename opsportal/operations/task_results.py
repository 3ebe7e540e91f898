"""How a task ended, told apart from the platform's words. Pure.

The platform has no field for an exit status (platform API §6): a failed task has only ``result.failure_reason``, free
text. A status above 128 is a shell's word for "ended by signal N".
"""

import re
import signal
from dataclasses import dataclass
from enum import StrEnum


class Ending(StrEnum):
    """The ways a task can end."""

    SUCCEEDED = "succeeded"
    STATUS = "status"
    SIGNAL = "signal"
    MEMORY = "memory"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    NEVER_STARTED = "never_started"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class TaskResult:
    """How it ended: ``status`` and ``signal`` (such as SIGTERM) where there was one; ``words`` for people."""

    ending: Ending
    words: str
    status: int | None = None
    signal: str = ""


#: Which error of the catalogue tells each bad ending.
ERRORS = {
    Ending.STATUS: "platform:task-failed",
    Ending.UNKNOWN: "platform:task-failed",
    Ending.INTERRUPTED: "platform:task-failed",
    Ending.SIGNAL: "platform:task-signal",
    Ending.MEMORY: "platform:task-memory",
    Ending.TIMEOUT: "platform:task-timeout",
    Ending.CANCELLED: "platform:task-cancelled",
    Ending.NEVER_STARTED: "platform:task-not-started",
}

_STATUS = re.compile(r"\bstatus:?\s+(\d{1,3})\b", re.IGNORECASE)
_MEMORY = re.compile(r"out of memory|\boom\b|memory limit", re.IGNORECASE)
_CANCELLED = re.compile(r"cancell?ed", re.IGNORECASE)
_NEVER = re.compile(
    r"expired in pending|unable to request task|insufficient|no compatible cell", re.IGNORECASE
)
_INTERRUPTED = re.compile(r"restart of the platform|cell .*(lost|disappeared|evacuat)|bbs", re.IGNORECASE)


def task_result(state: str, failure_reason: str | None, *, stopped: str = "") -> TaskResult | None:
    """How a task ended; None while it has not.

    ``stopped``: why we ourselves asked the platform to end it (``timeout`` or ``cancelled``), else empty. A command
    may end well although it was told to stop: then it did succeed.
    """
    if state == "SUCCEEDED":
        return TaskResult(Ending.SUCCEEDED, "Exit status 0", 0)
    if state != "FAILED":
        return None
    said = (failure_reason or "").strip()
    found = _STATUS.search(said)
    status = int(found.group(1)) if found else None
    if stopped == Ending.TIMEOUT:
        return TaskResult(Ending.TIMEOUT, "It did not end in time and was stopped.", status)
    if stopped == Ending.CANCELLED or (_CANCELLED.search(said) and status is None):
        who = "It was cancelled." if stopped else "Somebody cancelled it on the platform."
        return TaskResult(Ending.CANCELLED, who, status)
    if _MEMORY.search(said):
        return TaskResult(Ending.MEMORY, "It ran out of memory.", status, "SIGKILL" if status == 137 else "")
    if status is not None:
        return _by_status(status)
    if _NEVER.search(said):
        return TaskResult(Ending.NEVER_STARTED, f"It never started: {said}")
    if _INTERRUPTED.search(said):
        return TaskResult(Ending.INTERRUPTED, f"The platform interrupted it: {said}")
    return TaskResult(Ending.UNKNOWN, said or "The platform does not say why.")


def _by_status(status: int) -> TaskResult:
    name = _signal_name(status - 128) if 128 < status < 128 + 65 else ""
    if not name:
        return TaskResult(Ending.STATUS, f"Exited with status {status}.", status)
    words = f"It was ended by {name} (exit status {status})."
    if name == "SIGKILL":
        words += (
            " Most often that is the platform's answer to too much memory, or to not stopping when told to."
        )
    return TaskResult(Ending.SIGNAL, words, status, name)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
