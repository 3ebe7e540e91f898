"""Who may see and do what: not visible is 404, visible but not permitted is 403."""

from __future__ import annotations

import pytest

from .control_plane import to, unique

EVERYBODY = (
    "admin",
    "manager",
    "developer",
    "space-manager",
    "supporter",
    "auditor",
    "stranger",
    "inspector",
    "global-auditor",
)


@pytest.mark.parametrize(
    ("who", "spaces"),
    [
        ("manager", {"ab", "cw"}),
        ("developer", {"ab"}),
        ("developer-of-both", {"ab", "cw"}),
        ("supporter", {"ab"}),
        ("auditor", {"ab"}),
        ("stranger", {"cw"}),
        ("inspector", {"ab", "cw"}),
        ("global-auditor", {"ab", "cw"}),
        ("spaceless", set()),
    ],
)
def test_people_see_the_spaces_they_have_a_role_in(cloud, who, spaces):
    assert set(cloud.account(who).names("/v3/spaces?names=ab,cw")) == spaces


def body_of(what, cloud):
    if what == "app":
        return "/v3/apps", {"name": unique("app"), "relationships": to("space", cloud.space("ab"))}
    if what == "user-provided service":
        relationships = to("space", cloud.space("ab"))
        return "/v3/service_instances", {
            "type": "user-provided",
            "name": unique(),
            "relationships": relationships,
        }
    if what == "role":
        relationships = to("user", cloud.admin.guid("/v3/users?usernames=candidate")) | to(
            "space", cloud.space("ab")
        )
        return "/v3/roles", {"type": "space_developer", "relationships": relationships}
    if what == "space":
        return "/v3/spaces", {"name": unique(), "relationships": to("organization", cloud.organization())}
    if what == "security group":
        return "/v3/security_groups", {"name": unique(), "rules": []}
    return "/v3/organizations", {"name": unique("org")}


MAY = {
    "app": {"admin", "developer"},
    "user-provided service": {"admin", "developer"},
    "space": {"admin", "manager"},
    "security group": {"admin"},
    "organization": {"admin"},
}


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("what", list(MAY))
def test_people_make_what_their_roles_allow(cloud, who, what):
    path, body = body_of(what, cloud)
    answer = cloud.account(who).call("POST", path, body)
    unseen = who == "stranger" and what in {"app", "user-provided service"}
    assert answer.status_code == (201 if who in MAY[what] else 422 if unseen else 403), answer.text


@pytest.mark.parametrize("who", EVERYBODY)
def test_roles_in_a_space_are_given_by_its_managers(cloud, who):
    path, body = body_of("role", cloud)
    answer = cloud.account(who).call("POST", path, body)
    if who in {"admin", "manager", "space-manager"}:
        assert answer.status_code in {201, 422}, answer.text
        if answer.status_code == 422:
            assert "already has 'space_developer' role" in answer.json()["errors"][0]["detail"]
    else:
        assert answer.status_code == (422 if who == "stranger" else 403)


@pytest.mark.parametrize("who", EVERYBODY)
def test_secrets_of_a_service_are_for_developers(cloud, who):
    guid = cloud.admin.guid(f"/v3/service_instances?names=credentials&space_guids={cloud.space('ab')}")
    answer = cloud.account(who).call("GET", f"/v3/service_instances/{guid}/credentials")
    wanted = 200 if who in {"admin", "developer", "inspector"} else 404 if who == "stranger" else 403
    assert answer.status_code == wanted
    assert ("secret" in answer.text) == (wanted == 200)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v3/spaces/{space}", "Space not found"),
        ("/v3/spaces/{space}/features/ssh", "Space not found"),
        ("/v3/service_instances/{instance}", "Service instance not found"),
        ("/v3/apps/nope", "App not found"),
        ("/v3/deployments/nope", "Deployment not found"),
        ("/v3/droplets/nope", "Droplet not found"),
        ("/v3/processes/nope", "Process not found"),
        ("/v3/users/nope", "User not found"),
        ("/v3/organizations/nope", "Organization not found"),
        ("/v3/jobs/nope", "Job not found"),
    ],
)
def test_what_may_not_be_seen_is_not_there(cloud, path, text):
    space = cloud.space("ab")
    instance = cloud.admin.guid(f"/v3/service_instances?names=database&space_guids={space}")
    refusal = cloud.account("stranger").refusal("GET", path.format(space=space, instance=instance))
    assert refusal == (404, "CF-ResourceNotFound", text)


def test_no_list_shows_what_may_not_be_seen(cloud):
    stranger, space = cloud.account("stranger"), cloud.space("ab")
    assert stranger.names(f"/v3/service_instances?space_guids={space}") == []
    assert stranger.get(f"/v3/audit_events?space_guids={space}")["resources"] == []
    assert stranger.get(f"/v3/roles?space_guids={space}")["resources"] == []


def test_nobody_changes_anything_in_a_suspended_organization(cloud, boss):
    organization = boss.make("/v3/organizations", {"name": unique("org")})["guid"]
    user = {"user": {"data": {"username": "manager", "origin": "uaa"}}}
    for type_ in ("organization_user", "organization_manager"):
        body = {"type": type_, "relationships": user | to("organization", organization)}
        boss.make("/v3/roles", body)
    boss.call("PATCH", f"/v3/organizations/{organization}", {"suspended": True})
    body = {"name": "late", "relationships": to("organization", organization)}
    assert cloud.account("manager").refusal("POST", "/v3/spaces", body)[:2] == (403, "CF-OrgSuspended")


def test_an_unknown_path_is_unknown_to_everybody(cloud):
    for account in (cloud.nobody, cloud.admin):
        assert account.refusal("GET", "/v3/nonsense") == (404, "CF-NotFound", "Unknown request")
        assert account.refusal("PUT", "/v3/apps") == (404, "CF-NotFound", "Unknown request")
