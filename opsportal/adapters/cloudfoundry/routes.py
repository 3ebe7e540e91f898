"""Routes, cf-api §8.5."""

from dataclasses import dataclass

from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.paths import v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata


@dataclass(frozen=True)
class Destination:
    """Where a route leads."""

    app_guid: str | None
    process_type: str | None
    port: int | None


@dataclass(frozen=True)
class Route(Labelled):
    """A route. ``url`` is host, domain, path and port without a scheme."""

    guid: str
    url: str
    host: str
    path: str
    port: int | None
    protocol: str
    domain_guid: str | None
    destinations: tuple[Destination, ...]
    metadata: Metadata

    @classmethod
    def read(cls, fields: Fields) -> "Route":
        """Read one as the API gives it."""
        return cls(
            guid=fields.guid(),
            url=fields.text("url"),
            host=fields.maybe_text("host") or "",
            path=fields.maybe_text("path") or "",
            port=fields.maybe_whole("port"),
            protocol=fields.maybe_text("protocol") or "http",
            domain_guid=fields.related("domain"),
            destinations=tuple(_destination(one) for one in fields.maybe_items("destinations")),
            metadata=Metadata.read(fields),
        )


def _destination(fields: Fields) -> Destination:
    """Read one of a route's destinations."""
    app = fields.within("app")
    process = app.within("process").maybe_text("type")
    return Destination(app.maybe_text("guid"), process, fields.maybe_whole("port"))


class Routes(Client):
    """Reading how an app is reached."""

    def routes(self, app_guid: str) -> list[Route]:
        """List an app's routes."""
        return self._list(v3("apps", app_guid, "routes"), Route.read)
