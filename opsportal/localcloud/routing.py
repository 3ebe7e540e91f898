"""Routes and what they lead to: addresses of apps, and the table that the router looks into."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

LOCAL_SUFFIX = ".app.localhost"


def url_of(cloud: Cloud, route: Document) -> str:
    """A route's address without scheme: host.domain, port and path where it has them."""
    domain = cloud.store.get("domain", route["domain_guid"]) or {}
    name = domain.get("name", "")
    host = f"{route['host']}.{name}" if route["host"] else name
    port = f":{route['port']}" if route.get("port") else ""
    return f"{host}{port}{route['path']}"


def routes_of(cloud: Cloud, app_guid: str) -> list[Document]:
    """The routes that lead to an app, oldest first."""
    guids = [one["route_guid"] for one in cloud.store.find("destination", app_guid=app_guid)]
    return cloud.store.find("route", guid=set(guids))


def urls_of(cloud: Cloud, app_guid: str) -> list[str]:
    """The addresses of an app."""
    return [url_of(cloud, route) for route in routes_of(cloud, app_guid)]


@dataclass(frozen=True)
class Target:
    """A place that a route leads to."""

    app_guid: str
    process_type: str


@dataclass(frozen=True)
class Entry:
    """A route as the router sees it."""

    route_guid: str
    path: str
    targets: tuple[Target, ...]


class RouteTable:
    """Finds the route of a request. Rebuilt when somebody said `changed`; a deleted route is seen at once."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._stale = True
        self._by_host: dict[str, list[Entry]] = {}
        self._by_label: dict[str, list[Entry]] = {}

    def changed(self) -> None:
        """Routes, destinations or domains are not what they were."""
        self._stale = True

    def find(self, host: str, path: str) -> Entry | None:
        """The route for a host (lower case, without port) and path: the longest path that fits wins.

        `X.app.localhost` also finds the route whose host is X on any domain: so an application whose manifest
        names its real domain can be reached on this machine.
        """
        with self._lock:
            if self._stale:
                self._rebuild()
            candidates = self._by_host.get(host, [])
            if not candidates and host.endswith(LOCAL_SUFFIX):
                candidates = self._by_label.get(host.removesuffix(LOCAL_SUFFIX), [])
        for entry in candidates:
            if _leads(entry.path, path) and self._cloud.store.get("route", entry.route_guid):
                return entry
        return None

    def _rebuild(self) -> None:
        self._stale = False
        store = self._cloud.store
        domains = {one["guid"]: one["name"] for one in store.find("domain")}
        targets: dict[str, list[Target]] = {}
        for one in store.find("destination"):
            targets.setdefault(one["route_guid"], []).append(Target(one["app_guid"], one["process_type"]))
        by_host: dict[str, list[Entry]] = {}
        by_label: dict[str, list[Entry]] = {}
        for route in store.find("route"):
            name = domains.get(route["domain_guid"])
            if name is None:
                continue
            entry = Entry(route["guid"], route["path"], tuple(targets.get(route["guid"], [])))
            full = f"{route['host']}.{name}" if route["host"] else name
            by_host.setdefault(full.lower(), []).append(entry)
            by_label.setdefault(route["host"].lower(), []).append(entry)
        for table in (by_host, by_label):
            for entries in table.values():
                entries.sort(key=lambda one: (-len(one.path), not one.targets))
        self._by_host, self._by_label = by_host, by_label


def _leads(route_path: str, path: str) -> bool:
    return not route_path or path == route_path or path.startswith(route_path + "/")
