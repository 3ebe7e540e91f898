"""Commands about one application or all of a space: what they ask of the platform, and the lines they print."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from . import go_types, log_reading, pushing
from .wire import Cf, CommandFailed

MEGABYTE = 1024 * 1024


def _app(cf: Cf, name: str) -> dict[str, Any]:
    return pushing.apps_named(cf, [name])[name]


def _begin(cf: Cf, *, logs: bool = False) -> None:
    """Commands that may stage look for the log cache once more, signed in (§1.4)."""
    cf.signed_in(org=True, space=True)
    if logs:
        cf.look_around(auth=True)


def push(
    cf: Cf,
    manifest: Path,
    *,
    var: dict[str, str] | None = None,
    strategy: str = "",
    start: bool = True,
    seconds: float = 300,
) -> list[str]:
    """``cf push -f manifest --var name=value --strategy rolling``, or without a strategy, or with --no-start.

    ``seconds`` is the start-up timeout.
    """
    whole = pushing.manifest_of(manifest, var or {})
    _begin(cf, logs=True)
    pushing.apply_manifest(cf, whole)
    shown: list[str] = []
    apps = pushing.apps_named(cf, [one["name"] for one in whole["applications"]])
    for wanted in whole["applications"]:
        app = apps[wanted["name"]]
        package = pushing.upload(cf, app["guid"], Path(wanted["path"]))
        if start:
            shown += _stage_and_run(cf, app, package["guid"], strategy, "restart", seconds)
        elif app["state"] == "STARTED":
            pushing.act(cf, app, "stop")
        shown += summary(cf, app["name"])
    return shown


def _stage_and_run(
    cf: Cf, app: dict[str, Any], package_guid: str, strategy: str, action: str, seconds: float = 300
) -> list[str]:
    droplet, staging = pushing.stage(cf, app["name"], package_guid)
    if strategy == "rolling":
        pushing.roll(cf, app, seconds, droplet=droplet["guid"])
        return staging
    if action == "start":  # a restage stops what runs before it takes the new droplet
        pushing.act(cf, app, "stop")
    pushing.assign(cf, app, droplet["guid"])
    pushing.act(cf, app, action)
    pushing.wait_until_up(cf, app, seconds)
    return staging


def summary(cf: Cf, name: str) -> list[str]:
    """What is shown of an app after it was changed, and by ``cf app``."""
    app = _app(cf, name)
    processes = cf.pages(go_types.PROCESS, cf.v3("apps", f"/{app['guid']}/processes"))
    processes.sort(key=_web_first)
    tables = [line for one in processes for line in _process(cf, one["guid"])]
    routes = cf.pages(go_types.ROUTE, cf.v3("apps", f"/{app['guid']}/routes"))
    droplet = _current_droplet(cf, app)
    return [
        f"name: {app['name']}",
        f"requested state: {app['state'].lower()}",
        f"routes: {', '.join(one['url'] for one in routes)}",
        f"stack: {droplet['stack']}",
        f"buildpacks: {', '.join(one['name'] for one in droplet['buildpacks'])}",
        *tables,
    ]


def _web_first(process: dict[str, Any]) -> tuple[bool, str]:
    return process["type"] != "web", process["type"]


def _process(cf: Cf, guid: str) -> list[str]:
    process = cf.json(go_types.PROCESS, "GET", cf.v3("processes", f"/{guid}"))
    cf.pages(go_types.SIDECAR, cf.v3("processes", f"/{guid}/sidecars"))
    instances = _stats(cf, guid)
    up = sum(one["state"] == "RUNNING" for one in instances)
    rows = [
        f"#{one['index']} {one['state'].lower()} {one['usage']['cpu'] * 100:.1f}% "
        f"of {one['mem_quota'] // MEGABYTE}M {one['details']}".strip()
        for one in instances
    ]
    size = f"{process['memory_in_mb']}M"
    return [f"type: {process['type']} instances: {up}/{len(instances)} memory usage: {size}", *rows]


def _stats(cf: Cf, guid: str) -> list[dict[str, Any]]:
    url = cf.v3("processes", f"/{guid}/stats")
    found: list[dict[str, Any]] = cf.json({"resources": [go_types.STATS]}, "GET", url)["resources"]
    return found


def _current_droplet(cf: Cf, app: dict[str, Any]) -> dict[str, Any]:
    try:
        url = cf.v3("apps", f"/{app['guid']}/droplets/current")
        return dict(cf.json(go_types.DROPLET, "GET", url))
    except CommandFailed as error:
        if error.kind != "not found":
            raise
        return dict(go_types.zero(go_types.DROPLET))


def app(cf: Cf, name: str) -> list[str]:
    """``cf app NAME``."""
    _begin(cf)
    return summary(cf, name)


def apps(cf: Cf) -> list[str]:
    """``cf apps``: name, state, instances of each process, routes."""
    _begin(cf)
    url = cf.v3("apps", order_by="name", space_guids=cf.space["guid"])
    found = cf.pages(go_types.APP, url)
    guids = [one["guid"] for one in found]  # asked for even when there are none
    processes = cf.pages(go_types.PROCESS, cf.v3("processes", app_guids=guids))
    processes.sort(key=_web_first)
    states = {one["guid"]: _stats(cf, one["guid"]) for one in processes}
    routes = cf.pages(go_types.ROUTE, cf.v3("routes", app_guids=guids))
    return [_row(one, processes, states, routes) for one in found] or ["No apps found"]


def _row(one: dict[str, Any], processes: list[Any], states: dict[str, list[Any]], routes: list[Any]) -> str:
    own = [each for each in processes if each["relationships"]["app"]["data"]["guid"] == one["guid"]]
    shown = ", ".join(
        f"{each['type']}:{sum(stat['state'] == 'RUNNING' for stat in states[each['guid']])}"
        f"/{len(states[each['guid']])}"
        for each in own
    )
    urls = [
        each["url"]
        for each in routes
        if any(aim["app"]["guid"] == one["guid"] for aim in each["destinations"])
    ]
    return f"{one['name']} {one['state'].lower()} {shown} {', '.join(urls)}".strip()


def logs(cf: Cf, name: str, *, recent: bool = False, seconds: float = 1.0) -> list[str]:
    """``cf logs NAME``, left with Ctrl-C after ``seconds``; or with ``--recent``."""
    _begin(cf)
    guid = _app(cf, name)["guid"]
    if recent:
        return [line for one in log_reading.recent(cf, guid) for line in log_reading.printed(one)]
    end = time.monotonic() + seconds
    found = log_reading.follow(cf, guid, lambda: time.monotonic() > end)
    return [line for one in found for line in log_reading.printed(one)]


def env(cf: Cf, name: str) -> dict[str, Any]:
    """``cf env NAME``: the five groups."""
    _begin(cf)
    url = cf.v3("apps", f"/{_app(cf, name)['guid']}/env")
    return dict(cf.json(go_types.ENVIRONMENT, "GET", url))


def set_env(cf: Cf, name: str, variable: str, value: str) -> list[str]:
    """``cf set-env NAME VARIABLE VALUE``: takes effect later."""
    _begin(cf)
    url = cf.v3("apps", f"/{_app(cf, name)['guid']}/environment_variables")
    cf.json(go_types.VARIABLES, "PATCH", url, {"var": {variable: value}})
    return ["OK", f"TIP: Use 'cf restage {name}' to ensure your env variable changes take effect."]


def unset_env(cf: Cf, name: str, variable: str) -> list[str]:
    """``cf unset-env NAME VARIABLE``."""
    _begin(cf)
    url = cf.v3("apps", f"/{_app(cf, name)['guid']}/environment_variables")
    cf.json(go_types.VARIABLES, "PATCH", url, {"var": {variable: None}})
    return ["OK"]


def _newest_package(cf: Cf, app_: dict[str, Any], **query: Any) -> dict[str, Any]:
    url = cf.v3("packages", app_guids=app_["guid"], order_by="-created_at", per_page=1, **query)
    found = cf.json({"resources": [go_types.PACKAGE]}, "GET", url)["resources"]
    if not found:
        raise CommandFailed(f"App '{app_['name']}' has no eligible packages.", "no package")
    return dict(found[0])


def _unstaged(cf: Cf, app_: dict[str, Any]) -> str:
    """The newest package's guid when nothing was staged from it yet; start and restart then stage it."""
    try:
        guid = str(_newest_package(cf, app_)["guid"])
    except CommandFailed:
        return ""
    url = cf.v3("packages", f"/{guid}/droplets", per_page=1, states="STAGED")
    staged = cf.json({"resources": [go_types.DROPLET]}, "GET", url)["resources"]
    return "" if staged else guid


