"""What the rig sees and changes on the local cloud, past the portal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests

from opsportal.adapters.cloudfoundry import App, Foundation
from opsportal.demo.estate import HUMAN, ORGANIZATION
from opsportal.demo.layout import Layout
from opsportal.demo.ports import Ports

LABEL, ATTEMPT = "opsportal-operation", "opsportal-attempt"
PASSWORD = "correct-horse-42"


class Platform:
    """The local cloud as its operator sees it. ``ports`` and ``layout`` say where it is."""

    ports: Ports
    layout: Layout

    @property
    def platform(self) -> Foundation:
        """The platform, as its operator sees it."""
        return Foundation(api_url=self.ports.cloud_url, username=HUMAN, password=PASSWORD)

    def app(self, environment: str) -> App | None:
        """The application of an environment."""
        cf = self.platform
        organization = cf.organization(ORGANIZATION)
        assert organization is not None
        space = cf.space(environment, organization.guid)
        assert space is not None
        return cf.app(f"getgov-{environment}", space.guid)

    def made(self, receipt: dict[str, Any]) -> dict[str, list[str]]:
        """What the operation made on the platform, by kind: the attempt's number of each."""
        app, labels = self.app(receipt["environment"]), {LABEL: receipt["id"]}
        if app is None:
            return {}
        cf = self.platform
        found: dict[str, Sequence[Any]] = {
            "packages": cf.packages(app.guid, labels=labels),
            "builds": cf.builds(app.guid, labels=labels),
            "deployments": cf.deployments(app.guid, labels=labels),
            "tasks": [
                task for task in cf.tasks(app.guid) if task.metadata.labels.get(LABEL) == receipt["id"]
            ],
        }
        return {
            kind: sorted(str(each.metadata.labels.get(ATTEMPT)) for each in each_kind)
            for kind, each_kind in found.items()
            if each_kind
        }

    def variables(self, environment: str) -> dict[str, str]:
        """The application's environment variables on the platform."""
        app = self.app(environment)
        return self.platform.environment_variables(app.guid) if app else {}

    def knobs(self, **changes: Any) -> dict[str, Any]:
        """Turn the local cloud's knobs; answers all of them."""
        answer = self._admin("PATCH", "/localcloud/knobs", json=changes)
        return dict(answer.json())

    def faults_left(self) -> int:
        """How many faults are still to come."""
        return len(self._admin("GET", "/localcloud/knobs").json()["faults"])

    def requests_since(self, number: int = 0) -> list[dict[str, Any]]:
        """What the local cloud was asked after request ``number``."""
        answer = self._admin("GET", "/localcloud/requests", params={"since": number})
        return list(answer.json()["requests"])

    def _admin(self, method: str, path: str, **values: Any) -> requests.Response:
        token = (self.layout.cloud / "admin-token").read_text().strip()
        answer = requests.request(
            method,
            f"{self.ports.cloud_url}{path}",
            headers={"Authorization": f"bearer {token}"},
            timeout=30,
            **values,
        )
        assert answer.ok, answer.text
        return answer

    def get(self, environment: str, path: str = "/version") -> requests.Response:
        """A page of an environment's application, through the platform's router."""
        host = f"getgov-{environment}.{self.ports.apps_domain}"
        return requests.get(f"{self.ports.cloud_url}{path}", headers={"Host": host}, timeout=30)
