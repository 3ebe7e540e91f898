"""Pushing an app in the cf CLI's order of calls, new and existing; what the packages and droplets are then."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile

import pytest

from .runtime_fixtures import (
    Account,
    CloudProcess,
    admin,
    manifest,
    own_cloud,
    server_app,
    space,
    until,
    zipped,
)

__all__ = ["admin", "own_cloud", "space"]


@pytest.fixture(scope="module")
def pushed(admin: Account, space: str) -> dict[str, object]:
    """An app that was pushed once."""
    return admin.push(space, manifest("first", "first"), server_app("one"))


def test_a_new_app_is_reachable_after_its_first_push(pushed, own_cloud, admin):
    answer = own_cloud.visit("first.app.localhost")
    assert answer.text == "one 0"
    processes = admin.get(f"/v3/apps/{pushed['guid']}/processes")["resources"]
    assert [one["guid"] for one in processes] == [pushed["guid"]]


def test_an_existing_app_is_replaced_by_its_next_push(space, own_cloud, admin):
    app = admin.push(space, manifest("again", "again"), server_app("one"))
    before = admin.get(f"/v3/apps/{app['guid']}/processes/web")["guid"]
    admin.push(space, manifest("again", "again"), server_app("two"))
    assert own_cloud.visit("again.app.localhost").text == "two 0"
    assert admin.get(f"/v3/apps/{app['guid']}/processes/web")["guid"] != before


def test_the_summary_that_the_cli_prints_finds_all_it_asks_for(pushed, admin):
    guid = pushed["guid"]
    for process in admin.get(f"/v3/apps/{guid}/processes")["resources"]:
        assert admin.get(f"/v3/processes/{process['guid']}")["command"] == "exec python server.py"
        assert admin.get(f"/v3/processes/{process['guid']}/sidecars")["resources"] == []
        stat = admin.get(f"/v3/processes/{process['guid']}/stats")["resources"][0]
        assert (stat["state"], stat["routable"], stat["mem_quota"]) == ("RUNNING", True, 64 * 1024 * 1024)
        assert stat["usage"]["mem"] > 0
    assert [one["url"] for one in admin.get(f"/v3/apps/{guid}/routes")["resources"]] == [
        "first.app.localhost"
    ]
    droplet = admin.get(f"/v3/apps/{guid}/droplets/current")
    assert droplet["buildpacks"][0]["name"] == "python_buildpack"
    assert droplet["process_types"] == {"web": "exec python server.py"}


def test_files_that_were_sent_once_are_known_and_the_package_is_whole(pushed, admin):
    files = server_app("one")
    known = {one["path"] for one in admin.match(files)}
    assert known == {"server.py", "Procfile", "big.txt"}
    assert all(one["mode"] == "644" for one in admin.match(files))
    package = admin.package(pushed["guid"], files)
    data = admin.call("GET", f"/v3/packages/{package['guid']}/download").content
    assert package["data"]["checksum"] == {"type": "sha256", "value": hashlib.sha256(data).hexdigest()}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_a_droplet_can_be_downloaded_and_is_what_its_checksum_says(pushed, admin):
    droplet = admin.get(f"/v3/apps/{pushed['guid']}/droplets/current")
    data = admin.call("GET", f"/v3/droplets/{droplet['guid']}/download").content
    assert droplet["checksum"]["value"] == hashlib.sha256(data).hexdigest()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert "./app/server.py" in archive.getnames()


def test_a_copied_droplet_has_the_same_checksum_and_runs(pushed, space, admin, own_cloud):
    admin.apply_manifest(space, manifest("copy", "copy"))
    target = admin.app(space, "copy")
    source = admin.get(f"/v3/apps/{pushed['guid']}/droplets/current")
    body = {"relationships": {"app": {"data": {"guid": target["guid"]}}}}
    made = admin.post(f"/v3/droplets?source_guid={source['guid']}", body, 201)
    copied = until(lambda: _staged(admin, made["guid"]))
    assert copied["checksum"] == source["checksum"]
    admin.finished(admin.deploy(target["guid"], made["guid"]))
    until(lambda: admin.running(target["guid"]))
    assert own_cloud.visit("copy.app.localhost").text == "one 0"


def test_a_droplet_can_be_brought_from_elsewhere(pushed, space, admin, own_cloud):
    admin.apply_manifest(space, manifest("brought", "brought"))
    target = admin.app(space, "brought")
    source = admin.get(f"/v3/apps/{pushed['guid']}/droplets/current")
    data = admin.call("GET", f"/v3/droplets/{source['guid']}/download").content
    relationships = {"app": {"data": {"guid": target["guid"]}}}
    body = {"relationships": relationships, "process_types": source["process_types"]}
    made = admin.post("/v3/droplets", body, 201)
    answer = admin.call("POST", f"/v3/droplets/{made['guid']}/upload", 202, files={"bits": ("d.tgz", data)})
    assert answer.json()["state"] == "PROCESSING_UPLOAD"
    assert admin.job(answer)["state"] == "COMPLETE"
    assert admin.get(f"/v3/droplets/{made['guid']}")["checksum"] == source["checksum"]
    admin.call(
        "PATCH",
        f"/v3/apps/{target['guid']}/relationships/current_droplet",
        json={"data": {"guid": made["guid"]}},
    )
    admin.post(f"/v3/apps/{target['guid']}/actions/start")
    until(lambda: admin.running(target["guid"]))
    assert own_cloud.visit("brought.app.localhost").text == "one 0"


def _staged(account: Account, guid: str) -> dict[str, object] | None:
    droplet = account.get(f"/v3/droplets/{guid}")
    return droplet if droplet["state"] == "STAGED" else None


def test_bits_are_taken_once(pushed, admin):
    package = admin.package(pushed["guid"], server_app("one"))
    answer = admin.session.post(
        f"{admin.url}/v3/packages/{package['guid']}/upload",
        files={"bits": ("p.zip", zipped({"a": b"1"}))},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 150004)


def test_an_upload_of_nothing_is_refused(pushed, admin):
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": pushed["guid"]}}}}
    made = admin.post("/v3/packages", body, 201)
    answer = admin.call("POST", f"/v3/packages/{made['guid']}/upload", 422, files={"other": b""})
    assert answer.json()["errors"][0]["detail"] == "Upload must include either resources or bits"


def test_a_package_that_is_not_ready_cannot_be_staged(pushed, admin):
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": pushed["guid"]}}}}
    made = admin.post("/v3/packages", body, 201)
    answer = admin.call("POST", "/v3/builds", 400, json={"package": {"guid": made["guid"]}})
    assert (
        answer.json()["errors"][0]["detail"] == "Bad request: Cannot stage package whose state is not ready."
    )


def test_a_package_above_the_limit_fails_and_says_so(pushed, admin, own_cloud: CloudProcess):
    own_cloud.knobs(max_package_bytes=1000)
    try:
        package = admin.package(pushed["guid"], server_app("one"))
    finally:
        own_cloud.knobs(max_package_bytes=1 << 30)
    assert (package["state"], package["data"]["error"]) == (
        "FAILED",
        "Package may not be larger than 1000 bytes",
    )


def _hostile(name: str, data: bytes = b"x", mode: int = 0o644) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, data)
    return made.getvalue()


@pytest.mark.parametrize(
    "bits",
    [
        _hostile("../outside.txt"),
        _hostile("/etc/outside.txt"),
        _hostile("a/../../outside.txt"),
        _hostile("..\\outside.txt"),
        _hostile("link", b"/etc/passwd", 0o120777),
        _hostile("link", b"../../outside", 0o120777),
        b"this is no zip",
        zipped({"a": b"1" * 1000})[:-40],
    ],
    ids=[
        "climbs",
        "absolute",
        "climbs later",
        "backslash",
        "absolute link",
        "climbing link",
        "no zip",
        "cut short",
    ],
)
def test_a_hostile_archive_makes_a_failed_package_and_nothing_else(pushed, admin, own_cloud, bits):
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": pushed["guid"]}}}}
    made = admin.post("/v3/packages", body, 201)
    admin.upload(made["guid"], bits)
    package = admin.ended_package(made["guid"])
    assert package["state"] == "FAILED"
    assert package["data"]["error"]
    assert not list(own_cloud.data_dir.rglob("outside.txt"))


def test_a_resource_that_leads_outside_fails_its_package(pushed, admin):
    known = admin.match({"big.txt": b"x" * 3000})
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": pushed["guid"]}}}}
    made = admin.post("/v3/packages", body, 201)
    admin.upload(made["guid"], zipped({"a": b"1"}), [{**known[0], "path": "../../outside.txt"}])
    assert admin.ended_package(made["guid"])["state"] == "FAILED"


@pytest.mark.parametrize(
    ("files", "error", "said"),
    [
        ({"readme.txt": b"nothing"}, "NoAppDetectedError", None),
        ({"requirements.txt": b"no-such-library==1.0\n"}, "BuildpackCompileFailed", "no-such-library==1.0"),
        ({"requirements.txt": b"django>=99\n"}, "BuildpackCompileFailed", "django>=99"),
        (
            {"manage.py": b"import sys; sys.exit('cannot collect')"},
            "BuildpackCompileFailed",
            "cannot collect",
        ),
    ],
    ids=["unknown kind", "missing library", "wrong version", "collectstatic fails"],
)
def test_a_build_that_fails_says_why(admin, space, files, error, said):
    admin.apply_manifest(space, manifest("unbuildable"))
    app = admin.app(space, "unbuildable")
    build = admin.build(admin.package(app["guid"], files)["guid"])
    assert build["state"] == "FAILED"
    assert build["error"].startswith(f"{error} - ")
    assert said is None or any(said in text for kind, text in admin.lines(app["guid"]) if kind == "STG")


def test_only_one_build_of_an_app_is_staged_at_a_time(admin, space, own_cloud):
    admin.apply_manifest(space, manifest("slow"))
    app = admin.app(space, "slow")
    package = admin.package(app["guid"], server_app("one"))
    own_cloud.knobs(staging_seconds=1)
    try:
        made = admin.post("/v3/builds", {"package": {"guid": package["guid"]}}, 201)
        refused = admin.call("POST", "/v3/builds", 422, json={"package": {"guid": package["guid"]}})
        assert refused.json()["errors"][0]["title"] == "CF-StagingInProgress"
        assert admin.get(f"/v3/builds/{made['guid']}")["state"] == "STAGING"
        until(lambda: admin.get(f"/v3/builds/{made['guid']}")["state"] == "STAGED")
    finally:
        own_cloud.knobs(staging_seconds=0)


def test_a_container_sees_its_own_environment_and_nothing_of_the_clouds(admin, space, own_cloud):
    admin.push(space, manifest("scrubbed", "scrubbed", env={"MINE": "yes"}), server_app("one"))
    seen = dict(
        line.split("=", 1)
        for line in own_cloud.visit("scrubbed.app.localhost", "/env").text.splitlines()
        if "=" in line
    )
    assert seen["MINE"] == "yes"
    assert {
        "PORT",
        "HOME",
        "PATH",
        "LANG",
        "VCAP_APPLICATION",
        "VCAP_SERVICES",
        "CF_INSTANCE_GUID",
        "MEMORY_LIMIT",
    } <= set(seen)
    assert seen["MEMORY_LIMIT"] == "64m"
    assert "PORTAL_SECRET" not in seen


def test_static_files_are_served(admin, space, own_cloud):
    files = {"Staticfile": b"root: public\n", "public/index.html": b"<h1>hello</h1>"}
    admin.push(space, manifest("static", "static", **{"health-check-http-endpoint": "/"}), files)
    assert own_cloud.visit("static.app.localhost").text == "<h1>hello</h1>"


def test_the_staging_log_tells_what_was_done(pushed, admin):
    told = [text for kind, text in admin.lines(pushed["guid"]) if kind == "STG"]
    assert "-----> Python Buildpack version 1.8.0" in told
    assert told.index("Downloading app package...") < told.index("Uploading complete")


def test_a_package_of_many_known_files_with_long_names_is_taken(pushed, admin):
    known = admin.match({"big.txt": b"x" * 3000})[0]
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": pushed["guid"]}}}}
    made = admin.post("/v3/packages", body, 201)
    many = [{**known, "path": f"{'a-directory/' * 40}{number}.txt"} for number in range(1000)]
    admin.upload(made["guid"], zipped({"a": b"1"}), many)
    assert admin.ended_package(made["guid"])["state"] == "READY"
