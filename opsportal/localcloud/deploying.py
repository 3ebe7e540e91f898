"""Rolling and canary deployments: what a deployment does when it is made, at each tick, and when it is cancelled.

The rules are those of platform API §4.7. A deployment never fails by itself: it goes on trying until somebody cancels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .app_life import assign_droplet, audit_app, start_app
from .errors import unprocessable
from .processes import copy_process, newest, processes_of, stamp
from .quota_rules import Size, check_deployment, check_growth, size_of
from .revisioning import revise
from .running import runtime
from .store import timestamp

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

ACTIVE = "ACTIVE"
FINALIZED = "FINALIZED"
SIZES = ("memory_in_mb", "disk_in_mb", "log_rate_limit_in_bytes_per_second")


def active(cloud: Cloud, app_guid: str) -> Document | None:
    """The app's deployment in progress, or None."""
    return cloud.store.first("deployment", app_guid=app_guid, status_value=ACTIVE)


def now(cloud: Cloud) -> str:
    """The time as the platform writes it."""
    return timestamp(cloud.now())


def set_status(cloud: Cloud, guid: str, value: str, reason: str, **changes: Any) -> Document:
    """Move a deployment to another status."""
    return cloud.store.update(
        "deployment", guid, status_value=value, status_reason=reason, last_status_change=now(cloud), **changes
    )


def create_deployment(
    cloud: Cloud,
    who: dict[str, str],
    app: Document,
    droplet: Document,
    *,
    strategy: str,
    options: dict[str, Any],
    metadata: dict[str, Any],
    revision: Document | None = None,
) -> Document:
    """Begin to replace what an app runs. The caller has checked rights and values.

    On a stopped app the droplet is assigned, the app started, and the deployment is done at once.
    """
    with cloud.store.lock:
        before = active(cloud, app["guid"])
        _check_room(cloud, app, {"strategy": strategy, "options": options}, before)
        if before is not None:
            set_status(cloud, before["guid"], FINALIZED, "SUPERSEDED")
        document = {
            "app_guid": app["guid"],
            "status_value": ACTIVE,
            "status_reason": "DEPLOYING",
            "last_status_change": now(cloud),
            "last_successful_healthcheck": now(cloud),
            "strategy": strategy,
            "options": options,
            "droplet_guid": droplet["guid"],
            "previous_droplet_guid": app["current_droplet_guid"],
            "new_processes": [],
            "process_guid": None,
            "original_instances": 0,
            "revision": None,
            "revision_guid": None,
            "rollback_commands": revision["commands"] if revision else None,
            "canary_step": 1,
            "metadata": metadata,
        }
        changes = {"environment_variables": revision["environment_variables"]} if revision else {}
        app = cloud.store.update("app", app["guid"], **changes)
        app = assign_droplet(cloud, who, app, droplet)
        if app["state"] == "STARTED":
            _begin(cloud, who, app, document, before, revision)
        else:
            _at_once(cloud, who, app, document, revision)
        deployment = cloud.store.create("deployment", document)
    _audit_create(cloud, who, app, deployment, revision)
    if deployment["status_value"] == ACTIVE:
        runtime(cloud).deployments.watch(deployment)
        runtime(cloud).converge_app(app["guid"])
    return deployment


def _check_room(cloud: Cloud, app: Document, wanted: dict[str, Any], before: Document | None) -> None:
    """422 when a quota has no room for it, before anything is changed."""
    source = newest(cloud, app["guid"], "web")
    if source is None:
        raise unprocessable("The app has no web process.")
    options = wanted["options"]
    memory = options.get("memory_in_mb", source["memory_in_mb"])
    if app["state"] == "STARTED":
        original = before["original_instances"] if before else source["instances"]
        first = _first_batch({**wanted, "original_instances": original})
        check_deployment(cloud, app, Size(first, memory))
        return
    others = [size_of(one) for one in processes_of(cloud, app["guid"]) if one["guid"] != source["guid"]]
    web = Size(options.get("web_instances", source["instances"]), memory)
    check_growth(cloud, app, [web, *others], [])


def _audit_create(
    cloud: Cloud, who: dict[str, str], app: Document, deployment: Document, revision: Document | None
) -> None:
    data = {
        "deployment_guid": deployment["guid"],
        "droplet_guid": deployment["droplet_guid"],
        "type": "rollback" if revision else None,
        "revision_guid": deployment["revision_guid"],
        "strategy": deployment["strategy"],
        "request": {"app_guid": app["guid"], "droplet_guid": deployment["droplet_guid"]},
    }
    audit_app(cloud, "audit.app.deployment.create", who, app, data)


