"""``cf push``: manifest, files, package, build, deployment or restart, in the documented order (platform API §4, §5)."""

from __future__ import annotations

import hashlib
import io
import json
import re
import stat
import threading
import time
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from . import go_types, log_reading
from .wire import Cf, CommandFailed

IGNORED = (
    ".cfignore",
    ".DS_Store",
    ".git",
    ".gitignore",
    ".hg",
    ".svn",
    "_darcs",
    "manifest.yml",
    "manifest.yaml",
)
CHUNK = 5000
VARIABLE = re.compile(r"\(\(([-/.\w]+)\)\)")


# -- the manifest, before anything is sent (§5.2, §5.3) --------------------


def manifest_of(path: Path, variables: dict[str, str]) -> dict[str, Any]:
    """The manifest as it is sent: variables filled in, keys renamed, the default route added, the path absolute."""
    values = {name: yaml.safe_load(value) for name, value in variables.items()}
    whole = yaml.safe_load(path.read_text())
    missing = sorted(set(VARIABLE.findall(path.read_text())) - set(values))
    if missing:
        raise CommandFailed(f"Expected to find variables: {', '.join(missing)}")
    whole = _filled(whole, values)
    apps = [_rewritten(app, path.parent) for app in whole["applications"]]
    return {"applications": apps} | ({"version": whole["version"]} if "version" in whole else {})


