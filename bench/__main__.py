"""``python -m bench all``, or the names of figures: each in a process of its own, one after the other."""

from __future__ import annotations

import subprocess
import sys

FIGURES = ("deploy", "click", "home", "output", "stream", "crowd")


def main(wanted: list[str]) -> int:
    """Run them. 0 when every script came to its end, whatever it measured; 2 for an unknown name."""
    chosen = list(FIGURES) if wanted in ([], ["all"]) else wanted
    if unknown := [name for name in chosen if name not in FIGURES]:
        sys.stderr.write(f"There is no figure {unknown[0]}. There are: {', '.join(FIGURES)}, or all.\n")
        return 2
    ended = [
        subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode for name in chosen
    ]
    return int(any(ended))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