def restart(cf: Cf, name: str, *, strategy: str = "") -> list[str]:
    """``cf restart NAME [--strategy rolling]`` (§8.3)."""
    _begin(cf, logs=True)
    found = _app(cf, name)
    package = _unstaged(cf, found)
    if package:
        _stage_and_run(cf, found, package, strategy, "restart")
    elif strategy == "rolling":
        pushing.roll(cf, found)
    else:
        pushing.act(cf, found, "restart")
        pushing.wait_until_up(cf, found)
    return summary(cf, name)


def restage(cf: Cf, name: str, *, strategy: str = "") -> list[str]:
    """``cf restage NAME [--strategy rolling]`` (§8.3)."""
    _begin(cf, logs=True)
    found = _app(cf, name)
    package = _newest_package(cf, found, states="READY")
    return [*_stage_and_run(cf, found, package["guid"], strategy, "start"), *summary(cf, name)]


def stop(cf: Cf, name: str) -> list[str]:
    """``cf stop NAME``."""
    _begin(cf)
    found = _app(cf, name)
    if found["state"] == "STOPPED":
        return [f"App '{name}' is already stopped.", "OK"]
    pushing.act(cf, found, "stop")
    return ["OK"]


def start(cf: Cf, name: str) -> list[str]:
    """``cf start NAME``."""
    _begin(cf, logs=True)
    found = _app(cf, name)
    if found["state"] == "STARTED":
        return [f"App '{name}' is already started.", "OK"]
    package = _unstaged(cf, found)
    if package:
        _stage_and_run(cf, found, package, "", "start")
    else:
        pushing.act(cf, found, "start")
        pushing.wait_until_up(cf, found)
    return summary(cf, name)


