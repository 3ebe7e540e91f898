"""The values the cell works with: what shall run, how its health is asked, and what is seen of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_HEALTH_TIMEOUT = 60
DEFAULT_INVOCATION_TIMEOUT = 1
DEFAULT_INTERVAL = 30
DEFAULT_READINESS_INTERVAL = 2


@dataclass(frozen=True)
class HealthCheck:
    """How an instance is asked whether it is well (platform API §4.8); times in seconds."""

    kind: str = "process"
    endpoint: str = "/"
    timeout: float = DEFAULT_HEALTH_TIMEOUT
    invocation_timeout: float = DEFAULT_INVOCATION_TIMEOUT
    interval: float = DEFAULT_INTERVAL


@dataclass(frozen=True)
class Spec:
    """One process as it shall run; a new `version` means that instances of the old one are replaced."""

    app_guid: str
    process_guid: str
    process_type: str
    version: str
    command: str
    droplet: str
    environment: Mapping[str, str]
    health: HealthCheck = field(default_factory=HealthCheck)
    readiness: HealthCheck = field(default_factory=HealthCheck)
    memory_in_mb: int = 1024
    disk_in_mb: int = 1024


@dataclass(frozen=True)
class TaskSpec:
    """One command that runs once, in a copy of a droplet."""

    guid: str
    app_guid: str
    name: str
    command: str
    droplet: str
    environment: Mapping[str, str]
    memory_in_mb: int = 1024


@dataclass(frozen=True)
class InstanceView:
    """What is seen of one instance at a moment; `since` is in epoch seconds, `cpu` a fraction of one core."""

    guid: str
    index: int
    state: str
    routable: bool
    since: float
    uptime: int
    port: int
    details: str | None
    cpu: float
    memory_bytes: int
    version: str


@dataclass(frozen=True)
class Crash:
    """An instance that ended although it was wanted."""

    app_guid: str
    process_guid: str
    process_type: str
    instance_guid: str
    index: int
    exit_status: int
    exit_description: str
    uptime: float
    crash_count: int


@dataclass(frozen=True)
class Readiness:
    """An instance whose readiness check says something else than before."""

    app_guid: str
    process_guid: str
    process_type: str
    instance_guid: str
    index: int
    ready: bool


@dataclass(frozen=True)
class Outside:
    """What the cell needs of the world around it.

    `log(app_guid, source_type, instance_id, stream, lines)` takes lines ("OUT" or "ERR") and must be quick;
    `unpack(droplet, directory)` fills a fresh directory and may block; `changed(process_guid)`,
    `crashed(crash)` and `readied(readiness)` are told in the cell's thread and must not block; the figures
    (seconds) are read at each start, at each stop and between two looks at the memory in use.
    """

    log: Callable[[str, str, str, str, list[bytes]], object]
    unpack: Callable[[str, Path], object]
    changed: Callable[[str], object]
    crashed: Callable[[Crash], object]
    readied: Callable[[Readiness], object]
    start_seconds: Callable[[], float]
    stop_seconds: Callable[[], float]
    memory_seconds: Callable[[], float]
