"""Likely duplicates of what somebody is about to report: tickets that share its rarer words."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Case, IntegerField, Q, Value, When
from django.utils import timezone

from opsportal.bugs.models import Stage, Ticket

_WORD: Final = re.compile(r"[^\W_]{3,}")
_MOST_WORDS: Final = 10
_LOOKED_AT: Final = 60
#: A closed ticket is of interest for so long.
_CLOSED_FOR: Final = timedelta(days=90)
#: Below this share of the words' weight two texts only happen to share a word.
_LIKELY: Final = 0.34
_COMMON: Final = frozenset(
    re.findall(
        r"\w+",
        "and are but can cannot could does for from get gets had has have her his how into its not off only our out "
        "page she should that the their them then there they this was were what when where which who why will with "
        "you your",
    )
)


@dataclass(frozen=True)
class Likely:
    """A ticket that may be the same. ``score``: 0 to 1; ``shared``: the words that both use."""

    ticket: Ticket
    score: float
    shared: tuple[str, ...]


def duplicates(text: str, environment: str = "", limit: int = 5) -> list[Likely]:
    """Open tickets, and lately closed ones, that probably tell of the same; the likeliest first. One query."""
    wanted = words_of([text])[:_MOST_WORDS]
    if not wanted:
        return []
    found = _sharing(wanted)
    texts = [set(words_of([each.title, each.happens])) for each in found]
    spread = Counter(word for each in texts for word in each)
    weights = {word: 1 + math.log((len(found) + 1) / (spread[word] + 1)) for word in wanted}
    likely = []
    for each, its_words in zip(found, texts, strict=True):
        shared = tuple(word for word in wanted if word in its_words)
        score = sum(weights[word] for word in shared) / sum(weights.values())
        if environment and each.environment == environment:
            score = min(1.0, score + 0.1)
        if score >= _LIKELY and shared:
            likely.append(Likely(each, round(score, 3), shared))
    likely.sort(key=lambda each: (-each.score, not each.ticket.is_open, -each.ticket.pk))
    return likely[:limit]


def words_of(texts: Iterable[str]) -> list[str]:
    """The words that tell something, each once, in their order; plain plurals count as their singular."""
    found: dict[str, None] = {}
    for text in texts:
        for word in _WORD.findall(text[:4_000].casefold()):
            if word not in _COMMON:
                found[word.removesuffix("s") if len(word) > 4 else word] = None
    return list(found)


def _sharing(words: Sequence[str]) -> list[Ticket]:
    """Those whose titles hold most of the words: the database counts, so that ten thousand tickets are no matter."""
    recent = Q(updated_at__gte=timezone.now() - _CLOSED_FOR) | ~Q(stage=Stage.CLOSED)
    some, count = Q(), Value(0, output_field=IntegerField())
    for word in words:
        some |= Q(title__icontains=word)
        count = count + Case(When(title__icontains=word, then=Value(1)), default=Value(0))  # type: ignore[assignment]
    found = Ticket.objects.filter(recent & some).annotate(shares=count).order_by("-shares", "-id")
    return list(found.defer("should", "steps", "evidence", "github_mirrored")[:_LOOKED_AT])
