"""Every body has the very keys of the platform's documented example, no more and no less."""

from __future__ import annotations

import json

import pytest

from .control_plane import assert_same_shape, to, unique

SHOWN = [
    ("global_root", "/", {"cloud_controller_v2"}),
    ("v3_root", "/v3", {"experimental", "service_credential_bindings", "service_route_bindings"}),
    ("populated_info", "/v3/info", set()),
    ("info_usage_summary", "/v3/info/usage_summary", set()),
    ("organization", "/v3/organizations/{organization}", set()),
    ("paginated_list_of_organizations", "/v3/organizations", set()),
    ("organization_usage_summary", "/v3/organizations/{organization}/usage_summary", set()),
    ("space", "/v3/spaces/{space}", set()),
    ("paginated_list_of_spaces", "/v3/spaces", set()),
    ("list_space_features", "/v3/spaces/{space}/features", set()),
    ("single_space_feature", "/v3/spaces/{space}/features/ssh", set()),
    ("paginated_running_space_security_group", "/v3/spaces/{space}/running_security_groups", set()),
    ("paginated_staging_space_security_group", "/v3/spaces/{space}/staging_security_groups", set()),
    ("single_role", "/v3/roles/{organization_role}", set()),
    ("single_user", "/v3/users/{user}", set()),
    ("paginated_list_of_users", "/v3/users", set()),
    ("single_security_group", "/v3/security_groups/{security_group}", set()),
    ("paginated_security_group", "/v3/security_groups", set()),
    ("single_organization_quota", "/v3/organization_quotas/{quota}", set()),
    ("list_organization_quotas", "/v3/organization_quotas", set()),
    ("list_space_quotas", "/v3/space_quotas", set()),
    ("single_feature_flag", "/v3/feature_flags/diego_docker", set()),
    ("paginated_list_of_feature_flags", "/v3/feature_flags", set()),
    ("single_domain", "/v3/domains/{domain}", {"organization"}),
    ("single_buildpack", "/v3/buildpacks/{buildpack}", set()),
    ("paginated_list_of_buildpacks", "/v3/buildpacks", set()),
    ("single_stack", "/v3/stacks/{stack}", set()),
    ("paginated_list_of_stacks", "/v3/stacks", set()),
    ("single_audit_event", "/v3/audit_events/{event}", set()),
    ("single_service_broker", "/v3/service_brokers/{broker}", {"space"}),
    ("single_service_offering", "/v3/service_offerings/{offering}", set()),
    ("single_service_plan", "/v3/service_plans/{plan}", set()),
    ("public_service_plan_visibility", "/v3/service_plans/{plan}/visibility", set()),
    ("single_managed_service_instance", "/v3/service_instances/{database}", set()),
    ("single_user_provided_service_instance", "/v3/service_instances/{credentials}", set()),
    ("service_instance_permissions", "/v3/service_instances/{database}/permissions", set()),
    (
        "service_instance_shared_space_relationships",
        "/v3/service_instances/{database}/relationships/shared_spaces",
        set(),
    ),
    (
        "shared_spaces_usage_summary",
        "/v3/service_instances/{database}/relationships/shared_spaces/usage_summary",
        set(),
    ),
    ("single_service_credential_binding_key", "/v3/service_credential_bindings/{key}", set()),
    ("single_service_credential_binding_app", "/v3/service_credential_bindings/{binding}", set()),
    (
        "single_service_credential_binding_details",
        "/v3/service_credential_bindings/{key}/details",
        {"syslog_drain_url"},
    ),
    ("single_complete_job", "/v3/jobs/{job}", {"service_credential_binding"}),
    ("paginated_list_of_isolation_segments", "/v3/isolation_segments", set()),
]
PLAN_SCHEMAS = {"$schema", "type", "properties"}
LOOSE = frozenset(
    # A broker's own words, and what only some resources carry.
    {
        "custom-key",
        "version",
        "description",
        "attributes",
        "service_engine_version",
        "max_connections",
        "recursive",
    }
)


@pytest.fixture(scope="module")
def places(shared_cloud):
    """The guids of one resource of each kind."""
    boss, space = shared_cloud.admin, shared_cloud.space("ab")
    database = boss.guid(f"/v3/service_instances?names=database&space_guids={space}")
    instance = to("service_instance", database)
    path = "/v3/service_credential_bindings"
    key = {"type": "key", "name": unique("key"), "relationships": instance}
    job = boss.done("POST", path, key)
    app = boss.make("/v3/apps", {"name": unique("app"), "relationships": to("space", space)})["guid"]
    bound = boss.done("POST", path, {"type": "app", "relationships": instance | to("app", app)})
    user, organization = boss.guid("/v3/users?usernames=manager"), shared_cloud.organization()
    return {
        "organization": organization,
        "space": space,
        "user": user,
        "organization_role": boss.guid(
            f"/v3/roles?user_guids={user}&types=organization_manager&organization_guids={organization}"
        ),
        "security_group": boss.guid("/v3/security_groups?names=public_networks_egress"),
        "quota": boss.guid("/v3/organization_quotas?names=small"),
        "domain": boss.guid("/v3/domains?names=app.localhost"),
        "buildpack": boss.guid("/v3/buildpacks?names=python_buildpack"),
        "stack": boss.guid("/v3/stacks?names=cflinuxfs4"),
        "event": boss.get("/v3/audit_events?per_page=1")["resources"][0]["guid"],
        "broker": boss.guid("/v3/service_brokers?names=rds-broker"),
        "offering": boss.guid("/v3/service_offerings?names=aws-rds"),
        "plan": boss.guid("/v3/service_plans?names=micro-psql"),
        "database": database,
        "credentials": boss.guid(f"/v3/service_instances?names=credentials&space_guids={space}"),
        "key": job["links"]["service_credential_binding"]["href"].rsplit("/", 1)[1],
        "binding": bound["links"]["service_credential_binding"]["href"].rsplit("/", 1)[1],
        "job": job["guid"],
    }


@pytest.mark.parametrize(("name", "path", "optional"), SHOWN)
def test_a_body_has_the_keys_of_the_documented_example(boss, places, shared_data, name, path, optional):
    example = json.loads((shared_data / "cf-v3-examples" / f"{name}.json").read_text())
    assert_same_shape(example, boss.get(path.format(**places)), optional=LOOSE | optional)


def test_the_comparison_itself_notices_differences():
    example = {"a": 1, "b": {"c": "x"}, "d": [{"e": 1}]}
    assert_same_shape(example, {"a": 2, "b": {"c": None}, "d": []})
    for wrong in (
        {"a": 1, "b": {"c": "x"}},
        {"a": 1, "b": {"c": "x", "z": 1}, "d": []},
        {"a": "1", "b": {"c": "x"}, "d": []},
        {"a": 1, "b": {"c": "x"}, "d": [{"f": 1}]},
    ):
        with pytest.raises(AssertionError):
            assert_same_shape(example, wrong)
