"""What a step may answer. A step never sleeps and never writes its own state: it answers, and the runner records."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Done:
    """The step has done its part. ``skipped``: there was nothing to do."""

    detail: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Until:
    """Work of the platform that is waited for: its kind (``build``, ``deployment``, ``package``) and guid."""

    kind: str
    guid: str


@dataclass(frozen=True)
class Wait:
    """Call me again in ``seconds``. ``progress``: 0 to 1 where it is known. No worker is held meanwhile.

    ``unknown``: something may have happened already and the platform is being asked. ``until``: call me earlier when
    the platform no longer works on this; whoever does not know how waits the seconds.
    """

    seconds: float
    detail: str = ""
    progress: float | None = None
    unknown: bool = False
    until: Until | None = None


@dataclass(frozen=True)
class Ask:
    """A person must answer before it goes on. ``who``: role or username; ``choices``: what may be answered."""

    question: str
    who: str
    choices: tuple[str, ...] = ("Go on", "Stop")


@dataclass(frozen=True)
class Fail:
    """The step failed for good. ``error_id`` names words in :mod:`opsportal.operations.errors`; ``facts`` fill them."""

    error_id: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unknown:
    """Something may or may not have happened and the platform cannot tell. Holds everything until it is settled."""

    error_id: str
    facts: dict[str, Any] = field(default_factory=dict)


Outcome = Done | Wait | Ask | Fail | Unknown
