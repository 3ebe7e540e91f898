"""The platform's documented example bodies, read as they are."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import responses

from opsportal.adapters.cloudfoundry import Foundation
from tests.support.platform_wire import API

Ask = Callable[[Foundation], Any]

EXAMPLES: list[tuple[str, str, Ask, Callable[[Any], object], object]] = [
    (
        "single_task",
        "/v3/tasks/x",
        lambda cf: cf.task("x"),
        lambda one: (one.name, one.command, one.state, one.finished),
        ("migrate", "rake db:migrate", "RUNNING", False),
    ),
    (
        "paginated_list_of_tasks",
        "/v3/apps/x/tasks",
        lambda cf: cf.tasks("x"),
        lambda found: [(one.name, one.state, one.command) for one in found],
        [("hello", "SUCCEEDED", None), ("migrate", "FAILED", None)],
    ),
    (
        "single_deployment",
        "/v3/deployments/x",
        lambda cf: cf.deployment("x"),
        lambda one: (one.status_value, one.status_reason, one.finished, one.new_processes[0].type),
        ("ACTIVE", "DEPLOYING", False, "web"),
    ),
    (
        "paginated_list_of_deployments",
        "/v3/deployments",
        lambda cf: cf.deployments("x"),
        lambda found: found[0].status_value,
        "FINALIZED",
    ),
    (
        "single_staged_build",
        "/v3/builds/x",
        lambda cf: cf.build("x"),
        lambda one: (one.staged, one.droplet_guid, one.created_by),
        (True, "1e1186e7-d803-4c46-b9d6-5c81e50fe55a", "bill"),
    ),
    (
        "single_staging_build",
        "/v3/builds/x",
        lambda cf: cf.build("x"),
        lambda one: (one.finished, one.droplet_guid),
        (False, None),
    ),
    ("paginated_list_of_builds", "/v3/builds", lambda cf: cf.builds("x"), len, 1),
    (
        "single_bits_package",
        "/v3/packages/x",
        lambda cf: cf.package("x"),
        lambda one: (one.state, one.ready, one.failed, one.checksum),
        ("PROCESSING_UPLOAD", False, False, None),
    ),
    ("single_docker_package", "/v3/packages/x", lambda cf: cf.package("x"), lambda one: one.type, "docker"),
    (
        "paginated_list_of_packages",
        "/v3/packages",
        lambda cf: cf.packages("x"),
        lambda found: [one.type for one in found],
        ["bits", "docker"],
    ),
    (
        "single_complete_job",
        "/v3/jobs/x",
        lambda cf: cf.job("x"),
        lambda one: (one.finished, one.failed),
        (True, False),
    ),
    (
        "single_non_complete_job",
        "/v3/jobs/x",
        lambda cf: cf.job("x"),
        lambda one: (one.finished, one.failed, one.errors[0].title, one.warnings),
        (True, True, "CF-UnprocessableEntity", ("warning! warning!",)),
    ),
    (
        "list_of_process_stats",
        "/v3/processes/x/stats",
        lambda cf: cf.stats("x"),
        lambda found: [(one.index, one.state, one.routable, one.memory) for one in found],
        [(0, "RUNNING", True, 19177472), (1, "STARTING", False, 0)],
    ),
    (
        "single_process",
        "/v3/processes/x",
        lambda cf: cf.process("x"),
        lambda one: (one.type, one.instances, one.memory_in_mb, one.health_check_type),
        ("web", 5, 256, "port"),
    ),
    (
        "paginated_list_of_processes",
        "/v3/apps/x/processes",
        lambda cf: cf.processes("x"),
        lambda found: [one.type for one in found],
        ["web", "worker"],
    ),
    (
        "revision",
        "/v3/apps/x/revisions",
        lambda cf: cf.revisions("x"),
        lambda found: [(one.version, one.deployable, dict(one.commands)) for one in found],
        [(1, True, {"web": "bundle exec rackup"})],
    ),
    (
        "paginated_list_of_audit_events",
        "/v3/audit_events",
        lambda cf: cf.audit_events(["x"]),
        lambda found: {one.type for one in found},
        {"audit.app.update"},
    ),
    (
        "single_audit_event",
        "/v3/audit_events",
        lambda cf: cf.audit_events(["x"]),
        lambda found: [(one.actor.name, one.target.type, one.created_at) for one in found],
        [("admin", "app", datetime(2016, 6, 8, 16, 41, 23, tzinfo=UTC))],
    ),
    (
        "paginated_list_of_apps",
        "/v3/apps",
        lambda cf: cf.apps(["x"]),
        lambda found: [(one.name, one.started, one.stack) for one in found],
        [("my_app", True, "cflinuxfs4"), ("my_app2", False, "cflinuxfs4")],
    ),
    (
        "paginated_list_of_app_features",
        "/v3/apps/x/features",
        lambda cf: cf.app_features("x"),
        lambda found: (found["ssh"], found["revisions"]),
        (True, False),
    ),
    (
        "single_staged_buildpack_droplet",
        "/v3/droplets/x",
        lambda cf: cf.droplet("x"),
        lambda one: (one.staged, one.checksum_type, dict(one.process_types), one.package_guid),
        (
            True,
            "sha256",
            {"rake": "bundle exec rake", "web": "bundle exec rackup config.ru -p $PORT"},
            "8222f76a-9e09-4360-b3aa-1ed329945e92",
        ),
    ),
    (
        "single_staged_buildpack_droplet",
        "/v3/apps/x/droplets/current",
        lambda cf: cf.current_droplet("x"),
        lambda one: one.state,
        "STAGED",
    ),
    (
        "staged_droplet_with_metadata",
        "/v3/droplets/x",
        lambda cf: cf.labels("droplets", "x"),
        lambda found: found,
        {"release": "stable"},
    ),
    (
        "paginated_list_of_organizations",
        "/v3/organizations",
        lambda cf: cf.organization("org1"),
        lambda one: one.name,
        "org1",
    ),
    (
        "paginated_list_of_spaces",
        "/v3/spaces",
        lambda cf: cf.spaces("x"),
        lambda found: [one.name for one in found],
        ["space1", "space2"],
    ),
    (
        "paginated_list_of_routes",
        "/v3/apps/x/routes",
        lambda cf: cf.routes("x"),
        lambda found: [(one.host, one.url, len(one.destinations)) for one in found],
        [("a-hostname", "a-hostname.a-domain.com/some_path", 2)],
    ),
    (
        "paginated_list_of_service_credential_bindings",
        "/v3/service_credential_bindings",
        lambda cf: cf.bindings("x"),
        lambda found: [(one.name, one.type, one.last_operation.state) for one in found],
        [("some-binding-name", "app", "succeeded"), ("some-key-name", "key", "succeeded")],
    ),
    (
        "paginated_list_of_service_instances",
        "/v3/service_instances",
        lambda cf: cf.service_instances("x"),
        lambda found: {one.type for one in found},
        {"managed", "user-provided"},
    ),
]


@pytest.mark.parametrize(
    ("name", "path", "ask", "shown", "expected"), EXAMPLES, ids=[f"{one[0]} {one[1]}" for one in EXAMPLES]
)
def test_a_documented_body_is_read(
    shared_data: Path,
    wire: responses.RequestsMock,
    cf: Foundation,
    name: str,
    path: str,
    ask: Ask,
    shown: Callable[[Any], object],
    expected: object,
) -> None:
    body = json.loads((shared_data / "cf-v3-examples" / f"{name}.json").read_text())
    if path.endswith(("s", "revisions")) and "resources" not in body:
        body = {"pagination": {"next": None}, "resources": [body]}
    body.get("pagination", {})["next"] = None  # the examples' next pages are on a host of their own
    wire.get(API + path, json=body)
    assert shown(ask(cf)) == expected


def test_the_documented_root_names_the_places(shared_data: Path) -> None:
    root = (shared_data / "cf-v3-examples" / "global_root.json").read_text()
    with responses.RequestsMock() as mock:
        mock.get("https://api.example.org/", body=root)
        token = {"access_token": "t", "token_type": "bearer", "expires_in": 599}
        mock.post("https://login.example.org/oauth/token", json=token)
        mock.get("https://log-cache.example.org/api/v1/read/a1", json={"envelopes": {"batch": []}})
        assert Foundation("https://api.example.org", username="u", password="p").read_logs("a1", 0) == []


def test_the_documented_resource_match_is_read(
    shared_data: Path, wire: responses.RequestsMock, cf: Foundation
) -> None:
    from opsportal.adapters.cloudfoundry import Resource

    body = (shared_data / "cf-v3-examples" / "resource_match.json").read_text()
    wire.post(f"{API}/v3/resource_matches", status=201, body=body)
    known = Resource("path/to/file", "a9993e364706816aba3e25717850c26c9cd0d89d", 1)
    assert cf.match_resources([known, Resource("empty", "0" * 40, 0)]) == [known]
    sent = json.loads(wire.calls[-1].request.body or "")
    assert [one["path"] for one in sent["resources"]] == ["path/to/file"]