def _at_once(
    cloud: Cloud, who: dict[str, str], app: Document, document: dict[str, Any], revision: Document | None
) -> None:
    if revision is not None:
        _apply_commands(cloud, app, revision["commands"])
    options, web = document["options"], newest(cloud, app["guid"], "web")
    sizes = {key: options[key] for key in SIZES if key in options}
    if "web_instances" in options:
        sizes["instances"] = options["web_instances"]
    if web is not None and sizes:
        cloud.store.update("process", web["guid"], **sizes)
    start_app(cloud, who, app)
    document |= {"status_value": FINALIZED, "status_reason": "DEPLOYED"}
    _point_to_revision(document, revise(cloud, who, app))


def _begin(
    cloud: Cloud,
    who: dict[str, str],
    app: Document,
    document: dict[str, Any],
    before: Document | None,
    wanted: Document | None,
) -> None:
    source = newest(cloud, app["guid"], "web")
    if source is None:
        raise unprocessable("The app has no web process.")
    commands = {one["type"]: one["command"] for one in processes_of(cloud, app["guid"])}
    if wanted is not None:
        commands = {**commands, **wanted["commands"]}
    revision = revise(
        cloud, who, app, commands=commands, rolled_back_to=wanted["version"] if wanted else None
    )
    options = document["options"]
    document["original_instances"] = before["original_instances"] if before else source["instances"]
    first = _first_batch(document)
    process = copy_process(
        cloud,
        who,
        app,
        source,
        instances=first,
        command=commands.get("web"),
        deployment=True,
        **{key: options[key] for key in SIZES if key in options},
    )
    stamp(cloud, app, process, revision)
    document["process_guid"] = process["guid"]
    document["new_processes"] = [{"guid": process["guid"], "type": "web"}]
    _point_to_revision(document, revision)


def _point_to_revision(document: dict[str, Any], revision: Document | None) -> None:
    if revision is not None:
        document["revision"] = {"guid": revision["guid"], "version": revision["version"]}
        document["revision_guid"] = revision["guid"]


def target_of(deployment: Document | dict[str, Any]) -> int:
    """How many instances the new web process has in the end."""
    return int(deployment["options"].get("web_instances", deployment["original_instances"]))


def _first_batch(document: dict[str, Any]) -> int:
    target = target_of(document)
    if document["strategy"] == "canary":
        return min(target, canary_instances(document, 1))
    return min(int(document["options"].get("max_in_flight", 1)), target)


def canary_weights(deployment: Document | dict[str, Any]) -> list[int]:
    """The weights of a canary's steps in percent; empty when it has the one step of a single instance."""
    steps = (deployment["options"].get("canary") or {}).get("steps") or []
    return [step["instance_weight"] for step in steps]


def canary_instances(deployment: Document | dict[str, Any], step: int) -> int:
    """How many new instances a canary has at a step, counted from 1."""
    weights = canary_weights(deployment)
    if not weights:
        return 1
    target = target_of(deployment)
    return max(1, min(target, round(target * weights[step - 1] / 100)))


def tick(cloud: Cloud, guid: str) -> bool:
    """Take the next step of a deployment if its time has come; False when there is nothing more to do for it."""
    with cloud.store.lock:
        deployment = cloud.store.get("deployment", guid)
        if deployment is None or deployment["status_value"] != ACTIVE:
            return False
        app = cloud.store.get("app", deployment["app_guid"])
        process = cloud.store.get("process", deployment["process_guid"])
        if app is None or process is None:
            return False
        if deployment["status_reason"] == "CANCELING":
            _roll_back(cloud, app, deployment, process)
            return False
        if deployment["status_reason"] != "DEPLOYING" or app["state"] != "STARTED":
            return True
        healthy = _healthy(cloud, process)
        if healthy < process["instances"]:
            return True
        cloud.store.update("deployment", guid, last_successful_healthcheck=now(cloud))
        return _advance(cloud, app, deployment, process, healthy)


def _healthy(cloud: Cloud, process: Document) -> int:
    version = (process["running"] or {}).get("version")
    states = runtime(cloud).cell.states(process["guid"])
    return sum(
        1 for state, routable, running in states if state == "RUNNING" and routable and running == version
    )


def _advance(cloud: Cloud, app: Document, deployment: Document, process: Document, healthy: int) -> bool:
    target = target_of(deployment)
    if deployment["strategy"] == "canary" and deployment["canary_step"] > 0:
        wanted = canary_instances(deployment, deployment["canary_step"])
        _scale_old(cloud, app, process, max(0, target - wanted + 1))
        if process["instances"] >= wanted:
            set_status(cloud, deployment["guid"], ACTIVE, "PAUSED")
        else:
            cloud.store.update("process", process["guid"], instances=wanted)
        runtime(cloud).converge_app(app["guid"])
        return True
    if process["instances"] >= target:
        _finish(cloud, app, deployment, process)
        return False
    step = int(deployment["options"].get("max_in_flight", 1))
    cloud.store.update("process", process["guid"], instances=min(target, process["instances"] + step))
    _scale_old(cloud, app, process, max(0, target - healthy))
    runtime(cloud).converge_app(app["guid"])
    return True


