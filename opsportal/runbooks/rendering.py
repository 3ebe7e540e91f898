"""A runbook's Markdown as HTML that is safe to show, with names and buttons filled in.

The order is what makes it safe: the file is parsed first, then names are filled into the parsed pieces and escaped
there, then a sanitizer takes away whatever is not on its list. HTML in a file is shown, not obeyed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import unquote

import nh3
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from opsportal.runbooks import filling
from opsportal.runbooks.filling import Sort

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_TAGS = {
    *("p", "ul", "ol", "li", "blockquote", "hr", "br", "strong", "em", "s", "a", "code", "pre", "var"),
    *("h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "div", "span", "button"),
}
_ATTRIBUTES = {
    **{f"h{level}": {"id"} for level in range(2, 7)},
    "a": {"href", "class"},
    "ol": {"start"},
    "th": {"scope"},
    "td": {"data-label"},
    "table": {"class"},
    "div": {"class"},
    "span": {"class"},
    "pre": {"tabindex", "aria-label"},
    "button": {"type", "class", "data-copy", "hidden"},
}


@dataclass(frozen=True)
class Button:
    """What ``[button: kind]`` or ``[page: name]`` becomes: a link, or words with the reason why not."""

    label: str
    url: str = ""
    why_not: str = ""
    danger: bool = False


@dataclass(frozen=True)
class Filling:
    """What is filled in. ``names``: placeholder → value. ``button``, ``page``: name → what stands there, None for a
    name that nobody knows. ``link``: a file's link → where it leads in the portal, empty for nowhere.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    button: Callable[[str], Button | None] = lambda kind: None
    page: Callable[[str], Button | None] = lambda name: None
    link: Callable[[str], str] = lambda href: href


@dataclass(frozen=True)
class Rendered:
    """A runbook to show: its title, its HTML without the title, its headings as (anchor, words)."""

    title: str
    html: SafeString
    contents: tuple[tuple[str, str], ...]


def render(source: str, given: Filling) -> Rendered:
    """Markdown as HTML, filled in from ``given``. The first heading is the title and not in the HTML."""
    tokens = _MARKDOWN.parse(source)
    contents = list(_anchored(tokens, given.names))
    title = ""
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        title = contents.pop(0)[2]
        del tokens[:3]
    _label_cells(tokens)
    for token in tokens:
        _fill(token, given)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    safe = nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel="noopener"
    )
    second = tuple((anchor, words) for level, anchor, words in contents if level == 2)
    return Rendered(title, mark_safe(safe), second)  # noqa: S308  the sanitizer has just seen it


def anchor_of(heading: str, taken: set[str]) -> str:
    """The anchor of a heading as code hosts make it, so that a link works there and here."""
    words = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
    found, count = words, 0
    while found in taken:
        count += 1
        found = f"{words}-{count}"
    taken.add(found)
    return found


def anchors(source: str) -> set[str]:
    """Every anchor of a file, for links to it."""
    return {anchor for _, anchor, _ in _anchored(_MARKDOWN.parse(source), {})}


def links(source: str) -> list[str]:
    """Where a file's links lead, as written."""
    return [
        unquote(str(child.attrs["href"]))
        for token in _MARKDOWN.parse(source)
        for child in token.children or ()
        if child.type == "link_open"
    ]


def first_paragraph(source: str) -> str:
    """The words of a file's first paragraph, without marks; empty when there is none."""
    tokens = _MARKDOWN.parse(source)
    inside = [token for before, token in pairwise(tokens) if before.type == "paragraph_open"]
    return _plain(inside[0], {}) if inside else ""


def _anchored(tokens: list[Token], names: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    """Give each heading its anchor; yield (level, anchor, words). The anchor is made of the words as written."""
    taken: set[str] = set()
    for token, inside in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(_plain(inside, {}), taken))
            yield int(token.tag[1:]), str(token.attrs["id"]), _plain(inside, names)


def _plain(inline: Token, names: Mapping[str, str]) -> str:
    shown = {"text", "code_inline", "softbreak"}
    pieces = (
        each.content if each.type != "softbreak" else " "
        for each in inline.children or ()
        if each.type in shown
    )
    return filling.fill("".join(pieces), names)


def _label_cells(tokens: list[Token]) -> None:
    """Name each cell after its column: on a phone a table becomes cards."""
    heads: list[str] = []
    column = 0
    for token, inside in pairwise(tokens):
        if token.type == "table_open":
            token.attrSet("class", "table")
            heads = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            token.attrs = {"scope": "col"}
            heads.append(_plain(inside, {}))
        elif token.type == "td_open":
            token.attrs = {"data-label": heads[column]} if heads[column : column + 1] else {}
            inside.children = [_raw('<span class="cell">'), *(inside.children or ()), _raw("</span>")]
            column += 1


def _raw(html: str) -> Token:
    return Token("html_inline", "", 0, content=html)


def _fill(token: Token, given: Filling) -> None:
    if token.type in {"fence", "code_block"}:
        text = filling.fill_commands(token.content, given.names).rstrip("\n")
        token.content = render_to_string("components/copy_block.html", {"text": text})
        token.type, token.info = "html_block", ""
    elif token.type == "inline":
        for child in token.children or ():
            _fill_inline(child, given)


def _fill_inline(token: Token, given: Filling) -> None:
    if token.type == "text":
        token.content = "".join(_html(each, given) for each in filling.parts(token.content, given.names))
        token.type = "html_inline"
    elif token.type == "code_inline":
        shown = "".join(_in_code(each) for each in filling.parts(token.content, given.names))
        token.content, token.type = f"<code>{shown}</code>", "html_inline"
    elif token.type == "link_open":
        href = filling.fill(unquote(str(token.attrs["href"])), given.names)
        leads = given.link(href)
        token.attrs = {"href": leads, "class": "usa-link"} if leads else {}


def _html(part: filling.Part, given: Filling) -> str:
    """A part of running text; what nobody knows is shown as written."""
    if part.sort in {Sort.BUTTON, Sort.PAGE}:
        made = given.button(part.text) if part.sort == Sort.BUTTON else given.page(part.text)
        return str(_button(made)) if made else escape(f"[{part.sort}: {part.text}]")
    return f"<var>{escape(part.text)}</var>" if part.sort == Sort.BLANK else escape(part.text)


def _in_code(part: filling.Part) -> str:
    if part.sort in {Sort.BUTTON, Sort.PAGE}:
        return escape(f"[{part.sort}: {part.text}]")
    return f"<var>{escape(part.text)}</var>" if part.sort == Sort.BLANK else escape(part.text)


def _button(made: Button) -> str:
    return render_to_string("runbooks/button.html", {"button": made}).strip()
