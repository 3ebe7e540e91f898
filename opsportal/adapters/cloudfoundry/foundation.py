"""The whole client: every theme of the API that the portal uses, on one connection."""

from collections.abc import Mapping

from opsportal.adapters.cloudfoundry.apps import Apps
from opsportal.adapters.cloudfoundry.audit_events import AuditEvents
from opsportal.adapters.cloudfoundry.builds import Builds
from opsportal.adapters.cloudfoundry.deployments import Deployments
from opsportal.adapters.cloudfoundry.droplets import Droplets
from opsportal.adapters.cloudfoundry.jobs import Jobs
from opsportal.adapters.cloudfoundry.logcache import LogCache
from opsportal.adapters.cloudfoundry.organizations import Organizations
from opsportal.adapters.cloudfoundry.packages import Packages
from opsportal.adapters.cloudfoundry.paths import v3
from opsportal.adapters.cloudfoundry.processes import Processes
from opsportal.adapters.cloudfoundry.revisions import Revisions
from opsportal.adapters.cloudfoundry.routes import Routes
from opsportal.adapters.cloudfoundry.services import Services
from opsportal.adapters.cloudfoundry.tasks import Tasks
from opsportal.adapters.cloudfoundry.wire import Metadata, metadata_body

_WITH_METADATA = frozenset(
    {
        "apps",
        "builds",
        "deployments",
        "droplets",
        "organizations",
        "packages",
        "processes",
        "revisions",
        "routes",
        "service_credential_bindings",
        "service_instances",
        "spaces",
        "tasks",
    }
)


class Foundation(
    Organizations,
    Apps,
    Jobs,
    Packages,
    Builds,
    Droplets,
    Deployments,
    Processes,
    Tasks,
    Services,
    Routes,
    Revisions,
    AuditEvents,
    LogCache,
):
    """One Cloud Foundry, as one set of credentials sees it. The constructor is Client's."""

    def labels(self, kind: str, guid: str) -> dict[str, str]:
        """Read the labels of an object; ``kind`` is the API's plural, such as "droplets"."""
        return dict(self._get(self._labelled_path(kind, guid), Metadata.read).labels)

    def label(
        self,
        kind: str,
        guid: str,
        labels: Mapping[str, str | None] | None = None,
        annotations: Mapping[str, str | None] | None = None,
    ) -> Metadata:
        """Set labels and annotations of an object, None deletes one; gives all it has then (cf-api §9)."""
        payload = metadata_body(labels, annotations)
        return self._patch(self._labelled_path(kind, guid), payload, Metadata.read)

    @staticmethod
    def _labelled_path(kind: str, guid: str) -> str:
        """Give the path of an object that can carry metadata; raises ValueError for other kinds."""
        if kind not in _WITH_METADATA:
            raise ValueError(f"{kind} carry no labels here")
        return v3(kind, guid)
