"""YAML as the ``cf`` command reads and writes it, with limits and line numbers.

The command reads a manifest with a YAML 1.1 reader of its own habits (``y`` and ``on`` are true, ``010`` is 8,
dates stay text) and writes it again before the platform sees it; what a person wrote must mean the same here.
Pure: text in, values out.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from opsportal.kit.text import safe_text

MOST_BYTES = 1024 * 1024
_MOST_DEPTH = 40
_MOST_NODES = 20_000

# Where a value stands: keys and positions from the top.
Place = tuple[str | int, ...]

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")


class ManifestError(Exception):
    """The manifest cannot be used. ``problem`` says what and where, ``remedy`` what to do, ``line`` if known."""

    def __init__(self, problem: str, remedy: str = "", line: int | None = None) -> None:
        super().__init__(problem)
        safe = safe_text(problem, 600)
        self.problem = safe if line is None else f"Line {line}: {safe}"
        self.remedy = safe_text(remedy, 600) or "Correct the manifest, push, and try again."
        self.line = line

    def __str__(self) -> str:
        return self.problem


@dataclass(frozen=True)
class Document:
    """A read document: its plain value, and on which line each part of it was written."""

    value: Any
    lines: Mapping[Place, int]
    #: Plain words that are taken as a number which is written differently: place -> what the person wrote.
    rewritten: Mapping[Place, str]


@dataclass
class _Node:
    line: int
    tag: str | None
    text: str = ""
    plain: bool = False
    items: "list[_Node] | None" = None
    pairs: "list[tuple[_Node, _Node]] | None" = None


def read_yaml(text: bytes | str) -> Document:
    """Read one YAML document. Raises :class:`ManifestError` for all that is not one, or is a trap.

    Refused: more than 1 MB, more than 40 levels, aliases that multiply, a key given twice, several documents,
    tags that stand for anything but plain values, bytes that are not text.
    """
    source = _decoded(text)
    try:
        node = _Composer(yaml.parse(source, Loader=_LOADER)).compose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        said = getattr(error, "problem", None) or "it has characters that no text has"
        raise ManifestError(f"it is not YAML: {said}.", line=line) from error
    except RecursionError as error:
        raise _too_deep(None) from error
    if node is None:
        return Document(None, {}, {})
    reader = _Reader()
    value = reader.value(node, ())
    return Document(value, reader.lines, reader.rewritten)


def write_yaml(value: Any) -> str:
    """Write plain values so that every reader takes them for what they are; no anchors, no folding."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000, default_flow_style=False
    )
    return text


def resolve_plain(text: str) -> str | int | float | bool | None:
    """What an unquoted word means to the ``cf`` command."""
    if text in _WORDS:
        return _WORDS[text]
    if not text or text[0] not in "+-.0123456789":
        return text
    digits = text.replace("_", "") if text[0] != "." else text
    number = _integer(digits)
    if number is not None:
        return number
    return float(digits) if _FLOAT.match(digits) else text


def _integer(text: str) -> int | None:
    """A whole number in any of its notations, if it fits 64 bits."""
    matched = _INTEGER.match(text)
    if matched is None or len(text) > 70:
        return None
    sign, hexadecimal, binary, octal, decimal = matched.groups()
    bases = ((hexadecimal, 16), (binary, 2), (octal, 8), (decimal, 10))
    number = next(int(part, base) for part, base in bases if part is not None)
    number = -number if sign == "-" else number
    return number if -(2**63) <= number < 2**64 else None


