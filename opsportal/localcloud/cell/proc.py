"""What the kernel says about processes: start times, memory, processor time, and who carries our marker."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What one process group uses: processor seconds since its start, and resident bytes now."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command name; empty when the process is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return []
    return text[text.rfind(")") + 2 :].split()


def start_time(pid: int) -> str:
    """When the process started, in the kernel's ticks; with its pid that is unique. "" when gone.

    A process that has ended and only waits for its parent to notice is gone, too.
    """
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""


def pids() -> list[int]:
    """All processes that exist now."""
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]


def groups_usage() -> dict[int, Usage]:
    """Usage of every process group on the machine, in one pass over /proc."""
    totals: dict[int, Usage] = {}
    for pid in pids():
        fields = _stat(pid)
        if len(fields) < 22:
            continue
        group = int(fields[2])
        totals[group] = _and(totals.get(group, Usage()), fields)
    return totals


def tree(pid: int) -> list[int]:
    """A process and all that descend from it, as far as they did not detach themselves."""
    found, at = [pid], 0
    while at < len(found):
        try:
            text = (PROC / str(found[at]) / "task" / str(found[at]) / "children").read_text()
        except OSError:
            text = ""
        found += [int(child) for child in text.split()]
        at += 1
    return found


def tree_memory(pid: int) -> int:
    """Resident bytes of a process and its descendants; pages that they share count for each."""
    total = 0
    for one in tree(pid):
        try:
            total += int((PROC / str(one) / "statm").read_text().split()[1]) * PAGE_SIZE
        except (OSError, IndexError):
            continue
    return total


def tree_usage(pid: int) -> Usage:
    """Usage of a process and its descendants: for one of them far cheaper than :func:`groups_usage`."""
    total = Usage()
    for one in tree(pid):
        total = _and(total, _stat(one))
    return total


def _and(total: Usage, fields: list[str]) -> Usage:
    if len(fields) < 22:
        return total
    return Usage(
        total.cpu_seconds + (int(fields[11]) + int(fields[12])) / CLOCK_TICKS,
        total.memory_bytes + int(fields[21]) * PAGE_SIZE,
    )


def own_memory(group: int) -> int:
    """Bytes that belong to a process group itself: what its processes share counts once, mapped files do not."""
    total = 0
    for pid in pids():
        fields = _stat(pid)
        if len(fields) < 22 or int(fields[2]) != group:
            continue
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
    return total * 1024


def kill_group(group: int, number: int = signal.SIGKILL) -> bool:
    """Signal a whole process group; False when nobody is left in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def carriers(marker: str) -> list[int]:
    """Processes, other than this one, whose environment holds `marker` ("NAME=value")."""
    wanted = marker.encode()
    found = []
    for pid in pids():
        if pid == os.getpid():
            continue
        try:
            environment = (PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0"):
            found.append(pid)
    return found


def kill_carriers(marker: str) -> int:
    """Kill every process with the marker, again until none is left; answers how many there were."""
    killed = 0
    for _round in range(20):
        found = carriers(marker)
        if not found:
            break
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
                killed += 1
            except (ProcessLookupError, PermissionError):
                continue
    return killed
