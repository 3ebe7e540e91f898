"""The clocks summed up: how long consent, assignment, review and stable take, by priority."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from opsportal.accounts.gates import permitted
from opsportal.accounts.rules import Permission
from opsportal.bugs import queries, rules
from opsportal.bugs.clocks import CLOCKS, WORKING, Summary
from opsportal.kit import wording

#: How far back, in days, the page can look; the first is the usual.
SPANS = (90, 30, 365)


@dataclass(frozen=True)
class Sum:
    """One clock of one priority in words. ``took``: whether there is any time to tell."""

    label: str
    took: bool
    median: str
    p90: str
    words: str


@permitted(Permission.REPORT_BUGS)
@require_GET
def clocks(request: HttpRequest) -> HttpResponse:
    """Median and p90 of each clock by priority over the last 90 days; ``?days=`` looks less or further back."""
    said = request.GET.get("days", "")
    days = next((each for each in SPANS if str(each) == said), SPANS[0])
    found = queries.clock_summary(timezone.now() - timedelta(days=days))
    rows = [
        (priority, priority.capitalize(), rules.MEANINGS[priority], [_sum(each) for each in sums])
        for priority, sums in groupby(found, key=lambda each: each.priority)
    ]
    context = {
        "rows": rows,
        "labels": list(CLOCKS.values()),
        "working": [CLOCKS[name] for name in CLOCKS if name in WORKING],
        "headline": _headline(found),
        "days": days,
        "spans": [(each, f"{each} days" if each < 365 else "A year") for each in sorted(SPANS)],
    }
    return render(request, "bugs/clocks.html", context)


def _sum(each: Summary) -> Sum:
    counted = [wording.count(each.number, "ticket")] if each.number else []
    counted += [f"{each.running} running"] if each.running else []
    words = ", ".join(counted) or "–"
    return Sum(each.label, each.median is not None, _words(each.median), _words(each.p90), words)


def _words(took: timedelta | None) -> str:
    return "–" if took is None else wording.duration(took.total_seconds())


def _headline(found: list[Summary]) -> str:
    """What a Critical bug takes: the one that has to be quick."""
    critical = [each for each in found if each.priority == rules.CRITICAL and each.median is not None]
    if not critical:
        return "No clock of a Critical bug has stopped in this time."
    said = [f"{each.label.removeprefix('To ')} within {_words(each.median)}" for each in critical]
    return f"Of the Critical bugs, half had their {', '.join(said)}."
