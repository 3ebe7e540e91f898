"""Chromium for the page tests: the widths and themes every page is looked at in, and axe.

Screenshots go to ``test-results/`` (git-ignored), so that a person can look at what the tests saw.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

#: ``bin/test`` finds one and says where.
CHROMIUM = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).resolve().parents[2] / "test-results"
SERIOUS = {"serious", "critical"}


@dataclass(frozen=True)
class Look:
    """One way of looking at a page."""

    width: int
    theme: str

    def __str__(self) -> str:
        return f"{self.width}-{self.theme}"


LOOKS = [Look(width, theme) for width in (1280, 390) for theme in ("light", "dark")]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser, ended with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(
    browser: Browser, look: Look = LOOKS[0], cookies: list[dict[str, Any]] | None = None, **options: Any
) -> Iterator[Page]:
    """A page in a context of its own. What the page's scripts complain about fails the test at the end."""
    viewport = {"width": look.width, "height": 844 if look.width < 640 else 900}
    context = browser.new_context(viewport=viewport, color_scheme=look.theme, **options)  # type: ignore[arg-type]
    if cookies:
        context.add_cookies(cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    try:
        yield page
    finally:
        context.close()
    unexpected = [each for each in complaints if "the server responded with a status of" not in each]
    assert unexpected == [], "\n".join(unexpected)


def look_at(page: Page, look: Look) -> None:
    """Look at the open page in another way, without loading it again."""
    page.set_viewport_size({"width": look.width, "height": 844 if look.width < 640 else 900})
    page.emulate_media(color_scheme=look.theme)  # type: ignore[arg-type]


def shoot(page: Page, name: str, look: Look) -> None:
    """Keep a picture of the whole page."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{look}.png", full_page=True, caret="initial")


def serious_findings(page: Page, *rules: str) -> list[str]:
    """What axe finds that keeps people out, one line each; empty is good. ``rules``: these alone, else all."""
    options: dict[str, Any] = {"preload": False, "resultTypes": ["violations"]}
    found = (
        Axe().run(page, options=options | ({"runOnly": list(rules)} if rules else {})).response["violations"]
    )
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def check_every_look(page: Page, name: str) -> None:
    """The open page in each width and theme: a picture is kept, axe finds nothing serious, nothing scrolls sideways.

    A theme changes colours alone, so all of axe's rules are asked once for each width.
    """
    for look in LOOKS:
        look_at(page, look)
        shoot(page, name, look)
        rules = ("color-contrast",) if look.theme == "dark" else ()
        assert serious_findings(page, *rules) == [], look
        assert not scrolls_sideways(page), look