def scale(cf: Cf, name: str, *, instances: int | None = None, memory_in_mb: int | None = None) -> list[str]:
    """``cf scale NAME [-i N] [-m MB -f]``; another size means a restart."""
    _begin(cf)
    found = _app(cf, name)
    wanted = {"instances": instances, "memory_in_mb": memory_in_mb}
    body = {key: value for key, value in wanted.items() if value is not None}
    if body:
        url = cf.v3("apps", f"/{found['guid']}/processes/web/actions/scale")
        cf.json(go_types.PROCESS, "POST", url, body)
    if memory_in_mb is not None:
        pushing.act(cf, found, "stop")
        pushing.act(cf, found, "start")
    if body:
        pushing.wait_until_up(cf, found)
    return summary(cf, name)


def delete(cf: Cf, name: str, *, routes: bool = False) -> list[str]:
    """``cf delete NAME -f [-r]``: with -r the routes too, unless another app has one of them."""
    _begin(cf)
    try:
        found = _app(cf, name)
    except CommandFailed as error:
        if error.kind != "not found":
            raise
        return [str(error), "OK"]
    mapped = cf.pages(go_types.ROUTE, cf.v3("apps", f"/{found['guid']}/routes")) if routes else []
    if any(len(one["destinations"]) > 1 for one in mapped):
        raise CommandFailed("App was not deleted because its route is mapped to more than one app.")
    cf.finish(cf.answer("DELETE", cf.v3("apps", f"/{found['guid']}")))
    for one in mapped:
        cf.finish(cf.answer("DELETE", cf.v3("routes", f"/{one['guid']}")))
    return ["OK"]


def events(cf: Cf, name: str) -> list[str]:
    """``cf events NAME``, newest first."""
    _begin(cf)
    url = cf.v3("audit_events", order_by="-created_at", target_guids=_app(cf, name)["guid"])
    found = cf.pages(go_types.EVENT, url)
    return [f"{one['created_at']} {one['type']} {one['actor']['name']}" for one in found]


