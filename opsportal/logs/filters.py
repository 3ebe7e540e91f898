"""What is searched for, as it stands in the address: read, checked, and written again."""

from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.http import urlencode

from opsportal.logs import matching, spans
from opsportal.logs.levels import Level
from opsportal.logs.lines import SECOND
from opsportal.logs.models import Tail

LEVELS = {
    "debug": Level.DEBUG,
    "info": Level.INFO,
    "warning": Level.WARNING,
    "error": Level.ERROR,
    "critical": Level.CRITICAL,
}
_TOPS = {
    "APP": "The application", "STG": "Staging", "RTR": "Router", "API": "Platform API", "CELL": "Cells",
    "HEALTH": "Health checks", "SSH": "Shells", "GAP": "Gaps",
}  # fmt: skip
LONGEST_TEXT = 300


@dataclass(frozen=True)
class Search:
    """One search. ``from_ns`` ≤ at < ``to_ns``; ``preset`` names the range, empty for an exact one.

    ``request``: method and path as requests are summed by, ``GET /domain/{number}``. ``hides_probes``: without the
    router's lines of the portal's own questions.
    """

    from_ns: int
    to_ns: int
    preset: str = spans.DEFAULT
    layer: str = ""
    instance: str = ""
    level: str = ""
    text: str = ""
    is_pattern: bool = False
    request: str = ""
    hides_probes: bool = False

    @property
    def least_level(self) -> Level:
        """The lowest level that is wanted."""
        return LEVELS.get(self.level, Level.NONE)

    def only(self) -> dict[str, str]:
        """What narrows the search, without its time, as parameters of an address."""
        said = {"layer": self.layer, "instance": self.instance, "level": self.level, "q": self.text}
        if self.is_pattern and self.text:
            said["re"] = "on"
        if self.hides_probes:
            said["probes"] = "hidden"
        said["request"] = self.request
        return {name: value for name, value in said.items() if value}

    def parameters(self) -> dict[str, str]:
        """The whole search as parameters of an address, whose moments are exact to the microsecond."""
        if self.preset:
            return self.only() | ({} if self.preset == spans.DEFAULT else {"range": self.preset})
        first, last = spans.in_address(self.from_ns), spans.in_address(-(-self.to_ns // 1000) * 1000)
        return self.only() | {"range": spans.EXACT, "from": first, "to": last}

    def address(self, **more: str) -> str:
        """The search as the query of an address, ``?`` included; empty when nothing differs from the default."""
        said = self.parameters() | more
        return f"?{urlencode(said)}" if said else "?"

    def within(self, from_ns: int, to_ns: int) -> "Search":
        """The same search in another, exact span."""
        return replace(self, from_ns=from_ns, to_ns=to_ns, preset="")


class SearchForm(forms.Form):
    """The query bar. Every field has a short name, because it stands in the address."""

    q = forms.CharField(label="Text", required=False, max_length=LONGEST_TEXT, strip=False)
    re = forms.BooleanField(label="Regular expression", required=False)
    level = forms.ChoiceField(required=False)
    layer = forms.ChoiceField(required=False)
    instance = forms.ChoiceField(required=False)
    range = forms.ChoiceField(label="Time", required=False)
    request = forms.CharField(label="Request", required=False, max_length=220)
    probes = forms.BooleanField(
        label="Hide the portal's own probes",
        required=False,
        widget=forms.CheckboxInput(attrs={"value": "hidden"}),
    )

    def __init__(self, search: Search, tail: Tail | None) -> None:
        data = search.only() | {"range": search.preset or spans.EXACT}
        super().__init__(data, auto_id="log-%s")
        choices = {
            "level": [("", "Any"), *((name, f"{name.capitalize()} or worse") for name in LEVELS)],
            "layer": [("", "Any"), *layers(tail.layers if tail else [], search.layer)],
            "instance": [("", "Any"), *_instances(tail.instances if tail else [], search.instance)],
            "range": [*((name, words) for name, (words, _) in spans.PRESETS.items()), (spans.EXACT, "Exact, from … to …")],
        }  # fmt: skip
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A regular expression must not be too long; whether it is one is asked when it is matched."""
        said = super().clean() or {}
        if said.get("re") and len(said.get("q", "")) > matching.LONGEST_PATTERN:
            self.add_error("q", f"At most {matching.LONGEST_PATTERN} characters.")
        return said


def read(data: QueryDict, zone: tzinfo, now_ns: int) -> Search:
    """The search of an address. What makes no sense in it counts as not said."""
    preset = data.get("range", "")
    first, last = spans.read(data.get("from", ""), zone), spans.read(data.get("to", ""), zone)
    around = spans.read(data.get("at", ""), zone)
    search = Search(
        0,
        0,
        layer=data.get("layer", "")[:200],
        instance=data.get("instance", "")[:40],
        level=data.get("level", "") if data.get("level") in LEVELS else "",
        text=data.get("q", "")[:LONGEST_TEXT].replace("\0", ""),
        is_pattern=bool(data.get("re")),
        request=data.get("request", "")[:220].replace("\0", ""),
        hides_probes=bool(data.get("probes")),
    )
    if around is not None:
        at, some = spans.nanoseconds(around), spans.AROUND * SECOND
        return search.within(at - some, at + some)
    if preset not in spans.PRESETS and (first or last):
        to_ns = spans.nanoseconds(last) if last else now_ns
        from_ns = spans.nanoseconds(first) if first else to_ns - spans.HOUR * SECOND
        return search.within(min(from_ns, to_ns), max(from_ns, to_ns, min(from_ns, to_ns) + 1))
    preset = preset if preset in spans.PRESETS else spans.DEFAULT
    return replace(
        search, from_ns=now_ns - spans.PRESETS[preset][1] * SECOND, to_ns=now_ns + 10 * SECOND, preset=preset
    )


def is_backwards(data: QueryDict, zone: tzinfo) -> bool:
    """Whether somebody gave a From that is later than the To: :func:`read` takes them the other way round."""
    if "at" in data or data.get("range", "") in spans.PRESETS:
        return False
    first, last = spans.read(data.get("from", ""), zone), spans.read(data.get("to", ""), zone)
    return first is not None and last is not None and first > last


def is_canonical(data: QueryDict) -> bool:
    """Whether an address means the same to everybody: its moments say their zone, and nothing in it contradicts."""
    if "at" in data:
        return False
    moments = [data.get(name, "") for name in ("from", "to")]
    if data.get("range", "") in spans.PRESETS:
        return not any(moments)
    return all(not each or each.endswith("Z") for each in moments)


def layers(known: list[str], chosen: str) -> list[tuple[str, str]]:
    """The layers to choose from: those there are, the ones above them, and the chosen one."""
    offered = set(known) | ({chosen} if chosen else set())
    for layer in known:
        parts = layer.split("/")
        offered |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    return [(name, f"{name} ({_TOPS[name]})" if name in _TOPS else name) for name in sorted(offered) if name]


def _instances(known: list[str], chosen: str) -> list[tuple[str, str]]:
    offered = {each for each in known if each} | ({chosen} if chosen else set())
    return [(name, name) for name in sorted(offered, key=lambda each: (len(each), each))]
