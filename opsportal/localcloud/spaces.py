"""Making and deleting organizations, spaces and roles: the rules that endpoints and the estate share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import bindings, jobs, services
from .context import audit
from .errors import not_found, unprocessable
from .rights import SPACE_ROLES
from .store import Document

if TYPE_CHECKING:
    from .context import Cloud

NO_METADATA: dict[str, Any] = {"labels": {}, "annotations": {}}
SSH_DESCRIPTION = "Enable SSHing into apps in the space."


def create_organization(
    cloud: Cloud, name: str, who: dict[str, str], *, suspended: bool = False, metadata: Any = None
) -> Document:
    """A new organization under the default quota; 422 when the name is taken."""
    with cloud.store.lock:
        if cloud.store.find("organization", name=name):
            raise unprocessable(f"Organization '{name}' already exists.")
        quota = cloud.store.first("organization_quota", name="default")
        made = cloud.store.create(
            "organization",
            {
                "name": name,
                "suspended": suspended,
                "quota_guid": quota["guid"] if quota else None,
                "metadata": metadata or NO_METADATA,
            },
        )
    audit(cloud, "audit.organization.create", who, target(made, "organization"), None, None, made["guid"])
    return made


def create_space(
    cloud: Cloud, organization: str, name: str, who: dict[str, str], metadata: Any = None
) -> Document:
    """A new space; 422 when its organization has one of that name."""
    with cloud.store.lock:
        if cloud.store.find("space", organization_guid=organization, name=name):
            raise unprocessable("Name must be unique per organization")
        made = cloud.store.create(
            "space",
            {
                "name": name,
                "organization_guid": organization,
                "quota_guid": None,
                "ssh_enabled": True,
                "metadata": metadata or NO_METADATA,
            },
        )
    audit(cloud, "audit.space.create", who, target(made, "space"), None, made["guid"], organization)
    return made


def target(document: Document, type: str) -> dict[str, str]:  # noqa: A002
    """A document as the target of an audit event."""
    return {"guid": document["guid"], "type": type, "name": document["name"]}


def create_role(
    cloud: Cloud,
    type: str,  # noqa: A002
    user: Document,
    who: dict[str, str],
    *,
    place: Document,
) -> Document:
    """Give a user a role in ``place``, an organization or a space as the type says; 422 as platform API §3.3 has it."""
    in_space = type in SPACE_ROLES
    with cloud.store.lock:
        wanted = {
            "type": type,
            "user_guid": user["guid"],
            "organization_guid": None if in_space else place["guid"],
            "space_guid": place["guid"] if in_space else None,
        }
        if cloud.store.find("role", **wanted):
            noun = "space" if in_space else "organization"
            named = user["username"] or user["guid"]
            raise unprocessable(f"User '{named}' already has '{type}' role in {noun} '{place['name']}'.")
        if in_space and not cloud.store.find(
            "role", user_guid=user["guid"], organization_guid=place["organization_guid"]
        ):
            raise unprocessable(
                "Users cannot be assigned roles in a space if they do not have a role in that space's organization."
            )
        made = cloud.store.create("role", wanted)
    note_role(cloud, made, user, who, "add")
    return made


def note_role(cloud: Cloud, role: Document, user: Document, who: dict[str, str], what: str) -> None:
    """Write the audit event of a role given (``add``) or taken away (``remove``)."""
    noun = {"guid": user["guid"], "type": "user", "name": user["username"] or user["guid"]}
    event = f"audit.user.{role['type']}_{what}"
    audit(cloud, event, who, noun, None, role["space_guid"], role["organization_guid"])


def check_role_deletable(cloud: Cloud, role: Document) -> None:
    """422 for ``organization_user`` while the user has roles in that organization's spaces."""
    if role["type"] != "organization_user":
        return
    spaces = {one["guid"] for one in cloud.store.find("space", organization_guid=role["organization_guid"])}
    if cloud.store.find("role", user_guid=role["user_guid"], space_guid=spaces):
        raise unprocessable(
            "Cannot delete organization_user role while user has roles in spaces in that organization."
        )


