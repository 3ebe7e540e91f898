"""The files of docs/runbooks: nothing in them that the portal or a code host cannot follow."""

from pathlib import Path

import pytest

from opsportal.operations import registry
from opsportal.runbooks import filling, queries, rendering

ROOT = Path(__file__).resolve().parents[2]
SHELF = ROOT / "docs" / "runbooks"
FILES = sorted(SHELF.glob("*.md"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_runbook_asks_only_for_what_the_portal_can_fill_in(path: Path) -> None:
    source = path.read_text()
    assert filling.placeholders(source) <= filling.PLACEHOLDERS.keys()
    assert filling.buttons(source) <= {kind.name for kind in registry.kinds()}
    assert filling.pages(source) <= queries.PAGES.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_link_of_a_runbook_leads_somewhere(path: Path) -> None:
    for href in rendering.links(path.read_text()):
        if href.startswith(("https://", "http://", "{route}")):
            continue
        name, _, anchor = href.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.is_file(), href
        assert not anchor or anchor in rendering.anchors(target.read_text()), href


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_runbook_has_a_title_and_says_first_when_it_is_needed(path: Path) -> None:
    rendered = rendering.render(path.read_text(), rendering.Filling())
    assert rendered.title
    assert rendering.first_paragraph(path.read_text())


def test_the_index_names_every_runbook_once() -> None:
    linked = [href for href in rendering.links((SHELF / "README.md").read_text()) if "/" not in href]
    assert sorted(linked) == [path.name for path in FILES if path.stem != "README"]


def test_every_placeholder_is_explained_to_those_who_write() -> None:
    text = (ROOT / "docs/how-to/new-runbook.md").read_text()
    assert [name for name in filling.PLACEHOLDERS if f"`{{{name}}}`" not in text] == []
    assert [name for name in queries.PAGES if f"`[page: {name}]`" not in text] == []
