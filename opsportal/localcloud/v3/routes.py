"""Routes and their destinations (platform API §8.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import jobs
from ..bodies import Body, known_fields
from ..context import actor, audit
from ..errors import not_found, unprocessable
from ..listing import Includer, listing, pick, with_included
from ..lookup import by_organization, the_app, to_one
from ..mapping import (
    create_route,
    delete_route,
    destinations_of,
    find_route,
    host_problem,
    is_usable,
    map_route,
    path_problem,
    unmap,
)
from ..metadata import merged, present
from ..rights import (
    DEVELOPER_OR_SUPPORTER,
    can_see_space,
    require_space_role,
    require_visible_space,
    visible_spaces,
)
from ..routing import routes_of, url_of
from ..store import Document
from ..web import Answer, ApiRequest, route
from .apps import included_organizations, included_spaces

if TYPE_CHECKING:
    from ..context import Cloud

LOAD_BALANCING = ("round-robin", "least-connection", "hash")


def present_destination(destination: Document) -> dict[str, Any]:
    """A place a route leads to, as the API shows it."""
    return {
        "guid": destination["guid"],
        "app": {"guid": destination["app_guid"], "process": {"type": destination["process_type"]}},
        "weight": destination["weight"],
        "port": destination["port"],
        "protocol": destination["protocol"],
        "created_at": destination["created_at"],
        "updated_at": destination["updated_at"],
    }


def present_route(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A route as the API shows it."""
    base = f"/v3/routes/{one['guid']}"
    return {
        "guid": one["guid"],
        "protocol": one["protocol"],
        "port": one["port"],
        "created_at": one["created_at"],
        "updated_at": one["updated_at"],
        "host": one["host"],
        "path": one["path"],
        "url": url_of(request.context, one),
        "destinations": [present_destination(each) for each in destinations_of(request.context, one["guid"])],
        "options": one["options"],
        "metadata": present(one["metadata"]),
        "relationships": {"space": to_one(one["space_guid"]), "domain": to_one(one["domain_guid"])},
        "links": {
            "self": request.href(base),
            "space": request.href(f"/v3/spaces/{one['space_guid']}"),
            "domain": request.href(f"/v3/domains/{one['domain_guid']}"),
            "destinations": request.href(f"{base}/destinations"),
        },
    }


def included_domains(request: ApiRequest, routes: list[Document]) -> dict[str, list[dict[str, Any]]]:
    """The domains of routes, each once."""
    from .domains import present as present_domain  # noqa: PLC0415 - so that either module can be loaded first

    guids = list(dict.fromkeys(one["domain_guid"] for one in routes))
    found = [request.context.store.get("domain", guid) for guid in guids]
    return {"domains": [present_domain(request, one) for one in found if one]}


INCLUDE: dict[str, Includer] = {
    "domain": included_domains,
    "space": included_spaces,
    "space.organization": included_organizations,
}


def _listed(request: ApiRequest, found: list[Document], *, include: bool) -> Answer:
    store = request.context.store

    def leads_to(one: Document, wanted: frozenset[str]) -> bool:
        return any(each["app_guid"] in wanted for each in store.find("destination", route_guid=one["guid"]))

    filters: dict[str, Any] = {
        "hosts": "host",
        "paths": "path",
        "ports": "port",
        "domain_guids": "domain_guid",
        "space_guids": "space_guid",
        "organization_guids": by_organization(request),
        "service_instance_guids": lambda _one, _wanted: False,
        "app_guids": leads_to,
    }
    return listing(request, found, present_route, filters=filters, include=INCLUDE if include else None)


@route("GET", "/v3/routes")
def list_routes(request: ApiRequest) -> Answer:
    """All routes that the caller can see."""
    narrow = {"hosts": "host", "domain_guids": "domain_guid", "space_guids": "space_guid"}
    return _listed(request, pick(request, "route", narrow, space_guid=visible_spaces(request)), include=True)


@route("GET", "/v3/apps/<guid>/routes")
def list_routes_of_app(request: ApiRequest, guid: str) -> Answer:
    """The routes that lead to an app."""
    the_app(request, guid)
    return _listed(request, routes_of(request.context, guid), include=True)


def the_route(request: ApiRequest, guid: str, *roles: str) -> Document:
    """A route that the caller can see and may change with these roles; 404 "Route not found" or 403."""
    found = request.context.store.get("route", guid)
    if found is None:
        raise not_found("Route")
    if roles:
        require_space_role(request, found["space_guid"], *roles, resource="Route")
    else:
        require_visible_space(request, found["space_guid"], "Route")
    return found


