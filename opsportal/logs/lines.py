"""A line as the platform has it, and which layer said it (platform API §11.3, §11.5). Pure."""

from typing import NamedTuple

#: Nanoseconds in a second: moments of lines are whole nanoseconds since the epoch, as the platform gives them.
SECOND = 1_000_000_000

#: The layer of the portal's own notices among the lines: where the platform had forgotten some.
GAP_LAYER = "GAP"


class Line(NamedTuple):
    """One line of a source: ``layer`` as in §11.5, ``stream`` OUT or ERR, ``at_ns`` nanoseconds since the epoch."""

    at_ns: int
    layer: str
    instance: str
    stream: str
    text: str

    @property
    def source(self) -> tuple[str, str, str]:
        """Who printed it. Lines of different sources never become one entry."""
        return (self.layer, self.instance, self.stream)


def is_program(layer: str) -> bool:
    """Whether a layer is what the application itself prints: a process or a task."""
    return layer == "APP" or layer.startswith("APP/")


def is_within(layer: str, wanted: str) -> bool:
    """Whether a layer is the wanted one or below it: ``APP/PROC/WEB`` lies within ``APP/PROC`` and ``APP``."""
    return layer == wanted or layer.startswith(f"{wanted}/")
