"""The part of a style sheet that pages use: rules for classes that nothing of ours names are left out.

A rule stays when every class of a selector is in use; rules without a class (elements, properties) always stay.
What is in use is read from the sources that name classes: templates, the Python that renders, scripts. A class whose
name is put together (``usa-alert--{{ kind }}``, ``"usa-alert--" + kind``) keeps all that begin so.

Needs only Python 3.11. Pure but for :func:`names_in`.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

NAME = re.compile(r"\busa-[A-Za-z0-9_-]*")
CLASS = re.compile(r"\.(-?[A-Za-z_](?:[\w-]|\\.)*)")
NEGATED = re.compile(r":(?:not|is|where|has)\([^()]*(?:\([^()]*\)[^()]*)*\)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FONT_FAMILY = re.compile(r"font-family:\s*[\"']?([^\"';,}]+)")
NESTING = ("@media", "@supports", "@layer", "@container")


def names_in(sources: Iterable[Path]) -> set[str]:
    """Every name of the design system in those files; one that ends in a hyphen stands for all that begin so."""
    return {name for path in sources for name in NAME.findall(path.read_text(encoding="utf-8"))}


def in_use(css: str, names: set[str], more: str = "") -> str:
    """The style sheet without what nothing names. ``more``: other style sheets that may name fonts and animations."""
    prefixes = tuple(name for name in names if name.endswith("-"))
    kept = list(_kept(_statements(COMMENT.sub("", css)), names, prefixes))
    text = more + "".join(
        head + body for head, body in kept if not head.startswith(("@font-face", "@keyframes"))
    )
    return "".join(
        f"{head}{{{body}}}" if body else f"{head};" for head, body in kept if _is_named(head, body, text)
    )


def _statements(css: str) -> Iterator[tuple[str, str]]:
    """Prelude and body of each rule, top level only; a statement without a block has an empty body."""
    start = at = 0
    while at < len(css):
        if css[at] in "\"'":
            at = _after_string(css, at)
        elif css[at] == ";":
            yield css[start:at].strip(), ""
            start = at = at + 1
        elif css[at] == "{":
            end = _closing(css, at)
            yield css[start:at].strip(), css[at + 1 : end].strip()
            start = at = end + 1
        else:
            at += 1


def _after_string(css: str, at: int) -> int:
    quote, at = css[at], at + 1
    while at < len(css) and css[at] != quote:
        at += 2 if css[at] == "\\" else 1
    return at + 1


def _closing(css: str, at: int) -> int:
    """Where the block that opens at ``at`` closes."""
    depth = 0
    while at < len(css):
        if css[at] in "\"'":
            at = _after_string(css, at)
            continue
        depth += (css[at] == "{") - (css[at] == "}")
        if not depth:
            return at
        at += 1
    raise ValueError("a block of the style sheet is never closed")


def _kept(
    statements: Iterable[tuple[str, str]], names: set[str], prefixes: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    for head, body in statements:
        if head.startswith(NESTING) and body:
            inner = "".join(f"{each}{{{rest}}}" for each, rest in _kept(_statements(body), names, prefixes))
            if inner:
                yield head, inner
        elif head.startswith("@"):
            if not head.startswith("@charset"):
                yield head, body
        elif selectors := [each for each in _selectors(head) if _is_used(each, names, prefixes)]:
            yield ",".join(selectors), body


def _selectors(head: str) -> list[str]:
    """The selectors of a rule, parted at the commas that stand in no brackets."""
    parts, depth = [""], 0
    for character in head:
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _is_used(selector: str, names: set[str], prefixes: tuple[str, ...]) -> bool:
    classes = (each.replace("\\", "") for each in CLASS.findall(NEGATED.sub("", selector)))
    return all(each in names or each.startswith(prefixes) for each in classes)


def _is_named(head: str, body: str, text: str) -> bool:
    """Whether a font or an animation is named by what is kept; other rules always are."""
    if head.startswith("@font-face"):
        family = FONT_FAMILY.search(body)
        return family is None or family[1].strip() in text
    return not head.startswith("@keyframes") or head.split()[1] in text
