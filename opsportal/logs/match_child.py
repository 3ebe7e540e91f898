"""Matches texts against one regular expression, in a process of its own that can be ended at any moment.

Reads JSON lines: first ``[pattern, seconds]``, answered ``{"ok": true}`` or ``{"problem": …}``; then lists of texts,
each answered with the list of the indexes that match. Imports nothing of ours, so that it starts at once.
"""

import json
import re
import resource
import sys

MEMORY_BYTES = 400_000_000


def main() -> None:
    """Answer until the input ends."""
    pattern, seconds = json.loads(sys.stdin.readline())
    # Whoever started us ends us in time; should they be gone, the kernel does.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + 1, seconds + 2))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        search = re.compile(pattern, re.IGNORECASE).search
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        _say({"problem": str(error)[:200]})
        return
    _say({"ok": True})
    for line in sys.stdin:
        _say([number for number, text in enumerate(json.loads(line)) if search(text)])


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
