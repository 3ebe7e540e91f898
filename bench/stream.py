"""From a line printed on the platform to 100 viewers: p95 under 1 s, none lost, other pages as fast as before.

A migration task prints lines with the moment of each. The viewers (a process of their own) drop their connection
five times each and resume by the last line's number. Pages are timed during one such operation without viewers and
during another with them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from typing import Any

import requests

from bench.figures import note, percentile, spread, tell
from bench.viewers import Plan, watch
from bench.world import World, click_deploy

TARGET_S = 1.0
SLOWER = 1.5
PAGES = ("/", "/operations/", "/environments/s001/")


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--per-second", type=float, default=20)
    parser.add_argument("--drops", type=int, default=5)
    options = parser.parse_args()
    names = [f"s{number:03}" for number in range(1, 5)]
    with World(names, lines=(options.seconds, options.per_second)) as world:
        world.use_database()
        session = world.sign_in()
        _until_it_prints(_begin(world, session, "s001"))
        without = _time_pages(world, session, options.seconds * 0.8)
        note(f"pages without viewers: {_words(without)}")
        _until_ended()
        operation_id = _begin(world, session, "s002")
        plan = Plan(
            world.portal, operation_id, "; ".join(f"{each.name}={each.value}" for each in session.cookies),
            options.viewers, options.seconds, options.drops,
        )  # fmt: skip
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            watching = pool.apply_async(watch, (plan,))
            _until_it_prints(operation_id)
            with_viewers = _time_pages(world, session, options.seconds * 0.8)
            seen = watching.get(options.seconds * 5 + 120)
        from opsportal.operations.models import Operation

        lines = Operation.objects.get(id=operation_id).output_count
    _tell(options.viewers, lines, seen, without, with_viewers)


def _tell(
    viewers: int,
    lines: int,
    seen: dict[str, Any],
    without: dict[str, list[float]],
    during: dict[str, list[float]],
) -> None:
    delays = spread(seen["delays"])
    whole = sum(ok and count == lines for ok, count in zip(seen["whole"], seen["counts"], strict=True))
    before, after = (
        percentile([ms for each in pages.values() for ms in each], 0.5) for pages in (without, during)
    )
    tell(
        "stream",
        delays["p95"] < TARGET_S and whole == viewers,
        f"{viewers} viewers: from the platform to the viewer p50 {delays['p50']} s, p95 {delays['p95']} s; "
        f"{whole} of {viewers} saw all {lines} lines once, over {seen['connections']} connections",
        target_s=TARGET_S,
        ratio=round(delays["p95"] / TARGET_S, 2),
        delay_s=delays,
        whole=whole,
        lines=lines,
        connections=seen["connections"],
        turned_away=seen["turned_away"],
    )
    tell(
        "pages beside the streams",
        after <= before * SLOWER,
        f"p50 {before:.0f} ms without viewers, {after:.0f} ms with {viewers}",
        ratio=round(after / before, 2),
        without_ms={page: spread(taken, 0) for page, taken in without.items()},
        with_ms={page: spread(taken, 0) for page, taken in during.items()},
    )


def _begin(world: World, session: requests.Session, name: str) -> str:
    return click_deploy(session, world.portal, name, "main", migrate="on")


def _until_it_prints(operation_id: str) -> None:
    from opsportal.operations.models import Output

    until = time.monotonic() + 120
    while not Output.objects.filter(operation_id=operation_id, text__startswith="line ").exists():
        if time.monotonic() > until:
            raise RuntimeError("the task printed nothing")
        time.sleep(0.2)


def _until_ended() -> None:
    from opsportal.operations.models import UNDER_WAY, Operation

    while Operation.objects.filter(state__in=UNDER_WAY).exists():
        time.sleep(0.5)


def _time_pages(world: World, session: requests.Session, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of each page, asked for in turn with pauses, as people do."""
    taken: dict[str, list[float]] = {page: [] for page in PAGES}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for page in PAGES:
            before = time.perf_counter()
            session.get(world.portal + page, timeout=30).raise_for_status()
            taken[page].append((time.perf_counter() - before) * 1000)
            time.sleep(0.1)
    return taken


def _words(pages: dict[str, list[float]]) -> str:
    return ", ".join(f"{page} {percentile(taken, 0.5):.0f} ms" for page, taken in pages.items())


if __name__ == "__main__":
    main()
