#!/usr/bin/env python3
"""Compiles the design system: registrar/styles/ into registrar/assets/. Needs Python's own library only.

`@use "name";` takes in `_name.css` once; `$name: value;` names a value; `// ...` is a comment.
Ends with 1 and says where when a part or a value is missing.
"""

import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent / "registrar"
STYLES, ASSETS = HERE / "styles", HERE / "assets"

USE = re.compile(r'^@use "([\w-]+)";$')
DEFINITION = re.compile(r"^\$([\w-]+):\s*(.+);$")
VALUE = re.compile(r"\$([\w-]+)")


class BuildError(Exception):
    """Something is wrong with a style sheet; the text says where."""


def say(text: str) -> None:
    """One line of progress, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def compile_sheet(path: Path, values: dict[str, str], used: set[Path]) -> list[str]:
    """The lines of one sheet with its parts taken in and its values filled in."""
    lines: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        where = f"{path.relative_to(HERE)}:{number}"
        if not text or text.startswith("//"):
            continue
        if match := USE.match(text):
            lines += _part(path.with_name(f"_{match[1]}.css"), where, values, used)
        elif match := DEFINITION.match(text):
            values[match[1]] = match[2]
        else:
            lines.append(VALUE.sub(lambda found, at=where: _value(found[1], at, values), text))
    return lines


def _part(path: Path, where: str, values: dict[str, str], used: set[Path]) -> list[str]:
    if path in used:
        return []
    if not path.is_file():
        raise BuildError(f"{where}: there is no {path.relative_to(HERE)}")
    used.add(path)
    say(f"  {path.relative_to(HERE)}")
    return compile_sheet(path, values, used)


def _value(name: str, where: str, values: dict[str, str]) -> str:
    if name not in values:
        raise BuildError(f"{where}: ${name} has no value")
    return values[name]


def minified(css: str) -> str:
    """The same rules without the space that people need."""
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", css)).replace(";}", "}")


def main() -> int:
    """Builds everything anew, and only then replaces what was there."""
    say("Compiling the design system")
    try:
        css = minified("\n".join(compile_sheet(STYLES / "styles.css", {}, set())))
    except BuildError as error:
        say(f"error: {error}")
        return 1
    shutil.rmtree(ASSETS, ignore_errors=True)
    (ASSETS / "css").mkdir(parents=True)
    (ASSETS / "css" / "styles.css").write_text(css + "\n", encoding="utf-8")
    say(f"Wrote registrar/assets/css/styles.css, {len(css)} bytes")
    shutil.copytree(STYLES / "images", ASSETS / "img")
    say(f"Copied {len(list((ASSETS / 'img').iterdir()))} images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