@route("GET", "/v3/routes/<guid>")
def show_route(request: ApiRequest, guid: str) -> Answer:
    """One route."""
    found = the_route(request, guid)
    return with_included(request, found, present_route(request, found), INCLUDE)


@route("POST", "/v3/routes")
def post_route(request: ApiRequest) -> Answer:
    """A new route, leading nowhere yet."""
    body = Body(request.json(), "host", "path", "port", "relationships", "options", "metadata")
    host = body.string("host", "", null=True)
    path = body.string("path", "", null=True)
    body.integer("port", least=1)
    options = _options(body)
    space_guid, domain_guid = body.relationship("space"), body.relationship("domain")
    body.problems += [problem for problem in (host_problem(host), path_problem(path)) if problem]
    body.check()
    store = request.context.store
    space, domain = store.get("space", space_guid), store.get("domain", domain_guid)
    if space is None or not can_see_space(request, space_guid):
        raise unprocessable("Invalid space. Ensure that the space exists and you have access to it.")
    if domain is None or not is_usable(domain, space["organization_guid"]):
        raise unprocessable("Invalid domain. Ensure that the domain exists and you have access to it.")
    require_space_role(request, space_guid, *DEVELOPER_OR_SUPPORTER)
    if body.values.get("port") is not None:
        raise unprocessable("Routes with protocol 'http' do not support ports.")
    made = create_route(
        request.context,
        space,
        domain,
        host=host,
        path=path,
        options=options,
        metadata=merged(None, body.values),
    )
    _audit(request, "audit.route.create", made)
    return present_route(request, made), 201


def _audit(request: ApiRequest, kind: str, one: Document) -> None:
    target = {"guid": one["guid"], "type": "route", "name": one["host"]}
    audit(request.context, kind, actor(request.user), target, {}, one["space_guid"])


def _options(body: Body) -> dict[str, Any]:
    options = body.object("options")
    body.problems += [
        f"Options Unknown field(s): '{key}'"
        for key in options
        if key not in ("loadbalancing", "hash_header", "hash_balance")
    ]
    if options.get("loadbalancing") not in (None, *LOAD_BALANCING):
        body.problems.append(f"Options Loadbalancing must be one of '{', '.join(LOAD_BALANCING)}' if present")
    return options


@route("PATCH", "/v3/routes/<guid>")
def patch_route(request: ApiRequest, guid: str) -> Answer:
    """Other options or metadata."""
    found = the_route(request, guid, *DEVELOPER_OR_SUPPORTER)
    body = Body(request.json(), "options", "metadata")
    options = {**found["options"], **_options(body)}
    body.check()
    options = {key: value for key, value in options.items() if value is not None}
    changed = request.context.store.update(
        "route", guid, options=options, metadata=merged(found["metadata"], body.values)
    )
    return present_route(request, changed)


@route("DELETE", "/v3/routes/<guid>")
def remove_route(request: ApiRequest, guid: str) -> Answer:
    """Delete a route, by a job."""
    found = the_route(request, guid, *DEVELOPER_OR_SUPPORTER)
    _audit(request, "audit.route.delete-request", found)
    job = jobs.start(request.context, "route.delete", {"guid": guid}, {"route": f"/v3/routes/{guid}"})
    return jobs.answered(request, job)


def _delete(cloud: Cloud, data: dict[str, Any]) -> None:
    delete_route(cloud, data["guid"])


jobs.register("route.delete", _delete)


def _destinations(request: ApiRequest, guid: str) -> dict[str, Any]:
    found = [present_destination(one) for one in destinations_of(request.context, guid)]
    base = f"/v3/routes/{guid}"
    return {
        "destinations": found,
        "links": {"self": request.href(f"{base}/destinations"), "route": request.href(base)},
    }


@route("GET", "/v3/routes/<guid>/destinations")
def list_destinations(request: ApiRequest, guid: str) -> Answer:
    """Where a route leads."""
    the_route(request, guid)
    return _destinations(request, guid)


@route("POST", "/v3/routes/<guid>/destinations")
def add_destinations(request: ApiRequest, guid: str) -> Answer:
    """Lead a route to more places."""
    found = the_route(request, guid, *DEVELOPER_OR_SUPPORTER)
    for app, kind, port, protocol in _wanted(request, found):
        map_route(request.context, actor(request.user), found, app, kind, port, protocol)
    return _destinations(request, guid)


