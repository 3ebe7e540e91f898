"""The runtime: what the store says shall run is what runs, now and after every restart of the cloud."""

from __future__ import annotations

import contextlib
import logging
import resource
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from .bindings import unbind_app
from .blobs import Blobs
from .cell.cell import Cell
from .cell.spec import Crash, HealthCheck, Outside, Readiness, Spec, TaskSpec
from .context import audit
from .logs import LogStore
from .processes import processes_of, stamp
from .router import Proxy
from .routing import RouteTable
from .staging import INTERRUPTED, Stager
from .ticking import Deployments
from .vcap import environment

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

log = logging.getLogger(__name__)

STAGERS = 2
TASK_INTERRUPTED = "The task was interrupted by a restart of the platform"
NO_COMMAND = 'echo "Start command not specified" >&2; exit 1'
OF_AN_APP = ("process", "package", "build", "droplet", "deployment", "task", "revision", "sidecar")


class Runtime:
    """Runs the apps and tasks of a cloud. Made before `start`; all methods may be called from any thread."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.blobs = Blobs(cloud.data_dir / "blobs")
        self.logs = LogStore(cloud.data_dir / "logs.sqlite3", lambda: cloud.knobs.max_log_lines)
        outside = Outside(
            log=self.logs.append,
            unpack=self.blobs.unpack_droplet,
            changed=self._changed,
            crashed=lambda crash: self.submit(self._crashed, crash),
            readied=lambda one: self.submit(self._readied, one),
            start_seconds=lambda: cloud.knobs.start_seconds,
            stop_seconds=lambda: cloud.knobs.stop_seconds,
            memory_seconds=lambda: cloud.knobs.memory_seconds,
        )
        self.cell = Cell(cloud.data_dir.resolve() / "cell", outside)
        self.routes = RouteTable(cloud)
        self.deployments = Deployments(cloud, self.cell.reactor.call_later, self.submit)
        self._ending = False
        self._proxy = Proxy(self)
        self._stager = Stager(self)
        self._work = ThreadPoolExecutor(4, "localcloud-work")
        self._staging = ThreadPoolExecutor(STAGERS, "localcloud-staging")
        self._packing = ThreadPoolExecutor(STAGERS, "localcloud-packing")

    # -- life --------------------

    def start(self) -> None:
        """End what an earlier life left, say truthfully what became of it, and run what shall run."""
        _allow_many_files()
        killed = self.cell.start()
        if killed:
            log.warning("ended %d processes of an earlier life", killed)
        self._fail_interrupted()
        for app in self.cloud.store.find("app", state="STARTED"):
            self.converge_app(app["guid"])
        self.deployments.start()

    def stop(self) -> None:
        """End everything that runs; what shall run is still known for the next start."""
        self._ending = True
        for pool in (self._staging, self._packing):
            pool.shutdown(wait=False, cancel_futures=True)
        self.cell.stop()
        for pool in (self._work, self._staging, self._packing):
            pool.shutdown(wait=True, cancel_futures=True)
        self.logs.close()

    def _fail_interrupted(self) -> None:
        store = self.cloud.store
        for build in store.find("build", state="STAGING"):
            store.update("build", build["guid"], state="FAILED", error=INTERRUPTED)
        for task in store.find("task", state={"PENDING", "RUNNING", "CANCELING"}):
            reason = "task was cancelled" if task["state"] == "CANCELING" else TASK_INTERRUPTED
            store.update("task", task["guid"], state="FAILED", failure_reason=reason)
        for package in store.find("package", state={"PROCESSING_UPLOAD", "COPYING"}):
            data = {**package["data"], "error": "The upload was interrupted by a restart of the platform"}
            store.update("package", package["guid"], state="FAILED", data=data)
        for droplet in store.find("droplet", state={"PROCESSING_UPLOAD", "COPYING"}):
            text = "The upload was interrupted by a restart of the platform"
            store.update("droplet", droplet["guid"], state="FAILED", error=text)

    # -- small services --------------------

    def submit(self, work: Callable[..., object], *arguments: Any) -> None:
        """Do short work soon, in another thread."""
        with contextlib.suppress(RuntimeError):  # when everything is ending
            self._work.submit(_logged, work, *arguments)

    def later(self, seconds: float, work: Callable[..., object], *arguments: Any) -> None:
        """Do short work in a while, in another thread."""
        self.cell.reactor.call_later(seconds, self.submit, work, *arguments)

    def say(self, app_guid: str, source_type: str, text: str, stream: str = "OUT") -> None:
        """Write into an app's log in the platform's name."""
        self.logs.append(app_guid, source_type, "0", stream, [line.encode() for line in text.split("\n")])

    def new_guid(self) -> str:
        """A guid for something whose bits are kept before its document."""
        return str(uuid.uuid4())

    def router(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request for an application's host, as WSGI."""
        return self._proxy(environ, start_response)

    def routes_changed(self) -> None:
        """Routes, destinations or domains have changed."""
        self.routes.changed()

    # -- apps --------------------

    def converge_app(self, app_guid: str) -> None:
        """Make the cell run what the store says about this app."""
        with self.cloud.store.lock:  # so that an older view can never be told after a newer one
            app = self.cloud.store.get("app", app_guid)
            for process in processes_of(self.cloud, app_guid):
                spec = None
                if app is not None and app["state"] == "STARTED":
                    known = process["running"] is not None
                    spec = _spec(app, process if known else stamp(self.cloud, app, process, None))
                self.cell.converge(process["guid"], spec, process["instances"] if spec else 0)

    def remove_process(self, guid: str) -> None:
        """End a process's instances and forget it."""
        with self.cloud.store.lock:
            self.cloud.store.delete("process", guid)
            self.cell.converge(guid, None, 0)

    def delete_app(self, guid: str) -> None:
        """Stop and forget an app with all that hangs on it; one that is gone is fine."""
        store = self.cloud.store
        with store.lock:
            unbind_app(self.cloud, guid)
            for task in store.find("task", app_guid=guid):
                self.cell.cancel_task(task["guid"])
            for process in store.find("process", app_guid=guid):
                self.remove_process(process["guid"])
            for kind, path in (("package", self.blobs.package), ("droplet", self.blobs.droplet)):
                for document in store.find(kind, app_guid=guid):
                    self.blobs.delete(path(document["guid"]))
            for kind in (*OF_AN_APP, "destination"):
                for document in store.find(kind, app_guid=guid):
                    store.delete(kind, document["guid"])
            store.delete("app", guid)
        self.routes.changed()
        self.later(60, self._forget_log, guid)

    def _forget_log(self, app_guid: str) -> None:
        if self.cloud.store.get("app", app_guid) is None:
            self.logs.forget(app_guid)

    # -- packages, builds and tasks --------------------

    def process_package(self, work: Callable[[], object]) -> None:
        """Assemble an uploaded package soon."""
        self._packing.submit(_logged, work)

    def stage(self, build_guid: str) -> None:
        """Do a build's work soon."""
        self._staging.submit(_logged, self._stager.stage, build_guid, time.monotonic())

    def run_task(self, task: Document, app: Document, command: str) -> None:
        """Run a task's command in its droplet, with the app's environment as it is now."""
        spec = TaskSpec(
            guid=task["guid"],
            app_guid=app["guid"],
            name=task["name"],
            command=command,
            droplet=task["droplet_guid"],
            environment=environment(self.cloud, app, "running"),
            memory_in_mb=task["memory_in_mb"],
        )
        self.say(app["guid"], f"APP/TASK/{task['name']}", f"Creating container for task {task['guid']}")
        self.cell.run_task(
            spec,
            lambda guid: self.submit(self._task_started, guid),
            lambda guid, status, problem: self.submit(self._task_ended, guid, status, problem),
        )

    def _task_started(self, guid: str) -> None:
        with self.cloud.store.lock:
            task = self.cloud.store.get("task", guid)
            if task is not None and task["state"] == "PENDING":
                self.cloud.store.update("task", guid, state="RUNNING")

    def _task_ended(self, guid: str, status: int | None, problem: str) -> None:
        with self.cloud.store.lock:
            task = self.cloud.store.get("task", guid)
            if task is None or task["state"] in ("SUCCEEDED", "FAILED"):
                return
            if self._ending and status:
                return  # we ended it ourselves; the next start says so
            if task["state"] == "CANCELING":
                changes = {"state": "FAILED", "failure_reason": "task was cancelled"}
            elif status is None:
                changes = {
                    "state": "FAILED",
                    "failure_reason": f"Unable to request task to be run: {problem}",
                }
            elif status:
                text = f"APP/TASK/{task['name']}: Exited with status {status}{problem}"
                changes = {"state": "FAILED", "failure_reason": text}
            else:
                changes = {"state": "SUCCEEDED"}
            self.cloud.store.update("task", guid, **changes)

    # -- what the cell tells --------------------

    def _changed(self, process_guid: str) -> None:
        self.deployments.process_changed(process_guid)

    def _readied(self, one: Readiness) -> None:
        app = self.cloud.store.get("app", one.app_guid)
        if app is None:
            return
        actor = {"guid": one.process_guid, "type": "process", "name": one.process_type}
        target = {"guid": app["guid"], "type": "app", "name": app["name"]}
        facts = {"instance": one.instance_guid, "index": one.index, "cell_id": "local"}
        kind = f"audit.app.process.{'ready' if one.ready else 'not-ready'}"
        audit(self.cloud, kind, actor, target, facts, app["space_guid"])

    def _crashed(self, crash: Crash) -> None:
        app = self.cloud.store.get("app", crash.app_guid)
        if app is None:
            return
        payload = {
            "instance": crash.instance_guid,
            "index": crash.index,
            "cell_id": "local",
            "exit_status": crash.exit_status,
            "exit_description": crash.exit_description,
            "reason": "CRASHED",
        }
        actor = {"guid": crash.process_guid, "type": "process", "name": crash.process_type}
        target = {"guid": app["guid"], "type": "app", "name": app["name"]}
        for kind in ("app.crash", "audit.app.process.crash"):
            audit(self.cloud, kind, actor, target, payload, app["space_guid"])
        self.say(app["guid"], "API", f'Process has crashed with type: "{crash.process_type}"')
        shown = {**payload, "crash_count": crash.crash_count, "crash_timestamp": time.time_ns()}
        text = ", ".join(f'"{key}"=>{value!r}' for key, value in shown.items())
        self.say(
            app["guid"], "API", f"App instance exited with guid {crash.process_guid} payload: {{{text}}}"
        )


def _spec(app: Document, process: Document) -> Spec | None:
    running = process["running"]
    if running is None:
        return None
    return Spec(
        app_guid=app["guid"],
        process_guid=process["guid"],
        process_type=process["type"],
        version=running["version"],
        command=running["command"] or NO_COMMAND,
        droplet=running["droplet_guid"],
        environment=running["environment"],
        health=_check(running["health_check"], HealthCheck()),
        readiness=_check(running["readiness_health_check"], HealthCheck(interval=2)),
        memory_in_mb=running["memory_in_mb"],
        disk_in_mb=running["disk_in_mb"],
    )


def _check(check: dict[str, Any], default: HealthCheck) -> HealthCheck:
    data = check["data"]
    return HealthCheck(
        kind=check["type"],
        endpoint=data.get("endpoint") or "/",
        timeout=data.get("timeout") or default.timeout,
        invocation_timeout=data.get("invocation_timeout") or default.invocation_timeout,
        interval=data.get("interval") or default.interval,
    )


def _logged(work: Callable[..., object], *arguments: Any) -> None:
    try:
        work(*arguments)
    except Exception:  # nobody waits for the result, so the log must have it
        log.exception("work of the runtime failed")


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 65_536
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, 65_536), hard))
