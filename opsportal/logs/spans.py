"""Times in addresses and in people's zones: presets, exact spans, moments. Pure."""

from datetime import UTC, datetime, tzinfo

from opsportal.logs.lines import SECOND

MINUTE, HOUR, DAY = 60, 3600, 86_400
#: What the time range offers: its name in the address, its words, its seconds.
PRESETS = {
    "15m": ("Last 15 minutes", 15 * MINUTE),
    "1h": ("Last hour", HOUR),
    "6h": ("Last 6 hours", 6 * HOUR),
    "24h": ("Last 24 hours", DAY),
    "3d": ("Last 3 days", 3 * DAY),
    "14d": ("Last 14 days", 14 * DAY),
}
DEFAULT, EXACT = "1h", "exact"
#: A link to a moment shows this much before and after it, in seconds.
AROUND = 2 * MINUTE
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_ns: int) -> datetime:
    """Nanoseconds since the epoch as a moment, in UTC."""
    seconds, rest = divmod(at_ns, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def nanoseconds(at: datetime) -> int:
    """A moment (aware) as nanoseconds since the epoch, exactly to the microsecond."""
    passed = at - _EPOCH
    return (passed.days * DAY + passed.seconds) * SECOND + passed.microseconds * 1000


def read(text: str, zone: tzinfo) -> datetime | None:
    """A moment as an address or a form gives it; without a zone of its own it is meant in ``zone``."""
    try:
        found = datetime.fromisoformat(text.strip()[:40])
        found = found if found.tzinfo else found.replace(tzinfo=zone)
        nanoseconds(found)
    except (ValueError, OverflowError):
        return None
    return found if 1971 <= found.year <= 2200 else None


def in_address(at_ns: int) -> str:
    """A moment as it stands in an address: in UTC, the same for everybody."""
    text = moment(at_ns).isoformat(
        timespec="milliseconds" if at_ns % (SECOND // 1000) == 0 else "microseconds"
    )
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def in_form(at_ns: int, zone: tzinfo) -> str:
    """A moment as a date-and-time field takes it: in the viewer's zone, whole seconds."""
    return moment(at_ns).astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")