@route("PATCH", "/v3/routes/<guid>/destinations")
def replace_destinations(request: ApiRequest, guid: str) -> Answer:
    """Lead a route to these places alone, in one move."""
    found = the_route(request, guid, *DEVELOPER_OR_SUPPORTER)
    wanted = _wanted(request, found)
    with request.context.store.lock:
        kept = {
            map_route(request.context, actor(request.user), found, app, kind, port, protocol)["guid"]
            for app, kind, port, protocol in wanted
        }
        for one in destinations_of(request.context, guid):
            if one["guid"] not in kept:
                unmap(request.context, actor(request.user), found, one)
    return _destinations(request, guid)


def _wanted(request: ApiRequest, found: Document) -> list[tuple[Document, str, int | None, str | None]]:
    body = request.json()
    known_fields(body, "destinations")
    entries = body.get("destinations")
    if not isinstance(entries, list):
        raise unprocessable("Destinations must be an array")
    return [_one_wanted(request, found, index, entry) for index, entry in enumerate(entries)]


def _one_wanted(
    request: ApiRequest, found: Document, index: int, entry: Any
) -> tuple[Document, str, int | None, str | None]:
    app_given = entry.get("app") if isinstance(entry, dict) else None
    if not isinstance(app_given, dict) or not isinstance(app_given.get("guid"), str):
        raise unprocessable(f'Destinations[{index}]: App must have the structure {{"guid": "app_guid"}}')
    process = app_given.get("process") or {}
    kind = process.get("type", "web") if isinstance(process, dict) else "web"
    port, protocol = entry.get("port"), entry.get("protocol")
    if port is not None and (
        isinstance(port, bool) or not isinstance(port, int) or not 1024 <= port <= 65535
    ):
        raise unprocessable(
            f"Destinations[{index}]: Port must be a positive integer between 1024 and 65535 inclusive"
        )
    if protocol not in (None, "http1", "http2"):
        raise unprocessable(f"Destinations[{index}]: Protocol must be 'http1' or 'http2'")
    app = request.context.store.get("app", app_given["guid"])
    if app is None or not can_see_space(request, app["space_guid"]):
        raise unprocessable(
            f'App(s) with guid(s) "{app_given["guid"]}" do not exist or you do not have access.'
        )
    if app["space_guid"] != found["space_guid"]:
        raise unprocessable("Routes cannot be mapped to destinations in different spaces")
    return app, str(kind), port, protocol


@route("DELETE", "/v3/routes/<guid>/destinations/<destination_guid>")
def remove_destination(request: ApiRequest, guid: str, destination_guid: str) -> Answer:
    """Lead a route to one place less."""
    found = the_route(request, guid, *DEVELOPER_OR_SUPPORTER)
    destination = request.context.store.get("destination", destination_guid)
    if destination is None or destination["route_guid"] != guid:
        raise unprocessable(
            "Unable to unmap route from destination. Ensure the route has a destination with this guid."
        )
    unmap(request.context, actor(request.user), found, destination)
    return None, 204


@route("GET", "/v3/domains/<guid>/route_reservations")
def show_reservation(request: ApiRequest, guid: str) -> Answer:
    """Whether an address is taken."""
    request.allow_params("host", "path", "port")
    domain = request.context.store.get("domain", guid)
    if domain is None:
        raise not_found("Domain")
    host, path = request.params.get("host", ""), request.params.get("path", "")
    return {"matching_route": find_route(request.context, guid, host, path) is not None}


@route("DELETE", "/v3/spaces/<guid>/routes")
def remove_unmapped_routes(request: ApiRequest, guid: str) -> Answer:
    """Delete the routes of a space that lead nowhere, by a job."""
    request.allow_params("unmapped")
    if request.context.store.get("space", guid) is None:
        raise not_found("Space")
    require_space_role(request, guid, *DEVELOPER_OR_SUPPORTER)
    if request.params.get("unmapped") != "true":
        raise unprocessable(
            "Mass delete not supported for routes. Use 'unmapped=true' parameter to delete all unmapped routes."
        )
    links = {"space": f"/v3/spaces/{guid}"}
    job = jobs.start(request.context, "space.delete_unmapped_routes", {"guid": guid}, links)
    return jobs.answered(request, job)


def _delete_unmapped(cloud: Cloud, data: dict[str, Any]) -> None:
    for one in cloud.store.find("route", space_guid=data["guid"]):
        if not destinations_of(cloud, one["guid"]):
            delete_route(cloud, one["guid"])


jobs.register("space.delete_unmapped_routes", _delete_unmapped)
