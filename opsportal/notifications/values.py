"""The values a message is made of, safe to be written. Pure."""

from collections.abc import Mapping

from opsportal.notifications.safety import safe_value


class Values:
    """What a message is made of. ``values["name"]`` is safe text, "" when it was not given."""

    def __init__(self, given: Mapping[str, object]) -> None:
        """Take the values as they were told."""
        self._given = given

    def __getitem__(self, name: str) -> str:
        """One value: one line, without secrets."""
        return safe_value(self._given.get(name))

    def line(self, label: str, name: str) -> str:
        """ "Label: value", or "" without the value."""
        value = self[name]
        return f"{label}: {value}" if value else ""

    def ticket(self) -> str:
        """The ticket's name and, in quotation marks, its title."""
        title = f"“{self['title']}”" if self["title"] else ""
        return f"{self['ticket']} {title}".strip() or "A ticket"

    def titles(self) -> list[str]:
        """The titles that a digest lists."""
        given = self._given.get("titles")
        return [safe_value(each, 150) for each in given] if isinstance(given, list | tuple) else []

    def number(self, name: str) -> int:
        """A number; 0 for what is none."""
        given = self._given.get(name)
        return given if isinstance(given, int) else 0
