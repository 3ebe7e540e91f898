"""Apps, their environment variables and features, cf-api §8.1 and §8.2."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.paths import filters, in_portions, labelled, v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata, metadata_body


@dataclass(frozen=True)
class App(Labelled):
    """An app. ``state`` is what is wanted (STARTED, STOPPED); health comes from the instances' stats."""

    guid: str
    name: str
    state: str
    space_guid: str | None
    current_droplet_guid: str | None
    lifecycle: str
    buildpacks: tuple[str, ...]
    stack: str | None
    metadata: Metadata
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def started(self) -> bool:
        """Whether it is meant to run."""
        return self.state == "STARTED"

    @classmethod
    def read(cls, fields: Fields) -> "App":
        """Read one as the API gives it."""
        lifecycle = fields.within("lifecycle")
        return cls(
            guid=fields.guid(),
            name=fields.text("name"),
            state=fields.text("state"),
            space_guid=fields.related("space"),
            current_droplet_guid=fields.related("current_droplet"),
            lifecycle=lifecycle.maybe_text("type") or "",
            buildpacks=lifecycle.within("data").names("buildpacks"),
            stack=lifecycle.within("data").maybe_text("stack"),
            metadata=Metadata.read(fields),
            created_at=fields.maybe_moment("created_at"),
            updated_at=fields.maybe_moment("updated_at"),
        )


class Apps(Client):
    """Finding apps, starting and stopping them, and what they are told by their environment."""

    def app(self, name: str, space_guid: str) -> App | None:
        """Find an app by its exact name in a space; None when there is none in sight."""
        found = self._list(v3("apps"), App.read, filters(names=[name], space_guids=[space_guid]))
        return next((one for one in found if one.name == name), None)

    def apps(self, space_guids: Iterable[str], labels: Mapping[str, str | None] | None = None) -> list[App]:
        """List the apps of some spaces, asking for fifty spaces at a time; no spaces, no apps."""
        found: list[App] = []
        for portion in in_portions(space_guids):
            found += self._list(v3("apps"), App.read, filters(space_guids=portion) | labelled(labels))
        return found

    def app_by_guid(self, guid: str) -> App:
        """Read an app; NotFound when it is gone."""
        return self._get(v3("apps", guid), App.read)

    def create_app(self, name: str, space_guid: str, labels: Mapping[str, str] | None = None) -> App:
        """Make an app without code, stopped; Unprocessable when the name is taken."""
        payload = {
            "name": name,
            "relationships": {"space": {"data": {"guid": space_guid}}},
            **metadata_body(labels),
        }
        return self._post(v3("apps"), payload, App.read)

    def start_app(self, app_guid: str) -> App:
        """Start it; Unprocessable without a droplet."""
        return self._post(v3("apps", app_guid, "actions", "start"), None, App.read)

    def stop_app(self, app_guid: str) -> App:
        """Stop all its instances."""
        return self._post(v3("apps", app_guid, "actions", "stop"), None, App.read)

    def restart_app(self, app_guid: str) -> App:
        """Stop and start all its instances, with downtime; a deployment does it without."""
        return self._post(v3("apps", app_guid, "actions", "restart"), None, App.read)

    def app_features(self, app_guid: str) -> dict[str, bool]:
        """Read which of ``ssh``, ``revisions`` and the like are switched on."""

        def feature(fields: Fields) -> tuple[str, bool]:
            return fields.text("name"), fields.flag("enabled")

        return dict(self._list(v3("apps", app_guid, "features"), feature, key="name"))

    def environment_variables(self, app_guid: str) -> dict[str, str]:
        """Read the variables set on the app. They hold secrets: compare them, never show them."""
        return self._get(v3("apps", app_guid, "environment_variables"), lambda fields: fields.texts("var"))

    def set_environment_variables(self, app_guid: str, variables: Mapping[str, str | None]) -> dict[str, str]:
        """Set some variables and delete those given as None; gives all that are set then.

        They take effect at the next start or deployment. Unprocessable for names that the platform keeps.
        """
        address = v3("apps", app_guid, "environment_variables")
        return self._patch(address, {"var": dict(variables)}, lambda fields: fields.texts("var"))
