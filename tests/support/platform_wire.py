"""The platform's wire as a test writes it: addresses, a clock, and the bodies that most tests need."""

from typing import Any

import requests
import responses

API = "https://api.example.gov"
UAA = "https://login.example.gov"
LOGS = "https://logs.example.gov"
PASSWORD = "correct-horse"
TOKEN = "first.token.signature"


class Time:
    """A clock that only moves when somebody sleeps or the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        """Give the seconds now."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the seconds pass at once."""
        self.slept.append(seconds)
        self.now += seconds


def token(text: str, life: float = 599) -> dict[str, Any]:
    """Write UAA's answer to a sign-in."""
    return {"access_token": text, "token_type": "bearer", "expires_in": life}


def refused(
    status: int, title: str = "CF-Whatever", detail: str = "because", code: int = 1
) -> dict[str, Any]:
    """Write a refusal in the platform's form, as arguments for a mocked answer."""
    return {"status": status, "json": {"errors": [{"code": code, "title": title, "detail": detail}]}}


def page(*items: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    """Write one page of a list."""
    return {"pagination": {"next": {"href": following} if following else None}, "resources": list(items)}


def asked(wire: responses.RequestsMock, method: str, path: str) -> list[requests.PreparedRequest]:
    """List the requests that were made for a method and path."""
    return [
        call.request
        for call in wire.calls
        if call.request.method == method and str(call.request.path_url).partition("?")[0] == path
    ]
