"""The estate: who and what a cloud holds from its first start, from a JSON file, applied again at each start.

What exists already is left as it is, except passwords and groups of the estate's own users, which follow the file.
Feature flags that it does not name have the platform's own defaults; without ``feature_flags`` at all, service instances
can be shared::

    {"organization": "gov", "domains": ["app.localhost"], "quota": {"apps": {"total_memory_in_mb": 65536}},
     "users": [{"username", "password", "roles": ["admin", "organization_manager"], "spaces": {"ab": ["space_developer"]}}],
     "clients": [{"id", "secret", "grants": [...], "redirect_uris": [...], "authorities": [...]}],
     "security_groups": [{"name", "rules": [...]}],
     "feature_flags": {"service_instance_sharing": true},
     "spaces": [{"name", "security_groups": [names],
                 "services": [{"name", "offering", "plan"} | {"name", "user_provided": {...}}]}],
     "github": {"users": [...], "repositories": [...]}}

What ``github`` holds is told in :mod:`.github.world`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.security import check_password_hash

from . import catalogue, people, services, spaces, tokens
from .brokers import broker_of, give_role
from .context import SYSTEM
from .github import seeding as github
from .rights import ORGANIZATION_ROLES, SPACE_ROLES
from .service_operations import operation
from .store import Document

if TYPE_CHECKING:
    from .context import Cloud

DEFAULT: dict[str, Any] = {
    "organization": "local",
    "domains": ["app.localhost", "app.cloud.gov"],
    "users": [
        {"username": "admin", "password": "admin", "roles": ["admin"], "spaces": {"dev": ["space_developer"]}}
    ],
    "feature_flags": {
        "service_instance_sharing": True
    },  # as operators of shared platforms set it; off by itself
    "spaces": [{"name": "dev"}],
}
_KEYS = {
    "organization",
    "domains",
    "quota",
    "users",
    "clients",
    "spaces",
    "security_groups",
    "feature_flags",
    "github",
}


class EstateError(ValueError):
    """An estate file that is not what it should be."""


def read(path: Path | None) -> dict[str, Any]:
    """The estate in a file, or the default one; :class:`EstateError` says what is wrong."""
    if path is None:
        return DEFAULT
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise EstateError(f"The estate {path} cannot be read: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("organization"), str):
        raise EstateError(f"The estate {path} names no organization.")
    unknown = set(found) - _KEYS
    if unknown:
        raise EstateError(f"The estate {path} has unknown keys: {', '.join(sorted(unknown))}.")
    return found


def apply(cloud: Cloud, estate: dict[str, Any]) -> None:
    """Make what is missing; :class:`EstateError` says what the estate lacks."""
    try:
        _apply(cloud, estate)
    except KeyError as error:
        raise EstateError(f"Something in the estate lacks the key {error}.") from error
    except (TypeError, AttributeError) as error:
        raise EstateError(f"Something in the estate has the wrong form: {error}.") from error


def _apply(cloud: Cloud, estate: dict[str, Any]) -> None:
    catalogue.seed(cloud)
    for name in estate.get("domains") or DEFAULT["domains"]:
        if not cloud.store.find("domain", name=name):
            spaces.create_domain(cloud, name)
    organization = cloud.store.first("organization", name=estate["organization"])
    if organization is None:
        organization = spaces.create_organization(cloud, estate["organization"], SYSTEM)
    _apply_quota(cloud, organization, estate.get("quota"))
    _apply_flags(cloud, estate.get("feature_flags", DEFAULT["feature_flags"]))
    for group in estate.get("security_groups", ()):
        _apply_security_group(cloud, group)
    made = {one["name"]: _apply_space(cloud, organization, one) for one in estate.get("spaces", ())}
    for user in estate.get("users", ()):
        _apply_user(cloud, organization, made, user)
    for client in estate.get("clients", ()):
        _apply_client(cloud, client)
    try:
        github.apply(cloud, estate.get("github") or {})
    except github.SeedError as error:
        raise EstateError(str(error)) from error


def _apply_quota(cloud: Cloud, organization: Document, quota: dict[str, Any] | None) -> None:
    if not quota:
        return
    values = {part: limits | quota.get(part, {}) for part, limits in catalogue.UNLIMITED.items()}
    kept = catalogue.ensure(
        cloud, "organization_quota", str(quota.get("name", organization["name"])), **values
    )
    cloud.store.update("organization_quota", kept["guid"], **values)
    cloud.store.update("organization", organization["guid"], quota_guid=kept["guid"])


def _apply_flags(cloud: Cloud, flags: dict[str, bool]) -> None:
    """Flags that an admin has switched since are left as they are."""
    for name, enabled in flags.items():
        flag = cloud.store.get("feature_flag", name)
        if flag is None:
            raise EstateError(f"The estate sets the feature flag '{name}', which does not exist.")
        if not flag.get("touched") and flag["enabled"] != bool(enabled):
            cloud.store.update("feature_flag", name, enabled=bool(enabled))


def _apply_security_group(cloud: Cloud, group: dict[str, Any]) -> Document:
    return catalogue.ensure(
        cloud,
        "security_group",
        group["name"],
        rules=group.get("rules", []),
        globally_enabled={"running": False, "staging": False},
        running_space_guids=[],
        staging_space_guids=[],
    )


def _apply_space(cloud: Cloud, organization: Document, wanted: dict[str, Any]) -> Document:
    space = cloud.store.first("space", organization_guid=organization["guid"], name=wanted["name"])
    if space is None:
        space = spaces.create_space(cloud, organization["guid"], wanted["name"], SYSTEM)
    for name in wanted.get("security_groups", ()):
        group = _apply_security_group(cloud, {"name": name})
        if space["guid"] not in group["running_space_guids"]:
            places = [*group["running_space_guids"], space["guid"]]
            cloud.store.update("security_group", group["guid"], running_space_guids=places)
    for service in wanted.get("services", ()):
        _apply_service(cloud, space, service)
    return space


def _apply_service(cloud: Cloud, space: Document, wanted: dict[str, Any]) -> None:
    """Estate services are ready at once, however slow the knobs make others."""
    if cloud.store.find("service_instance", space_guid=space["guid"], name=wanted["name"]):
        return
    if "user_provided" in wanted:
        services.new_instance(
            cloud, space["guid"], wanted["name"], "user-provided", credentials=wanted["user_provided"]
        )
        return
    plan = plan_named(cloud, wanted["offering"], wanted["plan"])
    if plan is None:
        raise EstateError(f"There is no plan {wanted['plan']} of {wanted['offering']} for {wanted['name']}.")
    instance = services.new_instance(
        cloud, space["guid"], wanted["name"], "managed", service_plan_guid=plan["guid"]
    )
    broker_of(cloud, instance).create(cloud, instance)
    done = operation(cloud, "create", "succeeded")
    cloud.store.update("service_instance", instance["guid"], last_operation=done)


def plan_named(cloud: Cloud, offering: str, plan: str) -> Document | None:
    """A plan by the names of its offering and its own."""
    found = cloud.store.first("service_offering", name=offering)
    if found is None:
        return None
    return cloud.store.first("service_plan", name=plan, service_offering_guid=found["guid"])


def _apply_user(
    cloud: Cloud, organization: Document, made: dict[str, Document], wanted: dict[str, Any]
) -> None:
    name, roles = wanted["username"], wanted.get("roles", [])
    guid = _user(cloud, wanted)["guid"]
    give_role(cloud, guid, "organization_user", organization=organization["guid"])
    for role in roles:
        if role not in tokens.GROUPS:
            _check_role(role, ORGANIZATION_ROLES, name)
            give_role(cloud, guid, role, organization=organization["guid"])
    for space, space_roles in wanted.get("spaces", {}).items():
        if space not in made:
            raise EstateError(f"The estate gives {name} roles in '{space}', which is no space of it.")
        for role in space_roles:
            _check_role(role, SPACE_ROLES, name)
            give_role(cloud, guid, role, space=made[space]["guid"])


def _user(cloud: Cloud, wanted: dict[str, Any]) -> Document:
    """The user, made or brought up to the estate's password and groups."""
    name, password = wanted["username"], wanted["password"]
    groups = [scope for role in wanted.get("roles", ()) for scope in tokens.GROUPS.get(role, ())]
    user = cloud.store.first("user", username=name, origin="uaa")
    if user is None:
        return people.create_user(cloud, name, password, groups=tuple(groups))
    changes: dict[str, Any] = {}
    if user["groups"] != groups:
        changes["groups"] = groups
    if not check_password_hash(user["password_hash"] or "", password):
        changes["password_hash"] = people.hashed(password)
    return cloud.store.update("user", user["guid"], **changes) if changes else user


def _check_role(role: str, known: frozenset[str], username: str) -> None:
    if role not in known:
        raise EstateError(f"The estate gives {username} the role '{role}', which does not exist there.")


def _apply_client(cloud: Cloud, wanted: dict[str, Any]) -> None:
    values = {
        "grants": wanted.get("grants", ["client_credentials"]),
        "redirect_uris": wanted.get("redirect_uris", []),
        "authorities": wanted.get("authorities", ["cloud_controller.read", "cloud_controller.write"]),
    }
    kept = cloud.store.get("uaa_client", wanted["id"])
    if kept is None:
        secret = people.hashed(wanted["secret"])
        cloud.store.create("uaa_client", {"guid": wanted["id"], "secret_hash": secret, **values})
        return
    if not check_password_hash(kept["secret_hash"], wanted["secret"]):
        values["secret_hash"] = people.hashed(wanted["secret"])
    cloud.store.update("uaa_client", wanted["id"], **values)
