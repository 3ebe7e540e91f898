"""Quotas held to: what an organization and a space may use together, with the platform's own words (platform API §3.5).

Only what runs counts: processes of started apps, and running tasks. A limit that is null is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import unprocessable
from .processes import processes_of

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

COUNTED_TASKS = frozenset({"PENDING", "RUNNING"})


@dataclass(frozen=True)
class Size:
    """What a process takes: so many instances, each of so many megabytes."""

    instances: int
    memory_in_mb: int

    @property
    def total(self) -> int:
        """Megabytes of all instances."""
        return self.instances * self.memory_in_mb


@dataclass(frozen=True)
class _Place:
    """An organization or a space under a quota: its limits, the guids of its spaces, and its part in the words."""

    limits: dict[str, Any]
    spaces: tuple[str, ...]
    prefix: str
    name: str


def size_of(process: Document | dict[str, Any]) -> Size:
    """A process's size as it is wanted."""
    return Size(process["instances"], process["memory_in_mb"])


def sizes_of(cloud: Cloud, app: Document) -> list[Size]:
    """The sizes of all processes of an app."""
    return [size_of(one) for one in processes_of(cloud, app["guid"])]


def _places(cloud: Cloud, app: Document) -> list[_Place]:
    space = cloud.store.get("space", app["space_guid"]) or {}
    organization = cloud.store.get("organization", space.get("organization_guid")) or {}
    found = []
    quota = cloud.store.get("space_quota", space.get("quota_guid"))
    if quota is not None and _limits_anything(quota):
        found.append(_Place(quota["apps"], (app["space_guid"],), "space_", "space"))
    quota = cloud.store.get("organization_quota", organization.get("quota_guid"))
    if quota is not None and _limits_anything(quota):
        spaces = cloud.store.find("space", organization_guid=organization["guid"])
        found.append(_Place(quota["apps"], tuple(one["guid"] for one in spaces), "", "organization"))
    return found


def _limits_anything(quota: Document) -> bool:
    return any(limit is not None for limit in quota["apps"].values())


def _running(cloud: Cloud, place: _Place) -> list[Size]:
    apps = cloud.store.find("app", space_guid=set(place.spaces), state="STARTED")
    return [size_of(one) for one in cloud.store.find("process", app_guid={app["guid"] for app in apps})]


def _tasks(cloud: Cloud, place: _Place, states: Iterable[str]) -> list[Document]:
    apps = cloud.store.find("app", space_guid=set(place.spaces))
    return cloud.store.find("task", app_guid={app["guid"] for app in apps}, state=set(states))


def _memory_used(cloud: Cloud, place: _Place) -> int:
    tasks = sum(one["memory_in_mb"] for one in _tasks(cloud, place, ["RUNNING"]))
    return sum((one.total for one in _running(cloud, place)), start=int(tasks))


def process_problems(cloud: Cloud, app: Document, wanted: list[Size], freed: list[Size]) -> list[str]:
    """What forbids that an app's processes grow from ``freed`` (which counts now) to ``wanted``; empty when nothing does."""
    found = []
    more = sum(one.total for one in wanted) - sum(one.total for one in freed)
    count = sum(one.instances for one in wanted) - sum(one.instances for one in freed)
    largest = max((one.memory_in_mb for one in wanted if one.instances), default=0)
    for place in _places(cloud, app):
        total, each, most = (place.limits.get(key) for key in _LIMITS)
        if total is not None and more > 0 and more > total - _memory_used(cloud, place):
            found.append(f"memory {place.prefix}quota_exceeded")
        if each is not None and (more > 0 or count > 0) and largest > each:
            found.append(f"memory {place.prefix}instance_memory_limit_exceeded")
        running = (
            sum(one.instances for one in _running(cloud, place)) if most is not None and count > 0 else 0
        )
        if most is not None and count > 0 and running + count > most:
            found.append(f"app_instance_limit {place.prefix}app_instance_limit_exceeded")
    return found


_LIMITS = ("total_memory_in_mb", "per_process_memory_in_mb", "total_instances")


def check_growth(cloud: Cloud, app: Document, wanted: list[Size], freed: list[Size]) -> None:
    """422 in the platform's words when the app's processes must not grow like that."""
    problems = process_problems(cloud, app, wanted, freed)
    if problems:
        raise unprocessable(", ".join(problems))


def check_deployment(cloud: Cloud, app: Document, new: Size) -> None:
    """The same for the process that a deployment adds, with the platform's remark about rolling deployments."""
    problems = process_problems(cloud, app, [new], [])
    if not problems:
        return
    space = cloud.store.get("space", app["space_guid"]) or {}
    organization = cloud.store.get("organization", space.get("organization_guid")) or {}
    text = ", ".join(problems)
    hint = "quota may not be large enough to support rolling deployments or your configured max-in-flight."
    if "space_quota_exceeded" in text or "space_app_instance_limit_exceeded" in text:
        text += f" for space {space.get('name')}. This space's {hint}"
    elif "quota_exceeded" in text or "app_instance_limit_exceeded" in text:
        text += f" for organization {organization.get('name')}. This organization's {hint}"
    raise unprocessable(text)


def check_task(cloud: Cloud, app: Document, memory_in_mb: int) -> None:
    """422 when one more task of this size is too much."""
    problems = []
    for place in reversed(_places(cloud, app)):  # organization first
        total, each, _most = (place.limits.get(key) for key in _LIMITS)
        if total is not None and memory_in_mb > total - _memory_used(cloud, place):
            problems.append(f"memory_in_mb exceeds {place.name} memory quota")
        if each is not None and memory_in_mb > each:
            problems.append(f"memory_in_mb exceeds {place.name} instance memory quota")
        most = place.limits.get("per_app_tasks")
        if most is not None and len(_tasks(cloud, place, COUNTED_TASKS)) >= most:
            problems.append("app_task_limit quota exceeded")
    if problems:
        raise unprocessable(", ".join(problems))


def check_staging(cloud: Cloud, app: Document, memory_in_mb: int) -> None:
    """422 when a build of this size is too much."""
    for place in _places(cloud, app):
        total = place.limits.get("total_memory_in_mb")
        if total is not None and memory_in_mb > total - _memory_used(cloud, place):
            raise unprocessable(
                f"{place.name}'s memory limit exceeded: staging requires {memory_in_mb}M memory"
            )
