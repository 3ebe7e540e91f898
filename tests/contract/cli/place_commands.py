"""Commands about signing in, organizations, spaces, people, security groups and the marketplace."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from . import go_types
from .go_types import Undecodable
from .wire import Cf, CommandFailed, query_text

ROLE_NAMES = {
    "SpaceDeveloper": "space_developer",
    "SpaceManager": "space_manager",
    "SpaceAuditor": "space_auditor",
}


# -- signing in (§1.4, §2) --------------------


def api(cf: Cf, url: str) -> list[str]:
    """``cf api URL``."""
    cf.api, cf.token, cf.org, cf.space = url.rstrip("/"), "", {}, {}
    cf.look_around()
    return [f"API endpoint: {cf.api}"]


def auth(cf: Cf, username: str, password: str, *, origin: str = "", client: bool = False) -> list[str]:
    """``cf auth USERNAME PASSWORD [--origin X | --client-credentials]``."""
    cf.begin()
    if client:
        form = {"grant_type": "client_credentials", "client_id": username, "client_secret": password}
    else:
        form = {"grant_type": "password", "username": username, "password": password}
    hint = "?login_hint=" + quote(json.dumps({"origin": origin}), safe="") if origin else ""
    cf.take_token(form, hint)
    return ["OK"]


def login(
    cf: Cf,
    url: str,
    username: str = "",
    password: str = "",
    *,
    passcode: str = "",
    org: str = "",
    space: str = "",
) -> list[str]:
    """``cf login -a URL -u USER -p PASSWORD`` or ``--sso-passcode CODE``, with -o and -s where they are given."""
    api(cf, url)
    cf.begin()
    form = {"passcode": passcode} if passcode else {"username": username, "password": password}
    if passcode and "passcode" not in cf.prompts:
        raise CommandFailed("There is no one-time code to sign in with here.")
    cf.take_token({"grant_type": "password", **form})
    _choose_org(cf, org)
    if cf.org:
        _choose_space(cf, space)
    return _target_lines(cf)


def _choose_org(cf: Cf, name: str) -> None:
    """The organization named, or the only one; with several the person is asked, which is left out here."""
    if name:
        cf.org = organization(cf, name)
        return
    found = cf.pages(go_types.ORGANIZATION, cf.v3("organizations", order_by="name"))
    cf.org = found[0] if len(found) == 1 else {}


def _choose_space(cf: Cf, name: str) -> None:
    if name:
        cf.space = space_named(cf, name)
        return
    url = cf.v3("spaces", order_by="name", organization_guids=cf.org["guid"])
    found = cf.pages(go_types.SPACE, url)
    cf.space = found[0] if len(found) == 1 else {}


def target(cf: Cf, org: str = "", space: str = "") -> list[str]:
    """``cf target [-o ORG] [-s SPACE]``."""
    cf.signed_in()
    if org:
        cf.org, cf.space = organization(cf, org), {}
    if org or space:
        _choose_space(cf, space)
    return _target_lines(cf)


def _target_lines(cf: Cf) -> list[str]:
    lines = [f"API endpoint: {cf.api}", f"user: {cf.claims.get('user_name') or cf.claims['client_id']}"]
    lines += [f"org: {cf.org['name']}"] if cf.org else []
    return lines + ([f"space: {cf.space['name']}"] if cf.space else [])


def oauth_token(cf: Cf) -> list[str]:
    """``cf oauth-token``."""
    cf.signed_in()
    return [cf.token]


def logout(cf: Cf) -> list[str]:
    """``cf logout``: forgets; tells the server only of tokens that can be revoked."""
    cf.begin()
    if cf.claims.get("revocable"):
        cf.answer("DELETE", f"{cf.links['login']}/oauth/token/revoke/{cf.claims['jti']}")
    cf.token, cf.refresh_token, cf.org, cf.space = "", "", {}, {}
    return ["OK"]


def ssh_code(cf: Cf) -> list[str]:
    """``cf ssh-code``: the code stands in the address that the client does not follow (§2.6)."""
    cf.signed_in()
    query = query_text({"client_id": "ssh-proxy", "response_type": "code"})
    answer = cf.send("GET", f"{cf.links['uaa']}/oauth/authorize?{query}")
    if answer.status_code != 302:
        raise CommandFailed(f"{answer.status_code}: {answer.text}")
    return [parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]]


def curl(cf: Cf, path: str, method: str = "GET", data: str = "") -> list[str]:
    """``cf curl PATH [-X METHOD] [-d DATA]``: whatever comes back, refusals too."""
    options: dict[str, Any] = {"data": data, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    return cf.send(method, cf.api + path, **(options if data else {})).text.splitlines()


# -- organizations and spaces (§3.1, §3.2) --------------------


def organization(cf: Cf, name: str) -> dict[str, Any]:
    """An organization by name."""
    found = cf.pages(go_types.ORGANIZATION, cf.v3("organizations", names=[name]))
    if not found:
        raise CommandFailed(f"Organization '{name}' not found.", "not found")
    return dict(found[0])


def space_named(cf: Cf, name: str, org: dict[str, Any] | None = None) -> dict[str, Any]:
    """A space of an organization (the target one) by name."""
    guid = (org or cf.org)["guid"]
    found = cf.pages(go_types.SPACE, cf.v3("spaces", names=[name], organization_guids=guid))
    if not found:
        raise CommandFailed(f"Space '{name}' not found.", "not found")
    return dict(found[0])


def orgs(cf: Cf) -> list[str]:
    """``cf orgs``."""
    cf.signed_in()
    return [one["name"] for one in cf.pages(go_types.ORGANIZATION, cf.v3("organizations", order_by="name"))]


def spaces(cf: Cf) -> list[str]:
    """``cf spaces``."""
    cf.signed_in(org=True)
    url = cf.v3("spaces", order_by="name", organization_guids=cf.org["guid"])
    return [one["name"] for one in cf.pages(go_types.SPACE, url)]


def create_space(cf: Cf, name: str) -> list[str]:
    """``cf create-space NAME``: who creates it becomes its manager and developer."""
    cf.signed_in(org=True)
    body = {"name": name, "relationships": {"organization": {"data": {"guid": cf.org["guid"]}}}}
    try:
        made = cf.json(go_types.SPACE, "POST", cf.v3("spaces"), body)
    except CommandFailed as error:
        if error.kind != "space exists":
            raise
        return [f"Space '{name}' already exists.", "OK"]
    me = _myself(cf)
    for role in ("space_manager", "space_developer"):
        _give(cf, role, me, cf.org, made)
    return ["OK"]


def _myself(cf: Cf) -> dict[str, str]:
    """How the client names the signed-in person in a role; a client by its id, once UAA says that there is such a one."""
    if "user_name" in cf.claims:
        return {"username": cf.claims["user_name"], "origin": cf.claims["origin"]}
    name = cf.claims["client_id"]
    answer = cf.send("GET", f"{cf.links['uaa']}/oauth/clients/{name}")
    if answer.status_code != 200:
        raise CommandFailed(f"User '{name}' does not exist.", str(answer.status_code))
    return {"guid": name}


def delete_space(cf: Cf, name: str) -> list[str]:
    """``cf delete-space NAME -f``."""
    cf.signed_in(org=True)
    try:
        found = space_named(cf, name)
    except CommandFailed as error:
        if error.kind != "not found":
            raise
        return [f"Space '{name}' does not exist.", "OK"]
    cf.finish(cf.answer("DELETE", cf.v3("spaces", f"/{found['guid']}")))
    return ["OK"]


# -- roles (§3.3) --------------------


def _give(cf: Cf, role: str, user: dict[str, str], org: dict[str, Any], space: dict[str, Any]) -> None:
    """First a place in the organization, where having it or not being allowed to give it is no matter."""
    try:
        _post_role(cf, "organization_user", user, "organization", org)
    except CommandFailed as error:
        if error.kind not in {"role exists", "forbidden"}:
            raise
    _post_role(cf, role, user, "space", space)


def _post_role(cf: Cf, role: str, user: dict[str, str], kind: str, place: dict[str, Any]) -> None:
    body = {
        "type": role,
        "relationships": {"user": {"data": user}, kind: {"data": {"guid": place["guid"]}}},
    }
    cf.json(go_types.ROLE, "POST", cf.v3("roles"), body)


def set_space_role(cf: Cf, user: str, org: str, space: str, role: str, *, origin: str = "") -> list[str]:
    """``cf set-space-role USER ORG SPACE ROLE [--origin X]``."""
    cf.signed_in()
    within = organization(cf, org)
    place = space_named(cf, space, within)
    data = {"username": user} | ({"origin": origin} if origin else {})
    try:
        _give(cf, ROLE_NAMES[role], data, within, place)
    except CommandFailed as error:
        if error.kind != "role exists":
            raise
        return [f"User '{user}' already has role '{role}' in org '{org}' / space '{space}'.", "OK"]
    return ["OK"]


def unset_space_role(cf: Cf, user: str, org: str, space: str, role: str, *, origin: str = "uaa") -> list[str]:
    """``cf unset-space-role USER ORG SPACE ROLE``."""
    cf.signed_in()
    place = space_named(cf, space, organization(cf, org))
    users = cf.pages(go_types.USER, cf.v3("users", usernames=[user], origins=[origin]))
    if not users:
        raise CommandFailed(f"User '{user}' does not exist.", "not found")
    url = cf.v3("roles", types=ROLE_NAMES[role], space_guids=place["guid"], user_guids=users[0]["guid"])
    for one in cf.pages(go_types.ROLE, url):
        cf.finish(cf.answer("DELETE", cf.v3("roles", f"/{one['guid']}")))
    return ["OK"]


def space_users(cf: Cf, org: str, space: str) -> dict[str, list[str]]:
    """``cf space-users ORG SPACE``: names under each role, with the origin behind."""
    cf.signed_in()
    place = space_named(cf, space, organization(cf, org))
    url = cf.v3("roles", include="user", space_guids=place["guid"])
    roles, beside = cf.pages(go_types.ROLE, url, {"users": go_types.USER})
    users = {one["guid"]: one for one in beside["users"]}
    found: dict[str, list[str]] = {}
    for one in roles:
        who = users[one["relationships"]["user"]["data"]["guid"]]
        found.setdefault(one["type"], []).append(f"{who['presentation_name']} ({who['origin'] or 'client'})")
    return {role: sorted(names) for role, names in found.items()}


# -- security groups (§3.4) and the marketplace (§7.1) --------------------


def security_groups(cf: Cf) -> list[str]:
    """``cf security-groups``: each with the places it is bound to."""
    cf.signed_in()
    shown = []
    for one in cf.pages(go_types.SECURITY_GROUP, cf.v3("security_groups")):
        bound = {name: one["relationships"][f"{name}_spaces"]["data"] for name in ("running", "staging")}
        guids = [place["guid"] for places in bound.values() for place in places]
        names = _places(cf, guids) if guids else {}
        rows = [f"<all> {name}" for name, on in one["globally_enabled"].items() if on]
        rows += [f"{names[place['guid']]} {name}" for name, places in bound.items() for place in places]
        shown += [f"{one['name']} {row}" for row in rows] or [one["name"]]
    return shown


def _places(cf: Cf, guids: list[str]) -> dict[str, str]:
    url = cf.v3("spaces", guids=guids, include="organization")
    found, beside = cf.pages(go_types.SPACE, url, {"organizations": go_types.ORGANIZATION})
    within = {one["guid"]: one["name"] for one in beside["organizations"]}
    return {
        one["guid"]: f"{within[one['relationships']['organization']['data']['guid']]} {one['name']}"
        for one in found
    }


def bind_security_group(cf: Cf, group: str, org: str, space: str, lifecycle: str = "running") -> list[str]:
    """``cf bind-security-group GROUP ORG --space SPACE [--lifecycle staging]``."""
    cf.signed_in()
    found = cf.pages(go_types.SECURITY_GROUP, cf.v3("security_groups", names=[group]))
    if not found:
        raise CommandFailed(f"Security group '{group}' not found.", "not found")
    place = space_named(cf, space, organization(cf, org))
    url = cf.v3("security_groups", f"/{found[0]['guid']}/relationships/{lifecycle}_spaces")
    cf.json({"data": [go_types.GUID]}, "POST", url, {"data": [{"guid": place["guid"]}]})
    return ["OK", "TIP: If Dynamic ASG's are enabled, changes will automatically apply."]


def marketplace(cf: Cf, offering: str = "") -> list[str]:
    """``cf marketplace [-e OFFERING]``; without a sign-in what is public."""
    cf.begin()
    query: dict[str, Any] = {"available": "true", "include": "service_offering"}
    query["fields[service_offering.service_broker]"] = ["name", "guid"]
    query |= {"space_guids": cf.space["guid"]} if cf.token and cf.space else {}
    query |= {"service_offering_names": offering} if offering else {}
    beside = {"service_offerings": go_types.OFFERING, "service_brokers": go_types.USER | {"name": str}}
    plans, included = cf.pages(go_types.PLAN, cf.v3("service_plans", **query), beside)
    offerings = {one["guid"]: one for one in included["service_offerings"]}
    brokers = {one["guid"]: one["name"] for one in included["service_brokers"]}
    rows: dict[str, list[str]] = {}
    for plan in plans:
        of = offerings[plan["relationships"]["service_offering"]["data"]["guid"]]
        broker = brokers[of["relationships"]["service_broker"]["data"]["guid"]]
        if not of["name"] or not broker:
            raise Undecodable(f"the plan {plan['name']} has an offering or broker without a name")
        rows.setdefault(f"{of['name']} ({broker})", []).append(plan["name"])
    return [f"{name} {', '.join(sorted(plans))}" for name, plans in sorted(rows.items())]
