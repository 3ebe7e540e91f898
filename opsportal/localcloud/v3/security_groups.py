"""``/v3/security_groups`` (platform API §3.4). They are kept and shown; on one machine they filter nothing."""

from __future__ import annotations

from typing import Any

from .. import jobs
from ..bodies import many_guids, to_many
from ..context import Cloud
from ..errors import not_authorized, not_found, unprocessable
from ..store import Document
from ..web import (
    Answer,
    ApiRequest,
    Body,
    can_see_space,
    has_space_role,
    listing,
    require_admin,
    route,
    visible_spaces,
)

PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6", "all")
RULE_KEYS = {"protocol", "destination", "ports", "type", "code", "description", "log"}
LIFECYCLES = ("running", "staging")
FILTERS: dict[str, Any] = {
    "names": "name",
    "globally_enabled_running": lambda one, wanted: _flag(one, "running") in wanted,
    "globally_enabled_staging": lambda one, wanted: _flag(one, "staging") in wanted,
    "running_space_guids": lambda one, wanted: not wanted.isdisjoint(one["running_space_guids"]),
    "staging_space_guids": lambda one, wanted: not wanted.isdisjoint(one["staging_space_guids"]),
}


def _flag(one: Document, lifecycle: str) -> str:
    return "true" if one["globally_enabled"][lifecycle] else "false"


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A security group as the API shows it, with those of its spaces that the caller may see."""
    seen = visible_spaces(request)
    return {
        "guid": one["guid"],
        "created_at": one["created_at"],
        "updated_at": one["updated_at"],
        "name": one["name"],
        "globally_enabled": one["globally_enabled"],
        "rules": one["rules"],
        "relationships": {f"{name}_spaces": {"data": _places(one, name, seen)} for name in LIFECYCLES},
        "links": {"self": request.href(f"/v3/security_groups/{one['guid']}")},
    }


def _places(one: Document, lifecycle: str, seen: frozenset[str] | None) -> list[dict[str, str]]:
    guids = one[f"{lifecycle}_space_guids"]
    return [{"guid": guid} for guid in guids if seen is None or guid in seen]


def _is_visible(request: ApiRequest, one: Document) -> bool:
    seen = visible_spaces(request)
    if seen is None or any(one["globally_enabled"].values()):
        return True
    return any(guid in seen for name in LIFECYCLES for guid in one[f"{name}_space_guids"]) or _manages(
        request
    )


def _manages(request: ApiRequest) -> bool:
    """Managers see every group by name, so that they can bind it to a space of theirs."""
    held = request.context.store.find("role", user_guid=request.caller.guid)
    return any(one["type"] in {"organization_manager", "space_manager"} for one in held)


def _visible(request: ApiRequest, guid: str) -> Document:
    found = request.context.store.get("security_group", guid)
    if found is None or not _is_visible(request, found):
        raise not_found("Security group")
    return found


@route("GET", "/v3/security_groups")
def index(request: ApiRequest) -> Answer:
    """Those the caller may see."""
    docs = [one for one in request.context.store.find("security_group") if _is_visible(request, one)]
    order = ("created_at", "updated_at", "name")
    return listing(request, docs, present, filters=FILTERS, labels=False, order_by=order)


def of_space(request: ApiRequest, space: str, lifecycle: str) -> dict[str, Any]:
    """The groups that apply to a space: its own and the global ones."""
    docs = [
        one
        for one in request.context.store.find("security_group")
        if one["globally_enabled"][lifecycle] or space in one[f"{lifecycle}_space_guids"]
    ]
    return listing(request, docs, present, filters={"names": "name"}, labels=False)


@route("POST", "/v3/security_groups")
def create(request: ApiRequest) -> Answer:
    """A new one, by admins."""
    require_admin(request)
    body, values = _checked(request)
    store = request.context.store
    with store.lock:
        _check_name(request.context, values["name"])
        made = store.create("security_group", values | _relationships(request, body))
    return present(request, made), 201


def _checked(request: ApiRequest, before: Document | None = None) -> tuple[Body, dict[str, Any]]:
    body = Body(request.json(), "name", "globally_enabled", "rules", *([] if before else ["relationships"]))
    start = before or {"name": "", "rules": [], "globally_enabled": {"running": False, "staging": False}}
    name = body.string("name", start["name"], required=before is None or "name" in body)
    enabled = body.object("globally_enabled", {})
    for key, value in enabled.items():
        if key not in LIFECYCLES or not isinstance(value, bool):
            body.problems.append('Globally enabled must be structured like this: {"running": true}')
    rules = body.values.get("rules", start["rules"])
    body.problems += _rule_problems(rules)
    body.check()
    return body, {"name": name, "rules": rules, "globally_enabled": start["globally_enabled"] | enabled}


def _rule_problems(rules: Any) -> list[str]:
    if not isinstance(rules, list):
        return ["Rules must be an array"]
    found = []
    for index, rule in enumerate(rules):
        if not isinstance(rule, dict):
            found.append(f"Rules[{index}]: must be an object")
            continue
        found += [f"Rules[{index}]: unknown field(s): ['{key}']" for key in rule if key not in RULE_KEYS]
        if rule.get("protocol") not in PROTOCOLS:
            found.append(f"Rules[{index}]: protocol must be 'tcp', 'udp', 'icmp', 'icmpv6' or 'all'")
        if not isinstance(rule.get("destination"), str):
            found.append(f"Rules[{index}]: destination must be a valid CIDR, IP address, or IP address range")
        if rule.get("protocol") in {"tcp", "udp"} and not isinstance(rule.get("ports"), str):
            found.append(f"Rules[{index}]: ports are required for protocols of type TCP and UDP")
    return found


def _check_name(cloud: Cloud, name: str) -> None:
    if cloud.store.find("security_group", name=name):
        raise unprocessable(f"Security group with name '{name}' already exists.")


def _relationships(request: ApiRequest, body: Body) -> dict[str, list[str]]:
    given = body.values.get("relationships") or {}
    result = {}
    for name in LIFECYCLES:
        one = given.get(f"{name}_spaces", {"data": []}) if isinstance(given, dict) else None
        guids = many_guids(one)
        if guids is None:
            raise unprocessable(f"Relationships {name.capitalize()} spaces must be a list of guids")
        _check_spaces(request, name, guids)
        result[f"{name}_space_guids"] = guids
    return result


def _check_spaces(request: ApiRequest, lifecycle: str, guids: list[str]) -> None:
    known = {one["guid"] for one in request.context.store.find("space", guid=guids)}
    missing = [guid for guid in guids if guid not in known or not can_see_space(request, guid)]
    if missing:
        raise unprocessable(
            f"{lifecycle.capitalize()} spaces with guids {missing} do not exist, or you do not have access to them."
        )


@route("GET", "/v3/security_groups/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    return present(request, _visible(request, guid))


@route("PATCH", "/v3/security_groups/<guid>")
def update(request: ApiRequest, guid: str) -> Answer:
    """Name, rules, reach; by admins."""
    before = _visible(request, guid)
    require_admin(request)
    _, values = _checked(request, before)
    with request.context.store.lock:
        if values["name"] != before["name"]:
            _check_name(request.context, values["name"])
        return present(request, request.context.store.update("security_group", guid, **values))


@route("DELETE", "/v3/security_groups/<guid>")
def delete(request: ApiRequest, guid: str) -> Answer:
    """By a job; by admins."""
    _visible(request, guid)
    require_admin(request)
    job = jobs.start(request.context, "security_group.delete", {"guid": guid})
    return jobs.answered(request, job)


jobs.register("security_group.delete", lambda cloud, data: cloud.store.delete("security_group", data["guid"]))


@route("POST", "/v3/security_groups/<guid>/relationships/running_spaces")
def bind_running(request: ApiRequest, guid: str) -> Answer:
    """Apply it to more spaces' running apps, from their next restart."""
    return _bind(request, guid, "running")


