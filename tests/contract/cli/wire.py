"""What the client has on the wire: headers, bootstrap, tokens, errors, pages, jobs (platform API §1, §2, §10)."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode, urlsplit

import requests

from . import go_types
from .go_types import Shape, Undecodable, decode

BROKEN = frozenset({500, 502, 503, 504})
TRIES = 3
SECONDS = 30.0
FORM = "application/x-www-form-urlencoded"


class CommandFailed(Exception):
    """What the person reads below FAILED; ``kind`` is what commands branch on."""

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind


@dataclass
class Cf:
    """One home directory of the client: its configuration, and what went over the wire (``calls``, ``warnings``,
    and ``uploaded``: the paths of the files that were sent).

    ``interval`` is the pause between two polls in seconds (3 for a person), ``walk`` how old a log line must be
    to be shown (2 for a person), ``pause`` that between two looks for log lines (a quarter for a person).
    """

    interval: float = 3.0
    walk: float = 2.0
    pause: float = 0.25
    api: str = ""
    links: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    token: str = ""
    refresh_token: str = ""
    prompts: dict[str, list[str]] = field(default_factory=dict)
    org: dict[str, Any] = field(default_factory=dict)
    space: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    uploaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._http = requests.Session()
        self._http.trust_env = False

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # -- where everything is --------------------

    def look_around(self, *, auth: bool = False) -> None:
        """``GET /`` and ``GET /v3``: the addresses of everything; nothing else is ever assumed (§1.1, §1.2)."""
        root = self.json(go_types.ROOT, "GET", self.api, auth=auth)["links"]
        version = root["cloud_controller_v3"]["meta"]["version"]
        if tuple(int(part) for part in version.split(".")) < (3, 85, 0):
            self.warnings.append(f"Your CF API version ({version}) is no longer supported.")
        self.links = {name: link["href"] for name, link in root.items()}
        resources = self.json(go_types.ROOT, "GET", self.links["cloud_controller_v3"], auth=auth)["links"]
        self.resources = {name: link["href"] for name, link in resources.items()}

    def begin(self) -> None:
        """What every command does first: look around without a token, then the sign-in server's page with it."""
        if not self.api:
            raise CommandFailed("No API endpoint set. Use 'cf login' or 'cf api' to target an endpoint.")
        self.look_around()
        answer = self.json(go_types.LOGIN, "GET", self.links["login"] + "/login", auth=bool(self.token))
        if any(len(one) != 2 for one in answer["prompts"].values()):
            raise Undecodable(f"prompts: {answer['prompts']}")
        self.prompts = answer["prompts"]

    def signed_in(self, *, org: bool = False, space: bool = False) -> None:
        """Begin a command that needs a sign-in, and an organization or a space to work on."""
        self.begin()
        if not self.token:
            raise CommandFailed("Not logged in. Use 'cf login' or 'cf login --sso' to log in.")
        if (org or space) and not self.org:
            raise CommandFailed("No org targeted, use 'cf target -o ORG' to target an org.")
        if space and not self.space:
            raise CommandFailed("No space targeted, use 'cf target -s SPACE' to target a space.")

    def v3(self, resource: str, path: str = "", **query: Any) -> str:
        """The address of something of a resource, always made from its link (§1.2)."""
        if resource not in self.resources:
            raise CommandFailed(f"No resource exists with the name '{resource}'.")
        return self.resources[resource] + path + (f"?{query_text(query)}" if query else "")

    # -- requests --------------------

    def send(self, method: str, url: str, *, auth: bool = True, **options: Any) -> requests.Response:
        """One request, without a look at its answer; those that are no POST are tried up to three times (§1.8)."""
        if not urlsplit(url).scheme:
            raise CommandFailed(f"{url} is no address")
        headers = {"Accept": "application/json", "User-Agent": "cf/7.3.0+0 (go1.16; amd64 linux)"}
        if auth and self.token:
            self._keep_fresh()
            headers["Authorization"] = self.token
        options["headers"] = headers | options.get("headers", {})
        for left in reversed(range(1 if method == "POST" else TRIES)):
            answer = self._http.request(method, url, allow_redirects=False, timeout=SECONDS, **options)
            self.calls.append(f"{method} {_shown(url)}")
            if not left or answer.status_code not in BROKEN:
                break
        for one in re.split(r",\s*", answer.headers.get("X-Cf-Warnings", "")):
            if one:
                self.warnings.append(unquote_plus(one))
        return answer

    def answer(self, method: str, url: str, body: Any = None, **options: Any) -> requests.Response:
        """A request that must succeed; CommandFailed with the platform's text otherwise."""
        if body is not None:
            options["data"] = json.dumps(body)
            options["headers"] = {"Content-Type": "application/json"}
        answer = self.send(method, url, **options)
        if answer.status_code >= 400:
            raise refusal(answer)
        return answer

    def json(self, shape: Shape, method: str, url: str, body: Any = None, **options: Any) -> Any:
        """The decoded body of a request that must succeed."""
        answer = self.answer(method, url, body, **options)
        return decode(shape, _json(answer), f"{method} {_shown(url)}")

    def pages(self, shape: Shape, url: str, included: dict[str, Shape] | None = None) -> Any:
        """All resources of a list, page by page; with ``included`` also what came beside them."""
        resources: list[Any] = []
        beside: dict[str, list[Any]] = {name: [] for name in included or {}}
        page = {
            "pagination": {"next": {"href": str}},
            "resources": [shape],
            "included": {name: [one] for name, one in (included or {}).items()},
        }
        while url:
            found = self.json(page, "GET", url)
            resources += found["resources"]
            for name, more in found["included"].items():
                beside[name] += more
            url = found["pagination"]["next"]["href"]
        return (resources, beside) if included is not None else resources

    def finish(self, answer: requests.Response) -> None:
        """Follow the job of a 202 to its end, without a limit of time (§4.3, §4.9)."""
        where = answer.headers["Location"]
        while True:
            job = self.json(go_types.JOB, "GET", where)
            if job["state"] in {"COMPLETE", "FAILED"}:
                break
            time.sleep(self.interval)
        self.warnings += [one["detail"] for one in job["warnings"]]
        if job["state"] == "FAILED":
            raise CommandFailed(job["errors"][0]["detail"] if job["errors"] else "The job failed.")

    def poll(self, shape: Shape, url: str, ends: frozenset[str] | set[str], first: float = 0) -> Any:
        """A resource when its state is one of ``ends``; looked at after ``first`` seconds, then at each interval."""
        time.sleep(first)
        while True:
            found = self.json(shape, "GET", url)
            state = found["status"]["value"] if "status" in found else found["state"]
            if state in ends:
                return found
            time.sleep(self.interval)

    # -- tokens --------------------

    def take_token(self, form: dict[str, str], query: str = "") -> None:
        """Ask for a token and check it as the client does (§1.6, §2.2)."""
        own = None if form["grant_type"] == "client_credentials" else ("cf", "")
        url = self.links["login"] + "/oauth/token" + query
        headers = {"Accept": "application/json", "Content-Type": FORM}
        answer = self._http.post(
            url, data=form, headers=headers, allow_redirects=False, timeout=SECONDS, auth=own
        )
        self.calls.append(f"POST {_shown(url)}")
        if answer.status_code >= 400:
            raise uaa_refusal(answer)
        found = decode(go_types.TOKEN, _json(answer))
        if found["token_type"] != "bearer":
            raise Undecodable(f"token_type is {found['token_type']!r}")
        self.token = f"{found['token_type']} {found['access_token']}"
        self.refresh_token = found["refresh_token"] or self.refresh_token
        check_claims(self.claims)

    @property
    def claims(self) -> dict[str, Any]:
        """What the token says; its signature is nobody's business here."""
        return claims_of(self.token.partition(" ")[2])

    def _keep_fresh(self) -> None:
        if self.claims.get("exp", 0) - time.time() < 60:
            self.take_token({"grant_type": "refresh_token", "refresh_token": self.refresh_token})


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT of three parts."""
    header, claims, _signature = token.split(".")
    if not re.fullmatch(r"(ES|PS|RS|HS)(256|384|512)|none", json.loads(_unpadded(header))["alg"]):
        raise Undecodable("the token's alg")
    found = json.loads(_unpadded(claims))
    return dict(found)


def _unpadded(part: str) -> bytes:
    if "=" in part:
        raise Undecodable("a token with padding")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def check_claims(claims: dict[str, Any]) -> None:
    """The claims without which the client panics or cannot go on (§1.6)."""
    needed = ("user_id", "origin") if "user_name" in claims else ("client_id",)
    missing = [name for name in needed if not isinstance(claims.get(name), str)]
    if missing or not isinstance(claims.get("exp"), int | float):
        raise Undecodable(f"the token lacks {missing or 'exp'}")


def refusal(answer: requests.Response) -> CommandFailed:
    """A platform's error as the client tells it (§10.6)."""
    found = decode(go_types.ERRORS, _json(answer), "the error")["errors"]
    if not found:
        return CommandFailed(f"Unexpected Response\nResponse Code: {answer.status_code}")
    title, detail = found[0]["title"], found[0]["detail"]
    text = "\n".join(one["detail"] for one in found)
    kinds = [
        (401, "CF-NotAuthenticated", "", "not signed in"),
        (401, "CF-InvalidAuthToken", "", "bad token"),
        (403, "", "", "forbidden"),
        (404, "", r"Unknown request", "no such endpoint"),
        (404, "", r"(App|Droplet|Deployment|Feature flag|Instance|Process|User) not found", "not found"),
        (422, "", r"App with the name '.*' already exists\.", "name taken"),
        (422, "", r"Organization '.*' already exists\.", "organization exists"),
        (422, "", r"User '.*' already has '.*' role", "role exists"),
        (422, "", r"Name must be unique per organization", "space exists"),
        (422, "", r"Route already exists", "route exists"),
        (422, "", r"Assign a droplet before starting this app\.", "no droplet"),
        (422, "", r"Security group with name '.*' already exists\.", "security group exists"),
        (422, "", r"Ensure the space is bound to this security group\.", "not bound"),
        (400, "", r"Bad request: Cannot stage package whose state is not ready\.", "package not ready"),
        (503, "CF-TaskWorkersUnavailable", "", "no task workers"),
    ]
    for status, wanted, pattern, kind in kinds:
        if answer.status_code == status and wanted in ("", title) and re.search(pattern, detail):
            return CommandFailed(text, kind)
    return CommandFailed(text)


def uaa_refusal(answer: requests.Response) -> CommandFailed:
    """An error of the sign-in server as the client tells it (§2.5)."""
    found = decode(go_types.UAA_ERROR, _json(answer), "UAA's error")
    if answer.status_code == 401 and found["error"] == "unauthorized":
        if "locked" in found["error_description"]:
            return CommandFailed(found["error_description"], "locked")
        return CommandFailed("Credentials were rejected, please try again.", "bad credentials")
    if found["error"] == "invalid_token":
        return CommandFailed("Your token has expired or is not valid. Log in again.", "bad token")
    return CommandFailed(f"{found['error']}: {found['error_description']}", found["error"])


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise Undecodable(f"status {answer.status_code}, {answer.text[:200]!r}") from error


def query_text(query: dict[str, Any]) -> str:
    """A query as the client writes it: keys sorted, everything escaped, a comma inside a list value twice."""
    pairs = []
    for key, value in sorted(query.items()):
        many = value if isinstance(value, list) else [value]
        pairs.append((key, ",".join(str(one).replace(",", quote(",")) for one in many)))
    return urlencode(pairs)


def _shown(url: str) -> str:
    """Path and query alone, as the lists of calls have them."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