def _others(cloud: Cloud, app: Document, process: Document) -> list[Document]:
    web = cloud.store.find("process", app_guid=app["guid"], type="web")
    return [one for one in web if one["guid"] != process["guid"]]


def _scale_old(cloud: Cloud, app: Document, process: Document, allowed: int) -> None:
    others = _others(cloud, app, process)
    surplus = sum(one["instances"] for one in others) - allowed
    for one in others:
        if surplus > 0 and one["instances"]:
            less = min(surplus, one["instances"])
            surplus -= less
            cloud.store.update("process", one["guid"], instances=one["instances"] - less)


def _finish(cloud: Cloud, app: Document, deployment: Document, process: Document) -> None:
    for one in _others(cloud, app, process):
        runtime(cloud).remove_process(one["guid"])
    cloud.store.update("process", process["guid"], deployment=False)
    commands = deployment["rollback_commands"]
    if commands is not None:
        _apply_commands(cloud, app, {kind: one for kind, one in commands.items() if kind != "web"})
    revision = cloud.store.get("revision", deployment["revision_guid"])
    for one in processes_of(cloud, app["guid"]):
        if one["type"] != "web":
            stamp(cloud, app, one, revision)
    set_status(cloud, deployment["guid"], FINALIZED, "DEPLOYED")
    runtime(cloud).converge_app(app["guid"])


def _apply_commands(cloud: Cloud, app: Document, commands: dict[str, Any]) -> None:
    for one in processes_of(cloud, app["guid"]):
        if one["type"] in commands:
            cloud.store.update("process", one["guid"], command=commands[one["type"]])


def cancel(cloud: Cloud, who: dict[str, str], deployment: Document) -> None:
    """Go back: the previous droplet is current again at once, the instances follow. 422 when it is too late.

    Environment variables stay as they are.
    """
    with cloud.store.lock:
        deployment = cloud.store.get("deployment", deployment["guid"]) or deployment
        if deployment["status_value"] != ACTIVE:
            raise unprocessable(_cannot("cancel", deployment))
        app = cloud.store.get("app", deployment["app_guid"])
        previous = cloud.store.get("droplet", deployment["previous_droplet_guid"])
        if app is None or previous is None:
            raise unprocessable("Unable to cancel. The previous droplet no longer exists.")
        set_status(cloud, deployment["guid"], ACTIVE, "CANCELING")
        app = assign_droplet(cloud, who, app, previous)
    _audit(cloud, "cancel", who, app, deployment)
    runtime(cloud).deployments.ring(deployment["guid"])


def go_on(cloud: Cloud, who: dict[str, str], deployment: Document) -> None:
    """Let a paused canary take its next step, or roll out the rest after the last. 422 unless it is paused."""
    with cloud.store.lock:
        deployment = cloud.store.get("deployment", deployment["guid"]) or deployment
        if (deployment["status_value"], deployment["status_reason"]) != (ACTIVE, "PAUSED"):
            raise unprocessable(_cannot("continue", deployment))
        step = deployment["canary_step"]
        more = step < len(canary_weights(deployment))
        set_status(cloud, deployment["guid"], ACTIVE, "DEPLOYING", canary_step=step + 1 if more else 0)
    app = cloud.store.get("app", deployment["app_guid"])
    if app is not None:
        _audit(cloud, "continue", who, app, deployment)
    runtime(cloud).deployments.ring(deployment["guid"])


def _cannot(verb: str, deployment: Document) -> str:
    status = f"status: {deployment['status_value']} and reason: {deployment['status_reason']}"
    return f"Cannot {verb} a deployment with {status}"


def _audit(cloud: Cloud, verb: str, who: dict[str, str], app: Document, deployment: Document) -> None:
    data = {"deployment_guid": deployment["guid"], "droplet_guid": deployment["droplet_guid"]}
    audit_app(cloud, f"audit.app.deployment.{verb}", who, app, data)


def _roll_back(cloud: Cloud, app: Document, deployment: Document, process: Document) -> None:
    others = _others(cloud, app, process)
    if others:
        keeper = next((one for one in reversed(others) if _healthy(cloud, one)), others[0])
        cloud.store.update("process", keeper["guid"], instances=deployment["original_instances"])
        for one in others:
            if one["guid"] != keeper["guid"]:
                runtime(cloud).remove_process(one["guid"])
        runtime(cloud).remove_process(process["guid"])
    set_status(cloud, deployment["guid"], FINALIZED, "CANCELED")
    runtime(cloud).converge_app(app["guid"])