@route("POST", "/v3/security_groups/<guid>/relationships/staging_spaces")
def bind_staging(request: ApiRequest, guid: str) -> Answer:
    """Apply it to more spaces' staging."""
    return _bind(request, guid, "staging")


def _bind(request: ApiRequest, guid: str, lifecycle: str) -> dict[str, Any]:
    _visible(request, guid)
    added = to_many(request.json())
    _check_spaces(request, lifecycle, added)
    if not all(_may_bind(request, space) for space in added):
        raise not_authorized()
    key, store = f"{lifecycle}_space_guids", request.context.store
    with store.lock:
        before = store.get("security_group", guid)
        if before is None:
            raise not_found("Security group")
        places = [*before[key], *(space for space in added if space not in before[key])]
        after = store.update("security_group", guid, **{key: places})
    path = f"/v3/security_groups/{guid}/relationships/{lifecycle}_spaces"
    return {
        "data": _places(after, lifecycle, visible_spaces(request)),
        "links": {"self": request.href(path)},
    }


def _may_bind(request: ApiRequest, space: str) -> bool:
    return has_space_role(request, space, "organization_manager", "space_manager")


@route("DELETE", "/v3/security_groups/<guid>/relationships/running_spaces/<space>")
def unbind_running(request: ApiRequest, guid: str, space: str) -> Answer:
    """No longer apply it to a space's running apps."""
    return _unbind(request, guid, space, "running")


@route("DELETE", "/v3/security_groups/<guid>/relationships/staging_spaces/<space>")
def unbind_staging(request: ApiRequest, guid: str, space: str) -> Answer:
    """No longer apply it to a space's staging."""
    return _unbind(request, guid, space, "staging")


def _unbind(request: ApiRequest, guid: str, space: str, lifecycle: str) -> Answer:
    found = _visible(request, guid)
    key, store = f"{lifecycle}_space_guids", request.context.store
    if space not in found[key] or not can_see_space(request, space):
        raise unprocessable(
            f"Unable to unbind security group from space with guid '{space}'. "
            "Ensure the space is bound to this security group."
        )
    if not _may_bind(request, space):
        raise not_authorized()
    with store.lock:
        current = store.get("security_group", guid) or found
        store.update("security_group", guid, **{key: [one for one in current[key] if one != space]})
    return None, 204
