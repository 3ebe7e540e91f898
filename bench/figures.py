"""How a figure is told: percentiles, and one JSON line with one readable line below it."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Count, p50, p95 and maximum."""
    return {
        "n": len(values),
        "p50": round(percentile(values, 0.50), digits),
        "p95": round(percentile(values, 0.95), digits),
        "max": round(max(values), digits),
    }


def tell(figure: str, met: bool, words: str, **measured: Any) -> None:
    """Print the figure: a JSON line for machines, then a line for people. ``met``: whether the target is met."""
    load = [round(each, 1) for each in os.getloadavg()]
    sys.stdout.write(json.dumps({"figure": figure, "met": met, **measured, "load": load}) + "\n")
    sys.stdout.write(f"{'ok ' if met else 'NOT'} {figure}: {words} (load {load[0]})\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Say on standard error what is being done."""
    sys.stderr.write(f"  … {text}\n")
    sys.stderr.flush()
