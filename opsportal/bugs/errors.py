"""What an action on a ticket may answer with, besides accounts' Refused (who may not, and who can)."""

from collections.abc import Mapping


class BadTicket(ValueError):
    """What was given cannot be kept. ``fields``: name of a field → words for people; "" is the whole."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class NotNow(BadTicket):
    """The ticket is not so that it could be done: somebody was first, it is closed, it is too early. Says who or why."""

    def __init__(self, words: str) -> None:
        super().__init__({"": words})


class Stale(Exception):
    """The ticket was changed since the form was opened. ``who``, ``fields``: by whom, and which fields."""

    def __init__(self, who: str, fields: tuple[str, ...]) -> None:
        what = ", ".join(fields) or "the ticket"
        super().__init__(f"{who} changed {what} while you were writing. Nothing of yours was kept yet.")
        self.who, self.fields = who, fields