def _filled(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if not isinstance(value, str):
        return value
    whole = VARIABLE.fullmatch(value)
    return values[whole[1]] if whole else VARIABLE.sub(lambda one: str(values[one[1]]), value)


def _rewritten(app: dict[str, Any], beside: Path) -> dict[str, Any]:
    sent = {("disk-quota" if key == "disk_quota" else key): value for key, value in app.items()}
    for process in sent.get("processes", []):
        if "disk_quota" in process:
            process["disk-quota"] = process.pop("disk_quota")
    if not sent.get("no-route"):
        sent.pop("no-route", None)
        if not sent.get("random-route"):
            sent["default-route"] = True
    sent["path"] = str((beside / sent.get("path", ".")).resolve())
    return sent


def apply_manifest(cf: Cf, manifest: dict[str, Any]) -> None:
    """Send the manifest and follow its job."""
    cf.finish(
        cf.answer(
            "POST",
            cf.v3("spaces", f"/{cf.space['guid']}/actions/apply_manifest"),
            data=yaml.safe_dump(manifest, sort_keys=False).encode(),
            headers={"Content-Type": "application/x-yaml"},
        )
    )


def apps_named(cf: Cf, names: list[str]) -> dict[str, dict[str, Any]]:
    """The apps of the target space with these names; all of them must be there."""
    url = cf.v3("apps", names=names, space_guids=cf.space["guid"])
    found = {one["name"]: one for one in cf.pages(go_types.APP, url)}
    for name in names:
        if name not in found:
            raise CommandFailed(f"App '{name}' not found.", "not found")
    return found


# -- files (§4.4) --------------------


def files_below(root: Path) -> list[Path]:
    """What is pushed: everything but what version control and the client keep for themselves."""
    ignore = root / ".cfignore"
    patterns = [*IGNORED, *(ignore.read_text().split() if ignore.exists() else [])]
    return [
        one
        for one in sorted(root.rglob("*"))
        if not any(fnmatch(part, pattern) for part in one.relative_to(root).parts for pattern in patterns)
    ]


def match(cf: Cf, root: Path, files: list[Path]) -> list[dict[str, Any]]:
    """Which files the platform has; asked for all that are not empty, five thousand at a time."""
    asked = [
        {
            "path": str(one.relative_to(root)),
            "mode": f"{stat.S_IMODE(one.stat().st_mode):o}",
            "checksum": {"value": hashlib.sha1(one.read_bytes()).hexdigest()},
            "size_in_bytes": one.stat().st_size,
        }
        for one in files
        if one.is_file() and not one.is_symlink() and one.stat().st_size
    ]
    found: list[dict[str, Any]] = []
    for at in range(0, len(asked), CHUNK):
        body = {"resources": asked[at : at + CHUNK]}
        found += cf.json(go_types.RESOURCES, "POST", cf.v3("resource_matches"), body)["resources"]
    return found


def zip_of(root: Path, files: list[Path]) -> bytes:
    """Files, directories and symlinks with their modes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in files:
            name = str(one.relative_to(root)) + ("/" if one.is_dir() and not one.is_symlink() else "")
            info = zipfile.ZipInfo(name)
            info.external_attr = one.lstat().st_mode << 16
            if one.is_symlink():
                archive.writestr(info, str(one.readlink()))
            else:
                archive.writestr(info, b"" if one.is_dir() else one.read_bytes())
    return packed.getvalue()


def upload(cf: Cf, app_guid: str, root: Path) -> dict[str, Any]:
    """A package with the app's files, of which only those are sent that the platform lacks; READY."""
    files = files_below(root)
    if not files:
        raise CommandFailed(f"No app files found in '{root}'")
    matched = match(cf, root, files)
    known = {one["path"] for one in matched}
    rest = [one for one in files if str(one.relative_to(root)) not in known]
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": app_guid}}}}
    package = cf.json(go_types.PACKAGE, "POST", cf.v3("packages"), body)
    parts: dict[str, Any] = {"resources": (None, json.dumps(matched))}
    cf.uploaded += [str(one.relative_to(root)) for one in rest if one.is_file()]
    if rest:
        parts["bits"] = ("package.zip", zip_of(root, rest), "application/octet-stream")
    url = cf.v3("packages", f"/{package['guid']}/upload")
    cf.json(go_types.PACKAGE, "POST", url, files=parts)
    return ready(cf, package["guid"])


def ready(cf: Cf, package_guid: str) -> dict[str, Any]:
    """The package when its bits are taken in; waits an interval before it looks at all."""
    url = cf.v3("packages", f"/{package_guid}")
    found = cf.poll(go_types.PACKAGE, url, {"READY", "FAILED", "EXPIRED"}, first=cf.interval)
    if found["state"] != "READY":
        raise CommandFailed("Processing the package failed.")
    return dict(found)


# -- staging (§4.5), its log in parallel (§11.4) --------------------


def stage(cf: Cf, name: str, package_guid: str) -> tuple[dict[str, Any], list[str]]:
    """Build the package; the droplet, and the staging log as it was printed."""
    app = apps_named(cf, [name])[name]
    ended = threading.Event()
    shown: list[str] = []

    def show() -> None:
        found = log_reading.follow(cf, app["guid"], ended.is_set)
        shown.extend(log_reading.text(one) for one in found if one["tags"]["source_type"] == "STG")

    reader = threading.Thread(target=show)
    reader.start()
    try:
        build = _built(cf, package_guid)
    finally:
        ended.set()
        reader.join(30)
    if build["state"] == "FAILED":
        raise CommandFailed(f"Error staging application: {build['error']}", "staging failed")
    return cf.json(go_types.DROPLET, "GET", cf.v3("droplets", f"/{build['droplet']['guid']}")), shown


def _built(cf: Cf, package_guid: str) -> dict[str, Any]:
    build = cf.json(go_types.BUILD, "POST", cf.v3("builds"), {"package": {"guid": package_guid}})
    return dict(cf.poll(go_types.BUILD, cf.v3("builds", f"/{build['guid']}"), {"STAGED", "FAILED"}))


# -- running what was built (§4.2, §4.3) --------------------


def roll(cf: Cf, app: dict[str, Any], seconds: float = 300, **target: str) -> None:
    """A deployment of a droplet, a revision or (neither given) of what is current; cancelled when it takes too long."""
    body: dict[str, Any] = {name: {"guid": guid} for name, guid in target.items()}
    body["relationships"] = {"app": {"data": {"guid": app["guid"]}}}
    deployment = cf.json(go_types.DEPLOYMENT, "POST", cf.v3("deployments"), body)
    url, end = cf.v3("deployments", f"/{deployment['guid']}"), time.monotonic() + seconds
    while True:
        status = cf.json(go_types.DEPLOYMENT, "GET", url)["status"]
        if status["value"] == "FINALIZED":
            break
        if time.monotonic() > end:
            cf.answer("POST", cf.v3("deployments", f"/{deployment['guid']}/actions/cancel"))
            raise CommandFailed("Start app timeout", "timeout")
        time.sleep(cf.interval)
    if status["reason"] != "DEPLOYED":
        raise CommandFailed(f"Deployment has been {status['reason'].lower()}")
    wait_until_up(cf, app)


def assign(cf: Cf, app: dict[str, Any], droplet_guid: str) -> None:
    """Make a droplet the current one."""
    url = cf.v3("apps", f"/{app['guid']}/relationships/current_droplet")
    cf.json({"data": {"guid": str}}, "PATCH", url, {"data": {"guid": droplet_guid}})


def act(cf: Cf, app: dict[str, Any], action: str) -> dict[str, Any]:
    """start, stop or restart; the body is decoded, so there must be one."""
    url = cf.v3("apps", f"/{app['guid']}/actions/{action}")
    return dict(cf.json(go_types.APP, "POST", url))


def wait_until_up(cf: Cf, app: dict[str, Any], seconds: float = 300) -> None:
    """Until each process has a running instance or none to have; CommandFailed when all of one have crashed."""
    processes = cf.pages(go_types.PROCESS, cf.v3("apps", f"/{app['guid']}/processes"))
    for process in processes:
        end = time.monotonic() + seconds
        while True:
            url = cf.v3("processes", f"/{process['guid']}/stats")
            instances = cf.json({"resources": [go_types.STATS]}, "GET", url)["resources"]
            states = [one["state"] for one in instances]
            if not states or "RUNNING" in states:
                break
            if set(states) == {"CRASHED"}:
                raise CommandFailed("Start unsuccessful\n\nTIP: use 'cf logs APP --recent'", "crashed")
            if time.monotonic() > end:
                raise CommandFailed("Start app timeout", "timeout")
            time.sleep(cf.interval)