# -- tasks (§6) --------------------


def run_task(cf: Cf, name: str, command: str, task: str, *, wait: bool = False) -> list[str]:
    """``cf run-task NAME -c COMMAND --name TASK [--wait]``; without a command that of the process ``task``."""
    _begin(cf)
    guid = _app(cf, name)["guid"]
    body: dict[str, Any] = {"command": command} if command else {}
    if not command:
        url = cf.v3("apps", f"/{guid}/processes/task")
        body = {"template": {"process": {"guid": cf.json(go_types.PROCESS, "GET", url)["guid"]}}}
    body |= {"name": task} if task else {}
    made = cf.json(go_types.TASK, "POST", cf.v3("apps", f"/{guid}/tasks"), body)
    shown = [f"task name: {made['name']}", f"task id: {made['sequence_id']}"]
    if wait:
        ended = cf.poll(go_types.TASK, cf.v3("tasks", f"/{made['guid']}"), {"SUCCEEDED", "FAILED"})
        if ended["state"] == "FAILED":
            raise CommandFailed("Task failed to complete successfully", "task failed")
        shown += ["Task has completed successfully."]
    return [*shown, "OK"]


def tasks(cf: Cf, name: str) -> list[str]:
    """``cf tasks NAME``, by number."""
    _begin(cf)
    found = cf.pages(go_types.TASK, cf.v3("apps", f"/{_app(cf, name)['guid']}/tasks"))
    found.sort(key=lambda one: -one["sequence_id"])
    return [
        f"{one['sequence_id']} {one['name']} {one['state']} {one['command'] or '[hidden]'}" for one in found
    ]


def terminate_task(cf: Cf, name: str, number: int) -> list[str]:
    """``cf terminate-task NAME ID``, by the old form of the request."""
    _begin(cf)
    url = cf.v3("apps", f"/{_app(cf, name)['guid']}/tasks", sequence_ids=number)
    found = cf.pages(go_types.TASK, url)
    if not found:
        raise CommandFailed(f"Task sequence ID {number} not found.")
    cf.json(go_types.TASK, "PUT", cf.v3("tasks", f"/{found[0]['guid']}/cancel"))
    return ["OK"]


# -- revisions and deployments (§4.7, §8.4) --------------------


def _revisions(cf: Cf, guid: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cf.pages(go_types.REVISION, cf.v3("apps", f"/{guid}/revisions", **query))
    return found


def revisions(cf: Cf, name: str) -> list[str]:
    """``cf revisions NAME``, newest first."""
    _begin(cf)
    guid = _app(cf, name)["guid"]
    feature = cf.json(go_types.FEATURE, "GET", cf.v3("apps", f"/{guid}/features/revisions"))
    if not feature["enabled"]:
        cf.warnings.append(f"Warning: Revisions for app '{name}' are disabled.")
    found = _revisions(cf, guid, order_by="-created_at")
    return [f"{one['version']} {one['description']} {str(one['deployable']).lower()}" for one in found]


def rollback(cf: Cf, name: str, version: int) -> list[str]:
    """``cf rollback NAME --version N -f``."""
    _begin(cf, logs=True)
    found = _app(cf, name)
    _revisions(cf, found["guid"], order_by="-created_at")
    wanted = _revisions(cf, found["guid"], versions=version)
    if not wanted:
        raise CommandFailed(f"Revision '{version}' not found")
    pushing.roll(cf, found, revision=wanted[0]["guid"])
    return summary(cf, name)


def cancel_deployment(cf: Cf, name: str) -> list[str]:
    """``cf cancel-deployment NAME``."""
    _begin(cf)
    guid = _app(cf, name)["guid"]
    url = cf.v3("deployments", app_guids=guid, order_by="-created_at", per_page=1, status_values="ACTIVE")
    found = cf.json({"resources": [go_types.DEPLOYMENT]}, "GET", url)["resources"]
    if not found:
        raise CommandFailed("No active deployment found for app.", "not found")
    cf.answer("POST", cf.v3("deployments", f"/{found[0]['guid']}/actions/cancel"))
    return ["OK"]
