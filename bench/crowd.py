"""Many deploys at once to as many sandboxes, on one worker process: all succeed, at most 1.3 × the cloud's own time.

Three rounds, each with another commit, on applications that run already: driven directly, by the portal, and
directly again. The cloud's own time is the mean of the two. The worker's memory is sampled every half second.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bench import direct
from bench.figures import note, spread, tell
from bench.world import World, click_deploy
from opsportal.adapters.cloudfoundry import Foundation
from opsportal.demo.driving import Steps
from opsportal.demo.estate import ORGANIZATION, SERVICE_ACCOUNT

TARGET = 1.3
MOST_GROWTH_MB = 40.0
LIMIT_S = 1800
CLICKERS = 8


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--staging", type=float, default=10)
    parser.add_argument("--start", type=float, default=5)
    parser.add_argument("--direct-every", type=float, default=1.0, help="seconds between direct looks")
    options = parser.parse_args()
    names = [f"s{number:03}" for number in range(1, options.size + 1)]
    with World(names) as world:
        drive = _Drive(world, names, options.direct_every)
        note("warming up: every application is deployed once")
        drive.directly("main")
        drive.directly("main")
        world.knobs(staging_seconds=options.staging, start_seconds=options.start)
        spent = _Spent(world)
        before = drive.directly("round-1")
        spent.note("directly", len(names))
        note(f"directly: {before:.1f} s")
        with sampled(world.pid("opsportal.config worker")) as memory:
            portal, states, took = through_portal(world, names, "round-2")
        note(f"through the portal: {portal:.1f} s")
        spent.note("through the portal", len(names))
        after = drive.directly("round-3")
        note(f"directly: {after:.1f} s")
    own = (before + after) / 2
    ratio, succeeded = portal / own, states["succeeded"] == len(names)
    first, last, top = _level(memory)
    tell(
        "crowd",
        succeeded and ratio <= TARGET and last - first <= MOST_GROWTH_MB,
        f"{states['succeeded']} of {len(names)} deploys succeeded on one worker in {portal:.1f} s, "
        f"{ratio:.2f} x the cloud's own {own:.1f} s; worker {first:.0f} MB at the start, {last:.0f} MB at the end",
        target=TARGET,
        ratio=round(ratio, 3),
        portal_s=round(portal, 1),
        own_s=[round(before, 1), round(after, 1)],
        states=dict(states),
        one_deploy_s=spread(took, 1),
        worker_mb={"first": first, "last": last, "max": top},
    )


class _Drive:
    """Drives the same deploys directly."""

    def __init__(self, world: World, names: list[str], every: float) -> None:
        self._world, self._names, self._every = world, names, every
        self._cf = Foundation(
            api_url=str(world.facts["cloud_api"]), username=SERVICE_ACCOUNT, password=world.service_password
        )
        self._spaces = direct.spaces_of(self._cf, ORGANIZATION)

    def directly(self, ref: str) -> float:
        """All at once; seconds it took."""
        source = direct.Source.at(self._world.layout.repository, ref)
        manifests = {name: source.manifest(name, ref) for name in self._names}

        def start(name: str) -> Steps:
            return direct.deploy(self._cf, source, self._spaces[name], manifests[name], f"getgov-{name}")

        every = [lambda name=name: start(name) for name in self._names]
        return direct.run(every, every=self._every, threads=16)


class _Spent:
    """Processor seconds of the demo's processes: they tell more than a clock on a machine that others use."""

    def __init__(self, world: World) -> None:
        names = {"cloud": "opsportal.localcloud", "worker": "opsportal.config worker", "web": "gunicorn"}
        self._pids = {name: world.pids(what) for name, what in names.items()} | {"bench": [os.getpid()]}
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        return {name: sum(processor_seconds(pid) for pid in pids) for name, pids in self._pids.items()}

    def note(self, what: str, deploys: int) -> None:
        """Say what each deploy cost since the last note, in milliseconds."""
        now = self._now()
        cost = {name: round((now[name] - self._before[name]) / deploys * 1000) for name in now}
        note(f"processor ms per deploy, {what}: {cost}")
        self._before = now


def through_portal(world: World, names: list[str], ref: str) -> tuple[float, Counter[str], list[float]]:
    """Click Deploy on every sandbox at once. Seconds until the last has ended, how they ended, how long each took."""
    world.use_database()
    from opsportal.operations.models import UNDER_WAY, Operation

    sessions = [world.sign_in() for _ in range(CLICKERS)]
    began = time.time()
    with ThreadPoolExecutor(CLICKERS) as clickers:

        def click(numbered: tuple[int, str]) -> str:
            return click_deploy(sessions[numbered[0] % CLICKERS], world.portal, numbered[1], ref)

        asked = list(clickers.map(click, enumerate(names)))
    note(f"{len(asked)} clicks took {time.time() - began:.1f} s")
    mine = Operation.objects.filter(params__ref=ref)
    while mine.filter(state__in=UNDER_WAY).exists() and time.time() - began < LIMIT_S:
        time.sleep(1)
    rows = list(mine.values_list("state", "created_at", "ended_at"))
    for problem in mine.exclude(problem="").values_list("problem", flat=True).distinct()[:5]:
        note(f"failed: {problem}")
    _where_time_went(ref)
    ended = [row[2] for row in rows if row[2]]
    took = [(row[2] - row[1]).total_seconds() for row in rows if row[2]]
    return max(each.timestamp() for each in ended) - began, Counter(row[0] for row in rows), took


def _where_time_went(ref: str) -> None:
    """The steps' own times on standard error: what to look at when the ratio is bad."""
    from opsportal.operations.models import Step

    rows = Step.objects.filter(operation__params__ref=ref, ended_at__isnull=False, started_at__isnull=False)
    by_name: dict[str, list[float]] = {}
    calls: Counter[str] = Counter()
    columns = ("name", "started_at", "ended_at", "calls")
    for name, started, ended, called in rows.order_by("position").values_list(*columns):
        calls[name] += called
        if started and ended:
            by_name.setdefault(name, []).append((ended - started).total_seconds())
    for name, seconds in by_name.items():
        note(f"{name:10} {spread(seconds, 2)} called {calls[name] / len(seconds):.1f} times each")


@contextmanager
def sampled(pid: int) -> Iterator[list[float]]:
    """The memory of a process, in MB, every half second while the block runs."""
    seen: list[float] = []
    done = threading.Event()

    def sample() -> None:
        while not done.is_set():
            seen.append(resident_mb(pid))
            done.wait(0.5)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def resident_mb(pid: int) -> float:
    """Resident memory in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def processor_seconds(pid: int) -> float:
    """User and system time of a process and its threads so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _level(memory: list[float]) -> tuple[float, float, float]:
    """Where it stood once all were under way (a quarter in), at the end, and at most."""
    return memory[len(memory) // 4], memory[-1], max(memory)


if __name__ == "__main__":
    main()
