"""An operation with 100,000 lines in Chromium: first paint under 0.5 s, fewer than 2,000 DOM nodes.

Then to the end, to a line in the middle by its link, and a search; each until its line is in sight.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench import rows
from bench.figures import note, percentile, spread, tell
from bench.world import World
from tests.support.browser import CHROMIUM, FLAGS

TARGET_S, TARGET_NODES = 0.5, 2000
NODES = "document.querySelectorAll('*').length"
ALL_NODES = """(() => { let n = 0; const walk = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
    while (walk.nextNode()) n += 1; return n; })()"""
FIRST_BYTE = "performance.getEntriesByType('navigation')[0].responseStart"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--loads", type=int, default=9)
    options = parser.parse_args()
    with World() as world:
        world.use_database()
        small = f"{world.portal}/operations/{rows.much_output(100)}/"
        operation_id = rows.much_output(options.lines)
        note(f"operation {operation_id} has its lines")
        session = world.sign_in("ana")
        cookies = [{"name": each.name, "value": each.value, "url": world.portal} for each in session.cookies]
        address = f"{world.portal}/operations/{operation_id}/"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            try:
                little = [_look(browser, cookies, small, 100)["paint_s"] for _ in range(options.loads + 1)][
                    1:
                ]
                seen = [_look(browser, cookies, address, options.lines) for _ in range(options.loads + 1)][1:]
            finally:
                browser.close()
    paint = spread([each["paint_s"] for each in seen])
    nodes = max(each["nodes"] for each in seen)
    tell(
        "output",
        paint["p95"] < TARGET_S and nodes < TARGET_NODES,
        f"{options.lines} lines: first paint p50 {paint['p50']} s, p95 {paint['p95']} s, at most {nodes} DOM nodes",
        target={"first_paint_s": TARGET_S, "nodes": TARGET_NODES},
        ratio=round(paint["p95"] / TARGET_S, 2),
        ratio_to_100_lines=round(paint["p50"] / percentile(little, 0.5), 2),
        first_paint_with_100_lines_s=spread(little),
        first_byte_s=spread([each["first_byte_s"] for each in seen]),
        first_paint_s=paint,
        nodes=nodes,
        elements=max(each["elements"] for each in seen),
        to_the_end_s=spread([each["end_s"] for each in seen]),
        to_a_line_s=spread([each["line_s"] for each in seen]),
        search_s=spread([each["search_s"] for each in seen]),
    )


def _look(browser: Browser, cookies: list[Any], address: str, lines: int) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies(cookies)
    page = context.new_page()
    try:
        page.goto(address, wait_until="load")
        page.wait_for_function(f"{PAINT} !== undefined")
        found: dict[str, float] = {"paint_s": page.evaluate(PAINT) / 1000}
        found["first_byte_s"] = page.evaluate(FIRST_BYTE) / 1000
        page.wait_for_timeout(300)
        most, elements = [page.evaluate(ALL_NODES)], [page.evaluate(NODES)]

        def timed(what: str, do: str, line: int) -> None:
            before = time.perf_counter()
            page.evaluate(do)
            page.wait_for_selector(f"[data-n='{line}']", timeout=10_000)
            found[what] = time.perf_counter() - before
            most.append(page.evaluate(ALL_NODES))
            elements.append(page.evaluate(NODES))

        top = "document.querySelector('[data-output-view]').scrollTop = 0"
        timed("start_s", top, 1)
        end = "(() => { const v = document.querySelector('[data-output-view]'); v.scrollTop = v.scrollHeight; })()"
        timed("end_s", end, lines)
        middle = lines // 2
        timed("line_s", f"location.hash = '#L{middle}'", middle)
        wanted = lines * 3 // 4
        search = (
            "(() => { const f = document.querySelector('form[data-output-search]'); "
            f"f.elements.search.value = '{wanted} '; f.requestSubmit(); }})()"
        )
        timed("search_s", search, wanted)
        return found | {"nodes": max(most), "elements": max(elements)}
    finally:
        context.close()


if __name__ == "__main__":
    main()
