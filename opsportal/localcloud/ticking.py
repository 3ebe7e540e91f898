"""Who calls the deployments forward: when an instance changes, and now and then to be sure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .deploying import ACTIVE, tick

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

TO_BE_SURE = 2.0  # seconds between two looks at a deployment when nothing seems to happen

Later = Callable[..., object]


class Deployments:
    """The deployments in progress. `later(seconds, callback, *arguments)` calls back without blocking anybody."""

    def __init__(self, cloud: Cloud, later: Later, submit: Later) -> None:
        self._cloud = cloud
        self._later = later
        self._submit = submit
        self._lock = threading.Lock()
        self._of_process: dict[str, str] = {}
        self._due: set[str] = set()

    def start(self) -> None:
        """Go on with those that an earlier life left."""
        for deployment in self._cloud.store.find("deployment", status_value=ACTIVE):
            self.watch(deployment)

    def watch(self, deployment: Document) -> None:
        """Call this deployment forward until it is done."""
        with self._lock:
            self._of_process[deployment["process_guid"]] = deployment["guid"]
        self._be_sure(deployment["guid"])
        self.ring(deployment["guid"])

    def process_changed(self, process_guid: str) -> None:
        """An instance of this process is not what it was (any thread, quick)."""
        guid = self._of_process.get(process_guid)
        if guid is not None:
            self.ring(guid)

    def ring(self, guid: str) -> None:
        """Look at a deployment after the knob's time; many rings in that time are one look."""
        with self._lock:
            if guid in self._due:
                return
            self._due.add(guid)
        self._later(self._cloud.knobs.deployment_tick_seconds, self._submit, self._look, guid)

    def _look(self, guid: str) -> None:
        with self._lock:
            self._due.discard(guid)
        if not tick(self._cloud, guid):
            with self._lock:
                self._of_process = {process: one for process, one in self._of_process.items() if one != guid}

    def _be_sure(self, guid: str) -> None:
        deployment = self._cloud.store.get("deployment", guid)
        if deployment is not None and deployment["status_value"] == ACTIVE:
            self.ring(guid)
            self._later(TO_BE_SURE, self._submit, self._be_sure, guid)
