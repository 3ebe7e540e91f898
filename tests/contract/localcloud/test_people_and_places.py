"""Organizations, spaces, roles, users, security groups, quotas: made, found, refused and deleted."""

from __future__ import annotations

import pytest

from .control_plane import to, unique


def new_space(account, organization, name=None):
    body = {"name": name or unique("space"), "relationships": to("organization", organization)}
    return account.make("/v3/spaces", body)


def role_body(type_, user, place, guid):
    return {"type": type_, "relationships": {"user": {"data": user}} | to(place, guid)}


def test_cf_create_space_makes_the_space_and_the_makers_roles(cloud):
    manager, organization = cloud.account("manager"), cloud.organization()
    space = new_space(manager, organization)
    own = {"username": "manager", "origin": "uaa"}
    again = manager.refusal(
        "POST", "/v3/roles", role_body("organization_user", own, "organization", organization)
    )
    assert again == (
        422,
        "CF-UnprocessableEntity",
        "User 'manager' already has 'organization_user' role in organization 'gov'.",
    )
    for type_ in ("space_manager", "space_developer"):
        manager.make("/v3/roles", role_body(type_, own, "space", space["guid"]))
    shown = manager.get(f"/v3/roles?space_guids={space['guid']}&include=user")
    assert {one["type"] for one in shown["resources"]} == {"space_manager", "space_developer"}
    assert [one["username"] for one in shown["included"]["users"]] == ["manager"]


def test_a_space_name_is_taken_only_within_its_organization(cloud, boss):
    name, organization = unique("space"), cloud.organization()
    new_space(boss, organization, name)
    body = {"name": name, "relationships": to("organization", organization)}
    assert boss.refusal("POST", "/v3/spaces", body)[::2] == (422, "Name must be unique per organization")
    other = boss.make("/v3/organizations", {"name": unique("org")})
    new_space(boss, other["guid"], name)


def test_an_organization_name_is_taken_once(cloud, boss):
    refusal = boss.refusal("POST", "/v3/organizations", {"name": "gov"})
    assert refusal == (422, "CF-UnprocessableEntity", "Organization 'gov' already exists.")


def test_cf_unset_space_role_takes_the_role_away(cloud, boss):
    organization = cloud.organization()
    space = new_space(boss, organization)["guid"]
    boss.make("/v3/roles", role_body("space_auditor", {"username": "stranger"}, "space", space))
    user = boss.guid("/v3/users?usernames=stranger&origins=uaa")
    role = boss.guid(f"/v3/roles?space_guids={space}&types=space_auditor&user_guids={user}")
    assert space in [one["guid"] for one in cloud.account("stranger").get("/v3/spaces")["resources"]]
    boss.done("DELETE", f"/v3/roles/{role}")
    assert boss.call("GET", f"/v3/roles/{role}").status_code == 404
    assert cloud.account("stranger").call("GET", f"/v3/spaces/{space}").status_code == 404


def test_a_space_role_needs_a_role_in_the_organization_first(cloud, boss):
    user = boss.make("/v3/users", {"username": unique("user"), "origin": "idp.example"})
    body = role_body("space_developer", {"guid": user["guid"]}, "space", cloud.space("ab"))
    assert boss.refusal("POST", "/v3/roles", body)[2] == (
        "Users cannot be assigned roles in a space if they do not have a role in that space's organization."
    )


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ({"username": "ghost"}, "No user exists with the username 'ghost'."),
        (
            {"username": "ghost", "origin": "uaa"},
            "No user exists with the username 'ghost' and origin 'uaa'.",
        ),
        ({"guid": "ghost"}, "Invalid user. Ensure that the user exists and you have access to it."),
    ],
)
def test_a_role_for_nobody_is_refused(cloud, boss, user, text):
    body = role_body("space_developer", user, "space", cloud.space("ab"))
    assert boss.refusal("POST", "/v3/roles", body)[::2] == (422, text)


def test_a_user_name_of_two_origins_must_be_told_apart(cloud, boss):
    boss.make("/v3/users", {"username": "developer", "origin": "idp.two"})
    body = role_body("organization_auditor", {"username": "developer"}, "organization", cloud.organization())
    text = boss.refusal("POST", "/v3/roles", body)[2]
    assert text.startswith(
        "Ambiguous user. User with username 'developer' exists in the following origins: idp.two, uaa."
    )
    body["relationships"]["user"]["data"]["origin"] = "idp.two"
    boss.make("/v3/roles", body)


def test_organization_user_stays_while_there_are_space_roles(cloud, boss):
    user = boss.guid("/v3/users?usernames=auditor")
    role = boss.guid(f"/v3/roles?types=organization_user&user_guids={user}")
    status, _, text = boss.refusal("DELETE", f"/v3/roles/{role}")
    assert (status, text.startswith("Cannot delete organization_user role")) == (422, True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "king", "relationships": {}},
        {"type": "space_developer"},
        {"type": "space_developer", "relationships": {"user": {"data": {"username": "developer"}}}},
        {"type": "space_developer", "relationships": [], "extra": 1},
        {
            "type": "space_developer",
            "relationships": to("user", "u") | to("space", "s") | to("organization", "o"),
        },
    ],
)
def test_a_malformed_role_is_refused(boss, body):
    assert boss.refusal("POST", "/v3/roles", body)[:2] == (422, "CF-UnprocessableEntity")