def written(value: object) -> str:
    """A scalar as the ``cf`` command writes it, and so as the platform gets it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return _float_text(value)
        case _:
            return str(value)


def _decoded(text: bytes | str) -> str:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MOST_BYTES:
        raise ManifestError(f"it is larger than the 1 MB the platform takes ({len(raw):,} bytes).")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ManifestError("it is not a text file in UTF-8.", line=line) from error


def _float_text(value: float) -> str:
    """The shortest digits, with an exponent from a million on: how the command prints such numbers."""
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    number = Decimal(repr(value)).normalize()
    sign, digits, _exponent = number.as_tuple()
    power = number.adjusted()
    if value and not -4 <= power < 6:
        first, rest = digits[0], "".join(map(str, digits[1:]))
        mantissa = f"{first}.{rest}" if rest else str(first)
        return f"{'-' * sign}{mantissa}e{power:+03d}"
    return f"{number:f}"


def _too_deep(line: int | None) -> ManifestError:
    return ManifestError("it is nested too deeply.", "A manifest needs only a few levels.", line)


def _too_much(line: int) -> ManifestError:
    return ManifestError(
        "its anchors and aliases, or its sheer size, make it far larger than a manifest can be.",
        "Write out what is needed, without aliases of aliases.",
        line,
    )


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


class _Composer:
    """Builds a tree from the reader's events, never deeper or larger than allowed."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, _Node] = {}
        self._nodes = 0

    def compose(self) -> _Node | None:
        """The only document, or None for an empty text."""
        document: _Node | None = None
        count = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                count += 1
                if count > 1:
                    raise ManifestError("it holds several documents.", "Keep one.", _line(event))
                document = self._node(next(self._events), 0)
        return document

    def _node(self, event: Any, depth: int) -> _Node:
        line = _line(event)
        if depth > _MOST_DEPTH:
            raise _too_deep(line)
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _too_much(line)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise ManifestError(f"there is no anchor “{event.anchor}” before this.", line=line)
            return self._anchors[event.anchor]
        node = self._content(event, depth, line)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _content(self, event: Any, depth: int, line: int) -> _Node:
        if isinstance(event, yaml.ScalarEvent):
            plain = bool(event.implicit[0]) and not event.style
            return _Node(line, event.tag, text=event.value, plain=plain)
        if isinstance(event, yaml.SequenceStartEvent):
            items = [self._node(each, depth + 1) for each in self._until(yaml.SequenceEndEvent)]
            return _Node(line, event.tag, items=items)
        pairs = [
            (self._node(key, depth + 1), self._node(next(self._events), depth + 1))
            for key in self._until(yaml.MappingEndEvent)
        ]
        return _Node(line, event.tag, pairs=pairs)

    def _until(self, end: type[Any]) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event


class _Reader:
    """Turns the tree into plain values; what an alias repeats is counted each time."""

    def __init__(self) -> None:
        self.lines: dict[Place, int] = {}
        self.rewritten: dict[Place, str] = {}
        self._nodes = 0
        self._characters = 0

    def value(self, node: _Node, place: Place) -> Any:
        """The plain value of a node that stands at ``place``."""
        self._nodes += 1
        self._characters += len(node.text)
        if self._nodes > _MOST_NODES or self._characters > MOST_BYTES:
            raise _too_much(node.line)
        self.lines[place] = node.line
        if node.items is not None:
            _refuse_tag(node, "seq")
            return [self.value(item, (*place, number)) for number, item in enumerate(node.items)]
        if node.pairs is not None:
            _refuse_tag(node, "map")
            return self._mapping(node, node.pairs, place)
        return self._scalar(node, place)

    def _scalar(self, node: _Node, place: Place) -> str | int | float | bool | None:
        kind = (node.tag or "").removeprefix(_TAG)
        if kind in {"str", "!"} or (not kind and not node.plain):
            return node.text
        if kind not in {"", "int", "float", "bool", "null"}:
            raise _unknown_tag(node)
        value = resolve_plain(node.text)
        if isinstance(value, int | float) and not isinstance(value, bool) and written(value) != node.text:
            self.rewritten[place] = node.text
        return value

    def _mapping(self, node: _Node, pairs: list[tuple[_Node, _Node]], place: Place) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in pairs:
            if key_node.plain and key_node.text == "<<":
                merged = {**self._merged(value_node, place), **merged}
                continue
            key = self._key(key_node)
            if key in own:
                raise ManifestError(f"“{key}” is given twice.", "Keep one of them.", key_node.line)
            own[key] = self.value(value_node, (*place, key))
        return {**merged, **own}

    def _merged(self, node: _Node, place: Place) -> dict[str, Any]:
        sources = node.items if node.items is not None else [node]
        merged: dict[str, Any] = {}
        for source in sources:
            value = self.value(source, place)
            if not isinstance(value, dict):
                raise ManifestError("only a mapping can be merged with “<<”.", line=node.line)
            merged = {**value, **merged}
        return merged

    def _key(self, node: _Node) -> str:
        if node.items is not None or node.pairs is not None:
            raise ManifestError("a key must be a word, not a list or mapping.", line=node.line)
        return written(self._scalar(node, ()))


def _refuse_tag(node: _Node, kind: str) -> None:
    if node.tag not in {None, "!", _TAG + kind}:
        raise _unknown_tag(node)


def _unknown_tag(node: _Node) -> ManifestError:
    return ManifestError(f"values of the kind “{node.tag}” have no place in a manifest.", line=node.line)


class _Dumper(yaml.SafeDumper):
    """Writes every value out in full, and quotes each text that any reader could take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never write an anchor: the platform refuses them."""
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if resolve_plain(text) == text and text.isprintable() else '"'
    return dumper.represent_scalar(_TAG + "str", text, style=style)


def _represent_float(dumper: _Dumper, number: float) -> yaml.ScalarNode:
    text = written(number)
    # Whatever the text is taken for, it goes out bare, as the command's own does.
    tag = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return dumper.represent_scalar(tag, text)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(float, _represent_float)
