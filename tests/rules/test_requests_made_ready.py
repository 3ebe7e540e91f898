"""Making a request ready the short way gives the very request that the long way gives."""

from typing import Any

import pytest
import requests

from opsportal.kit import http


class Token(requests.auth.AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = "bearer x"
        return request


@pytest.mark.parametrize("method", ["GET", "post", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"params": {"names": "a b,é", "page": "1"}},
        {"data": b'{"a": 1}', "headers": {"Content-Type": "application/json", "accept": "*/*"}},
        {"data": b""},
        {"data": {"grant_type": "password", "password": "p&q"}},
        {"json": {"a": [1]}},
        {"auth": Token(), "headers": {"User-Agent": None}},
        {"files": {"bits": b"zip"}, "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    ],
)
def test_both_ways_give_the_same_request(method: str, given: dict[str, Any]) -> None:
    session = http.session(user_agent="a test")
    asked = requests.Request(method, "http://localhost:1/v3/a é?q=1", **given)
    long, short = requests.Session.prepare_request(session, asked), session.prepare_request(asked)
    assert (short.method, short.url, dict(short.headers)) == (long.method, long.url, dict(long.headers))
    assert "files" in given or short.body == long.body
