"""Making routes and leading them to apps: the rules that endpoints and manifests share (platform API §8.5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .app_life import audit_app
from .errors import unprocessable
from .running import runtime
from .store import timestamp

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

HOST = re.compile(r"(\*|[\w-]{1,63})\Z", re.ASCII)
DEFAULT_PORT = 8080


def host_problem(host: str) -> str | None:
    """What is wrong with a route's host, or None."""
    if host and not HOST.match(host):
        return 'Host must be either "*" or contain only alphanumeric characters, "_", or "-"'
    return None


def path_problem(path: str) -> str | None:
    """What is wrong with a route's path, or None."""
    if not path:
        return None
    if not path.startswith("/"):
        return "Path must begin with a '/'"
    if path == "/":
        return "Path cannot be exactly '/'"
    if "?" in path:
        return "Path cannot contain '?'"
    return "Path is too long (maximum is 128 characters)" if len(path) > 128 else None


def domains_of(cloud: Cloud, organization_guid: str | None) -> list[Document]:
    """The domains that an organization can use: shared with all, its own, shared with it."""
    return [one for one in cloud.store.find("domain") if is_usable(one, organization_guid)]


def is_usable(domain: Document, organization_guid: str | None) -> bool:
    """Whether an organization can use a domain."""
    owner = domain.get("organization_guid")
    shared: list[str] = domain.get("shared_organization_guids") or []
    return owner is None or owner == organization_guid or organization_guid in shared


def find_route(
    cloud: Cloud, domain_guid: str, host: str, path: str, port: int | None = None
) -> Document | None:
    """The route of exactly this address, in whatever space."""
    for route in cloud.store.find("route", domain_guid=domain_guid):
        if (route["host"].lower(), route["path"], route.get("port")) == (host.lower(), path, port):
            return route
    return None


def create_route(
    cloud: Cloud, space: Document, domain: Document, *, host: str, path: str = "", **values: Any
) -> Document:
    """A new route; 422 "Route already exists …" when the address is taken anywhere."""
    with cloud.store.lock:
        if find_route(cloud, domain["guid"], host, path) is not None:
            raise unprocessable(_taken(host, path, domain["name"]))
        if not host and domain.get("organization_guid") is None:
            raise unprocessable("Missing host. Routes in shared domains must have a host defined.")
        route = cloud.store.create(
            "route",
            {
                "protocol": "http",
                "host": host,
                "path": path,
                "port": None,
                "domain_guid": domain["guid"],
                "space_guid": space["guid"],
                "options": {},
                "metadata": {"labels": {}, "annotations": {}},
                **values,
            },
        )
    runtime(cloud).routes_changed()
    return route


def _taken(host: str, path: str, domain: str) -> str:
    if host and path:
        return f"Route already exists with host '{host}' and path '{path}' for domain '{domain}'."
    if host:
        return f"Route already exists with host '{host}' for domain '{domain}'."
    return f"Route already exists for domain '{domain}'."


def destinations_of(cloud: Cloud, route_guid: str) -> list[Document]:
    """Where a route leads, oldest first."""
    return cloud.store.find("destination", route_guid=route_guid)


def map_route(
    cloud: Cloud,
    who: dict[str, str],
    route: Document,
    app: Document,
    kind: str = "web",
    port: int | None = None,
    protocol: str | None = None,
) -> Document:
    """Lead a route to a process of an app; one that is there already stays as it is."""
    with cloud.store.lock:
        for one in cloud.store.find("destination", route_guid=route["guid"], app_guid=app["guid"]):
            if one["process_type"] == kind and (port is None or one["port"] == port):
                if protocol is not None and one["protocol"] != protocol:
                    return cloud.store.update("destination", one["guid"], protocol=protocol)
                return one
        made = cloud.store.create(
            "destination",
            {
                "route_guid": route["guid"],
                "app_guid": app["guid"],
                "process_type": kind,
                "port": port or DEFAULT_PORT,
                "protocol": protocol or "http1",
                "weight": None,
            },
        )
        cloud.store.update("route", route["guid"], updated_at=timestamp(cloud.now()))
    runtime(cloud).routes_changed()
    _audit(cloud, "audit.app.map-route", who, route, made)
    return made


def unmap(cloud: Cloud, who: dict[str, str], route: Document, destination: Document) -> None:
    """Lead a route to this place no more."""
    cloud.store.delete("destination", destination["guid"])
    runtime(cloud).routes_changed()
    _audit(cloud, "audit.app.unmap-route", who, route, destination)


def _audit(cloud: Cloud, kind: str, who: dict[str, str], route: Document, destination: Document) -> None:
    app = cloud.store.get("app", destination["app_guid"])
    if app is not None:
        data = {
            "route_guid": route["guid"],
            "app_port": destination["port"],
            "destination_guid": destination["guid"],
            "process_type": destination["process_type"],
            "weight": None,
        }
        audit_app(cloud, kind, who, app, data)


def delete_route(cloud: Cloud, guid: str) -> None:
    """Forget a route and where it leads; one that is gone is fine."""
    with cloud.store.lock:
        for one in destinations_of(cloud, guid):
            cloud.store.delete("destination", one["guid"])
        cloud.store.delete("route", guid)
    runtime(cloud).routes_changed()


def split_address(cloud: Cloud, organization_guid: str | None, address: str) -> tuple[Document, str, str]:
    """(domain, host, path) of an address such as "web.example.gov/v1"; 422 when no domain fits."""
    bare = re.sub(r"^(https?|tcp)://", "", address.strip())
    name, slash, path = bare.partition("/")
    labels = name.partition(":")[0].split(".")
    known = {one["name"].lower(): one for one in domains_of(cloud, organization_guid)}
    for first in range(min(2, len(labels))):
        domain = known.get(".".join(labels[first:]).lower())
        if domain is not None:
            return domain, ".".join(labels[:first]), slash + path if path else ""
    raise unprocessable(f"The route '{address}' did not match any existing domains.")
