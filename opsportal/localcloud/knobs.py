"""The knobs: how slow the cloud is, what it allows, and which faults it shows. Kept across restarts."""

import json
import re
import threading
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What happens to the next requests that match.

    ``match`` is ``"METHOD regex"``, the regex searched in path and query (``"* …"`` for any method).
    ``times`` counts down; None is for ever. ``status`` (with ``body`` and ``content_type``) answers instead
    of doing the work; ``drop`` closes the connection without an answer; ``drop_after`` does the work first;
    ``delay`` seconds pass before anything else; ``hang`` seconds pass and then the connection is closed.
    """

    match: str
    times: int | None = 1
    status: int | None = None
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    drop_after: bool = False
    hang: float = 0.0

    def hits(self, method: str, path: str) -> bool:
        """Whether it is meant for this request."""
        wanted, _, pattern = self.match.partition(" ")
        return wanted in {"*", method} and re.search(pattern, path) is not None


@dataclass(frozen=True)
class RateLimit:
    """``limit`` requests per ``window`` seconds for one user; 0 means no limit and no headers."""

    limit: int = 0
    window: int = 60


@dataclass(frozen=True)
class Settings:
    """Every knob; times in seconds."""

    staging_seconds: float = 0.0
    start_seconds: float = 0.0
    stop_seconds: float = 10.0
    memory_seconds: float = 0.25  # between two looks at the memory of tasks; 0: nothing is held to its memory
    service_seconds: float = 0.0
    binding_seconds: float = 0.0
    job_seconds: float = 0.0
    deployment_tick_seconds: float = 0.2
    token_seconds: int = 600
    max_package_bytes: int = 1024 * 1024 * 1024
    max_log_lines: int = 100_000  # of each app; the oldest go first
    max_staged_droplets: int = 5  # of each app, beside the current one; older ones expire
    max_ready_packages: int = 5  # of each app, beside that of the current droplet
    service_failure: str = ""
    rate_limit: RateLimit = field(default_factory=RateLimit)
    github_rate_limit: RateLimit = field(default_factory=lambda: RateLimit(5000, 3600))
    github_secondary_seconds: float = 0.0  # above 0: GitHub's secondary limit holds, and says to wait so long
    github_mergeable_seconds: float = (
        0.0  # how long GitHub says that it does not know whether a merge would do
    )
    faults: tuple[Fault, ...] = ()


class KnobError(ValueError):
    """A knob that does not exist, or a value it does not take."""


class Knobs:
    """The knobs of a running cloud: read as attributes (``knobs.staging_seconds``), changed with
    :meth:`change`.
    """

    staging_seconds: float
    start_seconds: float
    stop_seconds: float
    memory_seconds: float
    service_seconds: float
    binding_seconds: float
    job_seconds: float
    deployment_tick_seconds: float
    token_seconds: int
    max_package_bytes: int
    max_log_lines: int
    max_staged_droplets: int
    max_ready_packages: int
    service_failure: str
    rate_limit: RateLimit
    github_rate_limit: RateLimit
    github_secondary_seconds: float
    github_mergeable_seconds: float
    faults: tuple[Fault, ...]

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._settings = (
            settings_from(json.loads(path.read_text()), Settings()) if path.exists() else Settings()
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_settings"], name)

    def as_dict(self) -> dict[str, Any]:
        """Every knob, as JSON."""
        return asdict(self._settings)

    def change(self, changes: dict[str, Any]) -> None:
        """Set some knobs and keep them; :class:`KnobError` when one is wrong, and then none is changed."""
        with self._lock:
            self._keep(settings_from(changes, self._settings))

    def fault_for(self, method: str, path: str) -> Fault | None:
        """The first fault meant for this request, counted down."""
        if not self._settings.faults:
            return None
        with self._lock:
            faults = list(self._settings.faults)
            for index, fault in enumerate(faults):
                if fault.hits(method, path):
                    if fault.times is not None:
                        faults[index : index + 1] = [_once_less(fault)] if fault.times > 1 else []
                        self._keep(settings_from({"faults": [asdict(one) for one in faults]}, self._settings))
                    return fault
        return None

    def _keep(self, settings: Settings) -> None:
        made = self._path.with_suffix(".new")
        made.write_text(json.dumps(asdict(settings), indent=1))
        made.replace(self._path)
        self._settings = settings


def _once_less(fault: Fault) -> Fault:
    return Fault(**{**asdict(fault), "times": (fault.times or 1) - 1})


def settings_from(changes: dict[str, Any], before: Settings) -> Settings:
    """The settings with these changes; :class:`KnobError` says which one is wrong."""
    values = {one.name: getattr(before, one.name) for one in fields(Settings)}
    for name, value in changes.items():
        if name not in values:
            raise KnobError(f"There is no knob '{name}'.")
        try:
            values[name] = _converted(name, value, values[name])
        except (TypeError, ValueError, re.error) as error:
            raise KnobError(f"Knob '{name}' does not take {value!r}.") from error
    return Settings(**values)


def _converted(name: str, value: Any, before: Any) -> Any:
    if name == "faults":
        faults = tuple(Fault(**one) for one in value)
        for fault in faults:
            re.compile(fault.match.partition(" ")[2])
        return faults
    if name in {"rate_limit", "github_rate_limit"}:
        return RateLimit(**value)
    if isinstance(value, bool) or (isinstance(before, str) != isinstance(value, str)):
        raise TypeError(name)
    kept = type(before)(value)
    if not isinstance(kept, str) and kept < 0:
        raise ValueError(name)
    return kept