def delete_role(cloud: Cloud, data: dict[str, Any]) -> None:
    """The job ``role.delete``."""
    role = cloud.store.get("role", data["guid"])
    if role is None:
        return
    check_role_deletable(cloud, role)
    user = cloud.store.get("user", role["user_guid"])
    cloud.store.delete("role", role["guid"])
    if user is not None:
        note_role(cloud, role, user, data["who"], "remove")


def remove_space(cloud: Cloud, guid: str, who: dict[str, str]) -> None:
    """Delete a space with all that is in it: apps, routes, instances, shares, roles, places in security groups."""
    space = cloud.store.get("space", guid)
    if space is None:
        return
    for app in cloud.store.find("app", space_guid=guid):
        cloud.runtime.delete_app(app["guid"])
        bindings.unbind_app(cloud, app["guid"], who)
    for route in cloud.store.find("route", space_guid=guid):
        cloud.store.delete("route", route["guid"])
    for instance in cloud.store.find("service_instance", space_guid=guid):
        services.remove_instance(cloud, instance, who)
    for kind in ("service_share", "role"):
        for one in cloud.store.find(kind, space_guid=guid):
            cloud.store.delete(kind, one["guid"])
    _forget_in_security_groups(cloud, guid)
    cloud.store.delete("space", guid)
    audit(
        cloud,
        "audit.space.delete-request",
        who,
        target(space, "space"),
        None,
        guid,
        space["organization_guid"],
    )


def _forget_in_security_groups(cloud: Cloud, space: str) -> None:
    with cloud.store.lock:
        for group in cloud.store.find("security_group"):
            kept = {
                key: [one for one in group[key] if one != space]
                for key in ("running_space_guids", "staging_space_guids")
                if space in group[key]
            }
            if kept:
                cloud.store.update("security_group", group["guid"], **kept)


def _delete_space(cloud: Cloud, data: dict[str, Any]) -> None:
    remove_space(cloud, data["guid"], data["who"])


def _delete_organization(cloud: Cloud, data: dict[str, Any]) -> None:
    organization = cloud.store.get("organization", data["guid"])
    if organization is None:
        return
    for space in cloud.store.find("space", organization_guid=data["guid"]):
        remove_space(cloud, space["guid"], data["who"])
    for kind in ("role", "domain"):
        for one in cloud.store.find(kind, organization_guid=data["guid"]):
            cloud.store.delete(kind, one["guid"])
    cloud.store.delete("organization", data["guid"])
    noun = target(organization, "organization")
    audit(cloud, "audit.organization.delete-request", data["who"], noun, None, None, data["guid"])


jobs.register("space.delete", _delete_space)
jobs.register("organization.delete", _delete_organization)
jobs.register("role.delete", delete_role)


def domains_of(cloud: Cloud, organization: str) -> list[Document]:
    """The domains usable in an organization: its own, those shared with it, and everybody's."""
    return [
        one
        for one in cloud.store.find("domain")
        if one["organization_guid"] in {None, organization}
        or organization in one["shared_organization_guids"]
    ]


def default_domain(cloud: Cloud, organization: str) -> Document:
    """The first public shared domain, else the organization's first own one; 404 when there is none."""
    found = [one for one in domains_of(cloud, organization) if not one["internal"]]
    found.sort(key=lambda one: one["organization_guid"] is not None)
    if not found:
        raise not_found("Domain")
    return found[0]


def create_domain(
    cloud: Cloud, name: str, *, organization: str | None = None, internal: bool = False, metadata: Any = None
) -> Document:
    """A new domain, shared by all unless it has an ``organization``; 422 when the name is taken."""
    with cloud.store.lock:
        if cloud.store.find("domain", name=name):
            raise unprocessable(f'The domain name "{name}" is already in use')
        return cloud.store.create(
            "domain",
            {
                "name": name,
                "internal": internal,
                "organization_guid": organization,
                "shared_organization_guids": [],
                "metadata": metadata or NO_METADATA,
            },
        )
