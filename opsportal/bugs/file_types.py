"""What a file is, by its content and not by its name: pictures and plain text, nothing else. Pure, headers only."""

import re
import struct
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

#: Longest side, and most pixels, of a picture: more would be a bomb for whoever opens it.
LONGEST_SIDE: Final = 16_384
MOST_PIXELS: Final = 64_000_000

_PICTURES: Final = {
    "image/png": ("a PNG", ".png", (".png",)),
    "image/jpeg": ("a JPEG", ".jpg", (".jpg", ".jpeg")),
    "image/gif": ("a GIF", ".gif", (".gif",)),
    "image/webp": ("a WebP", ".webp", (".webp",)),
}
_TEXT: Final = (".txt", ".log", ".csv", ".md", ".json", ".yaml", ".yml")
_MARKUP: Final = re.compile(rb"\s*<(?:[!?a-zA-Z])")
_NAME: Final = re.compile(r"[^\w. ()+@=-]+")
# Start of frame: where a JPEG tells its size. Not C4, C8 and CC, which are tables.
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


class BadFile(ValueError):
    """A file that is not kept, with words for people."""


@dataclass(frozen=True)
class Sort:
    """What a file is: its type, and the name that it is given out under."""

    content_type: str
    name: str


def sort_of(name: str, content: bytes) -> Sort:
    """The file's type by its content, and a name that fits it. Raises BadFile."""
    if not content:
        raise BadFile("The file is empty.")
    kind = _picture(content)
    if kind is None:
        return _text(name, content)
    width, height = _size(kind, content)
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise BadFile(f"The picture is {width:,} × {height:,} pixels, which is too large to open safely.")
    _, ending, endings = _PICTURES[kind]
    return Sort(kind, _named(name, ending, endings))


def _picture(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if content.startswith(b"RIFF") and content[8:12] == b"WEBP" else None


def _text(name: str, content: bytes) -> Sort:
    """UTF-8 without control characters, and nothing that a browser could take for a page."""
    refusal = BadFile("Only pictures (PNG, JPEG, GIF, WebP) and plain text can be attached; this is neither.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refusal from None
    if any(character < " " and character not in "\n\r\t\x1b\f" for character in text) or "\x7f" in text:
        raise refusal
    if _MARKUP.match(content.removeprefix(b"\xef\xbb\xbf")):
        raise BadFile("It looks like a page or a drawing in markup (HTML, SVG, XML), which is not kept.")
    for words, _, endings in _PICTURES.values():
        if name.lower().endswith(endings):
            raise BadFile(f"It is called {words}, but what is in it is none.")
    return Sort("text/plain", _named(name, ".txt", _TEXT))


def _named(name: str, ending: str, endings: tuple[str, ...]) -> str:
    """The last part of a path, of plain characters, with an ending that says what it is."""
    plain = _NAME.sub("_", PurePosixPath(name.replace("\\", "/")).name).strip(" .")
    stem, found = PurePosixPath(plain).stem, PurePosixPath(plain).suffix.lower()
    return f"{(stem or 'file')[:120]}{found if found in endings else ending}"


def _size(kind: str, content: bytes) -> tuple[int, int]:
    """Width and height as the header tells them, without opening the picture. Raises BadFile."""
    try:
        width, height = _SIZES[kind](content)
    except (struct.error, IndexError):
        width = height = 0
    if not width or not height:
        raise BadFile("The picture is broken: it does not tell its size.")
    return width, height


def _png(content: bytes) -> tuple[int, int]:
    if content[12:16] != b"IHDR":
        raise IndexError
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _gif(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", content, 6)
    return width, height


def _jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    while True:
        while content[at] == 0xFF and content[at + 1] == 0xFF:
            at += 1
        if content[at] != 0xFF:
            raise IndexError
        marker = content[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        if marker in {0xD9, 0xDA}:
            raise IndexError
        (length,) = struct.unpack_from(">H", content, at + 2)
        at += 2 + max(2, length)


def _webp(content: bytes) -> tuple[int, int]:
    form = content[12:16]
    if form == b"VP8X":
        return (
            1 + int.from_bytes(content[24:27], "little"),
            1 + int.from_bytes(content[27:30], "little"),
        )
    if form == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if form != b"VP8 " or content[23:26] != b"\x9d\x01\x2a":
        raise IndexError
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF


_SIZES: Final = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp}
