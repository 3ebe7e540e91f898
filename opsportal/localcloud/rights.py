"""Who may see and do what: the roles of platform API §3.7, asked of the store at each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import not_authorized, not_found, organization_suspended

if TYPE_CHECKING:
    from .context import Cloud
    from .web import ApiRequest, Caller

DEVELOPER = ("space_developer",)
DEVELOPER_OR_SUPPORTER = ("space_developer", "space_supporter")
ORGANIZATION_ROLES = frozenset(
    {"organization_user", "organization_auditor", "organization_manager", "organization_billing_manager"}
)
SPACE_ROLES = frozenset({"space_auditor", "space_developer", "space_manager", "space_supporter"})


def visible_spaces(request: ApiRequest) -> frozenset[str] | None:
    """The guids of the spaces the caller can see: with a role in them, or managing their organization.

    None means all of them (admins, read-only admins, global auditors).
    """
    if request.caller.sees_everything:
        return None
    store = request.context.store
    who = request.caller.guid
    managed = store.values("role", "organization_guid", user_guid=who, type="organization_manager")
    spaces = store.values("space", "guid", organization_guid=managed) if managed else set()
    return frozenset(spaces | store.values("role", "space_guid", user_guid=who) - {None})


def visible_organizations(request: ApiRequest) -> frozenset[str] | None:
    """The guids of the organizations the caller has any role in; None means all."""
    if request.caller.sees_everything:
        return None
    store = request.context.store
    who = request.caller.guid
    spaces = store.values("role", "space_guid", user_guid=who) - {None}
    own = store.values("role", "organization_guid", user_guid=who) - {None}
    return frozenset(own | store.values("space", "organization_guid", guid=spaces))


def roles_in(cloud: Cloud, caller: Caller, organization: str | None, space: str | None) -> frozenset[str]:
    """The types of the caller's roles in that organization and that space."""
    places = {"organization_guid": organization, "space_guid": space}
    return frozenset(
        kind
        for key, guid in places.items()
        if guid is not None
        for kind in cloud.store.values("role", "type", user_guid=caller.guid, **{key: guid})
    )


def roles_for_space(request: ApiRequest, space_guid: str | None) -> frozenset[str]:
    """The caller's roles that bear on a space: those in it and those in its organization."""
    space = request.context.store.get("space", space_guid)
    organization = space["organization_guid"] if space else None
    return roles_in(request.context, request.caller, organization, space_guid)


def can_see_space(request: ApiRequest, space_guid: str | None) -> bool:
    """Whether the caller can see what lies in a space."""
    if request.caller.sees_everything:
        return True
    return bool(roles_for_space(request, space_guid) & (SPACE_ROLES | {"organization_manager"}))


def has_space_role(request: ApiRequest, space_guid: str | None, *roles: str) -> bool:
    """Whether the caller has one of these roles for the space, or is admin."""
    return request.caller.is_admin or bool(roles_for_space(request, space_guid) & set(roles))


def require_space_role(
    request: ApiRequest, space_guid: str | None, *roles: str, resource: str = "Space"
) -> None:
    """Refuse unless the caller may: 404 "``resource`` not found" when not visible, 403 when visible but not
    permitted.

    ``roles`` are space roles and ``organization_manager`` (of the space's organization); none means admins
    only. Admins always may. Nobody else may change anything in a suspended organization.
    """
    if request.caller.is_admin:
        return
    if not can_see_space(request, space_guid):
        raise not_found(resource)
    if not has_space_role(request, space_guid, *roles):
        raise not_authorized()
    space = request.context.store.get("space", space_guid) or {}
    if (request.context.store.get("organization", space.get("organization_guid")) or {}).get("suspended"):
        raise organization_suspended()


def require_visible_space(request: ApiRequest, space_guid: str | None, resource: str = "Space") -> None:
    """404 "``resource`` not found" unless the caller can see what lies in the space."""
    if not can_see_space(request, space_guid):
        raise not_found(resource)


def require_organization_role(
    request: ApiRequest, guid: str, *roles: str, resource: str = "Organization"
) -> None:
    """As :func:`require_space_role`, for an organization."""
    if request.caller.is_admin:
        return
    visible = visible_organizations(request)
    if visible is not None and guid not in visible:
        raise not_found(resource)
    if not roles_in(request.context, request.caller, guid, None) & set(roles):
        raise not_authorized()
    if (request.context.store.get("organization", guid) or {}).get("suspended"):
        raise organization_suspended()


def require_admin(request: ApiRequest) -> None:
    """403 unless the caller is an admin."""
    if not request.caller.is_admin:
        raise not_authorized()