def test_cf_delete_space_deletes_all_that_is_in_it(cloud, boss):
    space = new_space(boss, cloud.organization())["guid"]
    app = boss.make("/v3/apps", {"name": "a", "relationships": to("space", space)})["guid"]
    domain = boss.guid("/v3/domains?names=app.localhost")
    route = boss.make(
        "/v3/routes", {"host": unique("host"), "relationships": to("space", space) | to("domain", domain)}
    )
    plan = boss.guid("/v3/service_plans?names=micro-psql&service_offering_names=aws-rds")
    made = {"type": "managed", "name": "db", "relationships": to("space", space) | to("service_plan", plan)}
    boss.done("POST", "/v3/service_instances", made)
    instance = boss.guid(f"/v3/service_instances?space_guids={space}")
    job = boss.done("DELETE", f"/v3/spaces/{space}")
    assert job["operation"] == "space.delete"
    assert "space" not in job["links"]
    for path in (
        f"/v3/spaces/{space}",
        f"/v3/apps/{app}",
        f"/v3/routes/{route['guid']}",
        f"/v3/service_instances/{instance}",
    ):
        assert boss.call("GET", path).status_code == 404, path


def test_deleting_an_organization_deletes_its_spaces(boss):
    organization = boss.make("/v3/organizations", {"name": unique("org")})["guid"]
    space = new_space(boss, organization)["guid"]
    boss.done("DELETE", f"/v3/organizations/{organization}")
    assert boss.call("GET", f"/v3/spaces/{space}").status_code == 404


def test_cf_bind_security_group_applies_it_to_a_space(cloud, boss):
    name = unique("group")
    rule = {"protocol": "tcp", "destination": "10.0.0.0/8", "ports": "443"}
    group = boss.make("/v3/security_groups", {"name": name, "rules": [rule]})["guid"]
    space = cloud.space("ab")
    manager = cloud.account("manager")
    assert manager.guid(f"/v3/security_groups?names={name}") == group
    path = f"/v3/security_groups/{group}/relationships/running_spaces"
    answer = manager.make(path, {"data": [{"guid": space}]}, 200)
    assert answer["data"] == [{"guid": space}]
    assert name in cloud.account("developer").names(f"/v3/spaces/{space}/running_security_groups")
    assert manager.call("DELETE", f"{path}/{space}").status_code == 204
    status, _, text = manager.refusal("DELETE", f"{path}/{space}")
    assert status == 422
    assert text.endswith("Ensure the space is bound to this security group.")
    boss.done("DELETE", f"/v3/security_groups/{group}")


def test_a_security_group_name_is_taken_once(boss):
    body = {"name": "public_networks_egress", "rules": []}
    assert boss.refusal("POST", "/v3/security_groups", body)[2] == (
        "Security group with name 'public_networks_egress' already exists."
    )


@pytest.mark.parametrize(
    "rules",
    [
        "all",
        ["all"],
        [{"protocol": "carrier pigeon", "destination": "0.0.0.0/0"}],
        [{"protocol": "tcp", "destination": "0.0.0.0/0"}],
        [{"protocol": "all", "destination": "0.0.0.0/0", "colour": "red"}],
    ],
)
def test_malformed_rules_are_refused(boss, rules):
    assert boss.refusal("POST", "/v3/security_groups", {"name": unique(), "rules": rules})[0] == 422


def test_a_feature_flag_is_switched_by_admins(cloud, boss):
    assert cloud.account("developer").refusal("PATCH", "/v3/feature_flags/diego_docker", {})[0] == 403
    assert boss.get("/v3/feature_flags/diego_docker")["updated_at"] is None
    shown = boss.call("PATCH", "/v3/feature_flags/diego_docker", {"enabled": True}).json()
    assert (shown["enabled"], bool(shown["updated_at"])) == (True, True)
    assert boss.refusal("GET", "/v3/feature_flags/nope")[2] == "Feature flag not found"


def test_the_default_domain_is_the_first_shared_one(cloud):
    path = f"/v3/organizations/{cloud.organization()}/domains"
    developer = cloud.account("developer")
    assert developer.get(f"{path}/default")["name"] == "app.localhost"
    assert developer.names(path)[:2] == ["app.localhost", "app.cloud.gov"]


def test_an_organization_is_under_the_quota_of_the_estate(cloud):
    developer = cloud.account("developer")
    quota = developer.get(f"/v3/organization_quotas?organization_guids={cloud.organization()}")["resources"][
        0
    ]
    assert quota["apps"]["total_memory_in_mb"] == 65536
    assert quota["relationships"]["organizations"]["data"] == [{"guid": cloud.organization()}]


def test_metadata_of_a_space_is_merged_key_by_key(cloud, boss):
    space = new_space(boss, cloud.organization())["guid"]
    path = f"/v3/spaces/{space}"
    boss.call(
        "PATCH", path, {"metadata": {"labels": {"a": "1", "b": "2"}, "annotations": {"x": "any text: @"}}}
    )
    shown = boss.call("PATCH", path, {"metadata": {"labels": {"a": None, "gov.example/c": ""}}}).json()
    assert shown["metadata"] == {
        "labels": {"b": "2", "gov.example/c": ""},
        "annotations": {"x": "any text: @"},
    }


def test_each_role_given_and_taken_is_an_audit_event_of_the_user(cloud, boss):
    space = new_space(boss, cloud.organization())["guid"]
    role = boss.make("/v3/roles", role_body("space_manager", {"username": "stranger"}, "space", space))
    boss.done("DELETE", f"/v3/roles/{role['guid']}")
    events = boss.get(f"/v3/audit_events?space_guids={space}&order_by=created_at")["resources"]
    kinds = [one["type"] for one in events]
    assert kinds == ["audit.space.create", "audit.user.space_manager_add", "audit.user.space_manager_remove"]
    assert events[1]["target"]["name"] == "stranger"
    assert events[1]["actor"]["name"] == "admin"
    assert events[1]["organization"] == {"guid": cloud.organization()}
