"""What people write to each other, in Markdown, as HTML that is safe to show.

HTML in it is shown, not obeyed; pictures are not fetched from anywhere; whatever is not on the sanitizer's list goes.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False, "breaks": True})
    .enable("strikethrough")
    .disable(["image", "lheading"])
)
_TAGS = {
    *("p", "ul", "ol", "li", "blockquote", "hr", "br", "strong", "em", "s", "a", "code", "pre", "h4"),
}
_ATTRIBUTES = {"*": set[str](), "a": {"href", "class"}, "ol": {"start"}}
_ADDRESS = re.compile(r"""https?://[^\s<>"]*[^\s<>".,;:!?)\]}']""")

#: Where a word of running text leads, such as a ticket's key; empty for nowhere.
Leads = Callable[[str], str]


def safe_html(
    source: str, words: re.Pattern[str] | None = None, leads: Leads = lambda word: ""
) -> SafeString:
    """Markdown as safe HTML. Addresses become links; so does what ``words`` matches and ``leads`` knows a place for."""
    tokens = _MARKDOWN.parse(source)
    linked = partial(_linked, words=words, leads=leads)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "h4"  # it stands inside a page that has headings of its own
        _link_words(token.children or [], linked)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(safe)  # noqa: S308  the sanitizer has just seen it


def _link_words(children: list[Token], linked: Callable[[str], str]) -> None:
    inside = False
    for token in children:
        if token.type in {"link_open", "link_close"}:
            inside = token.type == "link_open"
        elif token.type == "text" and not inside:
            token.content, token.type = linked(token.content), "html_inline"
        if token.type == "link_open":
            token.attrSet("class", "usa-link")


def _linked(text: str, words: re.Pattern[str] | None, leads: Leads) -> str:
    pieces = _split(text, _ADDRESS, lambda address: address)
    if words is not None:
        pieces = (
            each for text, href in pieces for each in ([(text, href)] if href else _split(text, words, leads))
        )
    return "".join(
        f'<a class="usa-link" href="{escape(href)}">{escape(shown)}</a>' if href else escape(shown)
        for shown, href in pieces
    )


def _split(text: str, pattern: re.Pattern[str], leads: Leads) -> Iterator[tuple[str, str]]:
    """The text in pieces: (words, where they lead or nothing)."""
    end = 0
    for found in pattern.finditer(text):
        yield text[end : found.start()], ""
        yield found.group(), leads(found.group())
        end = found.end()
    yield text[end:], ""
