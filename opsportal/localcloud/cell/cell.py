"""All instances and tasks of the cloud: what is wanted is said with `converge`, the cell makes it so."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import proc
from .child import Child, Keeper, Ledger
from .environment import Ports, instance_environment, system_environment, write_shims
from .instance import Instance
from .memory import MemoryWatch
from .reactor import Reactor
from .spec import InstanceView, Outside, Spec, TaskSpec
from .task import Task
from .watchdog import Watchdog

PLACES = 8  # instances and tasks that start side by side
PLACE_TIME = 10.0  # seconds after which a slow starter no longer keeps others from starting
USAGE_AGE = 1.0
MANY_GROUPS, LONG_AGO = 500, 60.0  # beyond so many, figures older than these seconds are forgotten
MARKER = "LOCALCLOUD_CELL"  # in the environment of all that ever ran for this directory
LIFE = "LOCALCLOUD_LIFE"  # the same for this run of the cloud: an old watchdog must not kill what is new


class _Seen(NamedTuple):
    """What was seen of a process group at a moment: processor seconds so far, the share of a core, bytes."""

    at: float
    cpu_seconds: float
    cpu: float
    memory_bytes: int


class Cell:
    """Runs what is wanted. Public methods may be called from any thread."""

    def __init__(self, directory: Path, outside: Outside) -> None:
        self.outside = outside
        self.reactor = Reactor("localcloud-cell")
        self._directory = directory
        self._containers = directory / "containers"
        self.shims = directory / "bin"
        self.marker = f"{MARKER}={directory}"
        life = str(uuid.uuid4())
        self.markers = {MARKER: str(directory), LIFE: life}
        self._life = f"{LIFE}={life}"
        self._instances: dict[str, dict[int, Instance]] = {}
        self._leaving: set[Instance] = set()
        self._tasks: dict[str, Task] = {}
        self._queue: deque[Instance | Task] = deque()
        self._placed: set[Instance | Task] = set()
        self._spawning: set[Instance | Task] = set()
        self._ports = Ports()
        self._pool = ThreadPoolExecutor(4, "localcloud-start")
        self._usage_lock = threading.Lock()
        self._usage: dict[int, _Seen] = {}
        self._keeper: Keeper | None = None
        self._memory = MemoryWatch(
            self._task_limits, self._instance_limits, self._over_memory, outside.memory_seconds
        )

    # -- life --------------------

    def start(self) -> int:
        """End what an earlier life left running, then begin; answers how many were ended."""
        self._directory.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(self._directory / "groups.txt")
        killed = ledger.kill_leftovers() + proc.kill_carriers(self.marker)
        shutil.rmtree(self._containers, ignore_errors=True)
        self._containers.mkdir()
        write_shims(self.shims)
        self._keeper = Keeper(self.reactor, Watchdog(self._life), ledger)
        self.reactor.start()
        self._memory.start()
        return killed

    def stop(self, patience: float = 3.0) -> None:
        """End everything: SIGTERM, and after `patience` seconds SIGKILL."""
        if self._keeper is None:
            return
        self._memory.stop()
        self.reactor.call_soon(self._stop_all)
        until = time.monotonic() + patience
        while time.monotonic() < until and self._busy():
            time.sleep(0.02)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.reactor.stop()
        self._keeper.watchdog.close()
        proc.kill_carriers(self.marker)
        shutil.rmtree(self._containers, ignore_errors=True)

    def _busy(self) -> bool:
        return bool(self._leaving or self._tasks or any(self._instances.values()))

    def _stop_all(self) -> None:
        self._queue.clear()
        for process_guid in list(self._instances):
            self._converge(process_guid, None, 0, drain=False)
        for task in list(self._tasks.values()):
            task.cancel()

    # -- instances --------------------

    def converge(self, process_guid: str, spec: Spec | None, count: int) -> None:
        """From now on exactly `count` instances of `spec` shall run for this process; None ends them all."""
        self.reactor.call_soon(self._converge, process_guid, spec, count)

    def restart_instance(self, process_guid: str, index: int) -> None:
        """End one instance; the cell starts it again at once."""
        self.reactor.call_soon(self._restart_instance, process_guid, index)

    def views(self, process_guid: str) -> list[InstanceView]:
        """What is seen of each wanted instance, by index."""
        found = [one for _index, one in sorted(dict(self._instances.get(process_guid, {})).items())]
        usage = self._read_usage({one.usage_group() for one in found} - {None})
        return [one.view(usage) for one in found]

    def states(self, process_guid: str) -> list[tuple[str, bool, str]]:
        """(state, routable, version) of each wanted instance: the cheap form of `views`."""
        found = dict(self._instances.get(process_guid, {}))
        return [(one.state, one.routable, one.spec.version) for one in found.values()]

    def routable(self, process_guid: str) -> list[Instance]:
        """The instances that take requests, by index."""
        return [
            one for _i, one in sorted(dict(self._instances.get(process_guid, {})).items()) if one.routable
        ]

    def _converge(self, process_guid: str, spec: Spec | None, count: int, drain: bool = True) -> None:
        current = self._instances.setdefault(process_guid, {})
        changed = False
        for index, one in list(current.items()):
            if spec is None or index >= count or one.spec.version != spec.version:
                del current[index]
                self._leave(one, drain)
                changed = True
        if spec is not None:
            for index in range(count):
                if index not in current:
                    current[index] = Instance(self, spec, index)
                    current[index].begin()
                    changed = True
        if not current:
            self._instances.pop(process_guid, None)
        if changed:
            self.outside.changed(process_guid)

    def _leave(self, one: Instance, drain: bool = True) -> None:
        self._leaving.add(one)
        one.stop(lambda: self._leaving.discard(one), drain=drain)

    def _restart_instance(self, process_guid: str, index: int) -> None:
        current = self._instances.get(process_guid, {})
        one = current.get(index)
        if one is not None:
            current[index] = Instance(self, one.spec, index)
            self._leave(one)
            current[index].begin()

    # -- tasks --------------------

    def run_task(
        self,
        spec: TaskSpec,
        on_start: Callable[[str], object],
        on_end: Callable[[str, int | None, str], object],
    ) -> None:
        """Run a command once; `on_start` and `on_end` are told in the cell's thread."""
        self.reactor.call_soon(self._run_task, spec, on_start, on_end)

    def cancel_task(self, guid: str) -> None:
        """End a task's command; its `on_end` is still told."""
        self.reactor.call_soon(self._cancel_task, guid)

    def _run_task(
        self, spec: TaskSpec, on_start: Callable[..., object], on_end: Callable[..., object]
    ) -> None:
        task = Task(self, spec, on_start, on_end)
        self._tasks[spec.guid] = task
        self.ask_place(task)

    def _cancel_task(self, guid: str) -> None:
        if guid in self._tasks:
            self._tasks[guid].cancel()

    def task_ended(self, task: Task) -> None:
        """The task is over (reactor's thread)."""
        self._tasks.pop(task.spec.guid, None)

    # -- places, in which things start --------------------

    def ask_place(self, one: Instance | Task) -> None:
        """Start it as soon as fewer than `PLACES` others are starting (reactor's thread)."""
        self._queue.append(one)
        self._fill_places()

    def give_place(self, one: Instance | Task) -> None:
        """It has started, or never will (reactor's thread); harmless when it has no place."""
        if one in self._placed:
            self._placed.discard(one)
            self._fill_places()

    def is_spawning(self, one: Instance | Task) -> bool:
        """Whether a thread is making its container right now."""
        return one in self._spawning

    def _fill_places(self) -> None:
        while self._queue and len(self._placed) < PLACES:
            one = self._queue.popleft()
            if one.stopping:
                continue
            self._placed.add(one)
            self._spawning.add(one)
            self.reactor.call_later(PLACE_TIME, self.give_place, one)
            self._pool.submit(self._spawn, one)

    def _spawn(self, one: Instance | Task) -> None:
        try:
            child = self._spawn_instance(one) if isinstance(one, Instance) else self._spawn_task(one)
            problem = ""
        except Exception as error:  # whatever goes wrong here is told as a crash, not lost in a pool's thread
            child, problem = None, f"{type(error).__name__}: {error}"
        self.reactor.call_soon(self._spawned, one, child, problem)

    def _spawned(self, one: Instance | Task, child: Child | None, problem: str) -> None:
        self._spawning.discard(one)
        one.spawned(child, problem)

    def _spawn_instance(self, one: Instance) -> Child:
        spec = one.spec
        one.log_cell(f"Cell creating container for instance {one.guid}")
        home = self._container(one.guid, spec.droplet)
        one.directory, one.port = home, self._ports.take()
        environment = instance_environment(
            {**spec.environment, **system_environment(self.shims, home, self.markers)},
            guid=one.guid,
            index=one.index,
            port=one.port,
            memory_in_mb=spec.memory_in_mb,
        )
        return self._child(spec.command, home, environment, one.lines, one.exited)

    def _spawn_task(self, task: Task) -> Child:
        spec = task.spec
        home = self._container(spec.guid, spec.droplet)
        task.directory = home
        environment = {
            **spec.environment,
            **system_environment(self.shims, home, self.markers),
            "MEMORY_LIMIT": f"{spec.memory_in_mb}m",
            "CF_INSTANCE_GUID": spec.guid,
            "CF_INSTANCE_INDEX": "0",
        }
        return self._child(spec.command, home, environment, task.lines, task.exited)

    def _container(self, guid: str, droplet: str) -> Path:
        home = self._containers / guid
        (home / "tmp").mkdir(parents=True)
        self.outside.unpack(droplet, home)
        (home / "app").mkdir(exist_ok=True)
        return home

    def _child(
        self,
        command: str,
        home: Path,
        environment: dict[str, str],
        on_lines: Callable[[str, list[bytes]], object],
        on_exit: Callable[[int], object],
    ) -> Child:
        if self._keeper is None:
            raise RuntimeError("the cell has not been started")
        return Child(self._keeper, ["bash", "-c", command], home / "app", environment, on_lines, on_exit)

    def release(self, one: Instance | Task) -> None:
        """Give back the port and remove the directory of what has ended."""
        if isinstance(one, Instance):
            self._ports.give_back(one.port)
        if one.directory is not None:
            self._submit(shutil.rmtree, one.directory, True)

    def _submit(self, work: Callable[..., object], *arguments: object) -> None:
        try:
            self._pool.submit(work, *arguments)
        except RuntimeError:  # the cell is ending; its whole directory goes in a moment
            return

    # -- memory --------------------

    def _task_limits(self) -> dict[int, int]:
        return _limits(list(self._tasks.values()))

    def _instance_limits(self) -> dict[int, int]:
        return _limits([one for found in list(self._instances.values()) for one in list(found.values())])

    def _over_memory(self, group: int) -> None:
        self.reactor.call_soon(self._end_group, group)

    def _end_group(self, group: int) -> None:
        wanted = [one for found in self._instances.values() for one in found.values()]
        held: list[Instance | Task] = [*self._tasks.values(), *wanted]
        for one in held:
            if one.usage_group() == group:
                one.over_memory()

    # -- figures --------------------

    def _read_usage(self, wanted: set[int | None]) -> dict[int, tuple[float, int]]:
        """(processor fraction, bytes) of each of these process groups, not older than `USAGE_AGE`."""
        return {group: self._usage_of(group) for group in wanted if group is not None}

    def _usage_of(self, group: int) -> tuple[float, int]:
        with self._usage_lock:
            now = time.monotonic()
            known = self._usage.get(group)
            if known is not None and now - known.at < USAGE_AGE:
                return known.cpu, known.memory_bytes
            if len(self._usage) > MANY_GROUPS:
                self._usage = {key: one for key, one in self._usage.items() if now - one.at < LONG_AGO}
            usage = proc.tree_usage(group)
            spent = usage.cpu_seconds - known.cpu_seconds if known is not None else 0.0
            cpu = max(0.0, spent) / (now - known.at) if known is not None else 0.0
            self._usage[group] = _Seen(now, usage.cpu_seconds, cpu, usage.memory_bytes)
            return cpu, usage.memory_bytes


def _limits(of: Sequence[Instance | Task]) -> dict[int, int]:
    """Bytes by process group."""
    found = ((one.usage_group(), one.spec.memory_in_mb) for one in of)
    return {group: megabytes * 1024 * 1024 for group, megabytes in found if group is not None}
