"""Signing in, places, people, security groups and the marketplace, with the cf client against the local cloud."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import requests

from . import cf_cli
from .cf_cli import Cf, CommandFailed
from .conftest import PASSWORD, SECONDS, RunningCloud, outline

BEGIN = ["GET /", "GET /v3", "GET /login"]
AGAIN = ["GET /", "GET /v3"]
Home = Callable[..., Cf]


# -- signing in --------------------


def test_api_asks_two_questions_and_needs_nobody_signed_in(home: Home, cloud: RunningCloud) -> None:
    cf = home()
    assert cf_cli.api(cf, cloud.url) == [f"API endpoint: {cloud.url}"]
    assert cf.calls == AGAIN
    with pytest.raises(CommandFailed, match="Not logged in"):
        cf_cli.orgs(cf)


def test_a_target_with_a_slash_at_its_end_is_as_good(home: Home, cloud: RunningCloud) -> None:
    cf = home("developer", space="dev")
    cf.api = cloud.url + "/"
    assert json.loads("".join(cf_cli.curl(cf, "/v3/spaces?names=dev")))["resources"][0]["name"] == "dev"
    answer = requests.get(f"{cloud.url}//", timeout=SECONDS)
    assert answer.json()["links"]["self"]["href"] == cloud.url


def test_login_with_a_password_targets_what_is_named(home: Home, cloud: RunningCloud) -> None:
    cf = home()
    lines = cf_cli.login(cf, cloud.url, "developer", PASSWORD, org="gov", space="dev")
    assert lines == [f"API endpoint: {cloud.url}", "user: developer", "org: gov", "space: dev"]
    assert outline(cf.calls) == [
        *AGAIN,
        *BEGIN,
        "POST /oauth/token",
        "GET /v3/organizations?names=gov",
        "GET /v3/spaces?names=dev&organization_guids=:g",
    ]


def test_login_without_names_takes_the_only_organization_and_space(home: Home, cloud: RunningCloud) -> None:
    cf = home()
    lines = cf_cli.login(cf, cloud.url, "developer", PASSWORD)
    assert lines[2:] == ["org: gov", "space: dev"]
    assert outline(cf.calls)[-2:] == [
        "GET /v3/organizations?order_by=name",
        "GET /v3/spaces?order_by=name&organization_guids=:g",
    ]


def test_login_with_a_one_time_code_works_once(home: Home, cloud: RunningCloud) -> None:
    form = {"username": "developer", "password": PASSWORD}
    page = requests.post(f"{cloud.url}/passcode", data=form, timeout=SECONDS).text
    found = re.search(r"<code>(.+)</code>", page)
    assert found is not None
    cf = home()
    assert "user: developer" in cf_cli.login(cf, cloud.url, passcode=found[1])
    with pytest.raises(CommandFailed, match="Credentials were rejected"):
        cf_cli.login(home(), cloud.url, passcode=found[1])


def test_a_wrong_password_is_rejected_in_words_that_help(home: Home, cloud: RunningCloud) -> None:
    with pytest.raises(CommandFailed, match="Credentials were rejected, please try again"):
        cf_cli.login(home(), cloud.url, "newcomer", "wrong")


def test_auth_signs_in_people_and_clients_and_honours_an_origin(home: Home, cloud: RunningCloud) -> None:
    cf = home()
    cf_cli.api(cf, cloud.url)
    assert cf_cli.auth(cf, "developer", PASSWORD, origin="uaa") == ["OK"]
    assert outline(cf.calls)[2:6] == [
        *BEGIN,
        "POST /oauth/token?login_hint=%7B%22origin%22%3A%20%22uaa%22%7D",
    ]
    assert cf_cli.auth(cf, "robot", "robot-secret", client=True) == ["OK"]
    assert cf_cli.orgs(cf) == ["gov"]
    with pytest.raises(CommandFailed, match="Credentials were rejected"):
        cf_cli.auth(cf, "developer", PASSWORD, origin="nowhere")


def test_a_client_that_signed_in_can_make_a_space_and_hold_a_role_in_it(
    home: Home, cloud: RunningCloud
) -> None:
    cf = home()
    cf_cli.api(cf, cloud.url)
    cf_cli.auth(cf, "robot", "robot-secret", client=True)
    cf_cli.target(cf, "gov")
    assert cf_cli.create_space(cf, "made-by-robot") == ["OK"]
    found = cf_cli.space_users(cf, "gov", "made-by-robot")
    assert found["space_manager"] == ["robot (client)"]
    cf_cli.delete_space(cf, "made-by-robot")


def test_target_changes_the_place(developer: Cf, admin: Cf) -> None:
    assert cf_cli.target(admin, "gov", "other")[-1] == "space: other"
    assert cf_cli.target(developer, "gov")[-1] == "space: dev"
    with pytest.raises(CommandFailed, match="Space 'other' not found"):
        cf_cli.target(developer, "gov", "other")
    with pytest.raises(CommandFailed, match="Organization 'nowhere' not found"):
        cf_cli.target(developer, "nowhere")


def test_oauth_token_is_renewed_when_it_is_about_to_end(developer: Cf, cloud: RunningCloud) -> None:
    first = cf_cli.oauth_token(developer)
    assert first[0].startswith("bearer ")
    cloud.knobs(token_seconds=45)
    try:
        cf_cli.auth(developer, "developer", PASSWORD)
        old = developer.token
        cf_cli.orgs(developer)
    finally:
        cloud.knobs(token_seconds=600)
    assert developer.token != old


def test_logout_forgets_the_sign_in(developer: Cf) -> None:
    assert cf_cli.logout(developer) == ["OK"]
    with pytest.raises(CommandFailed, match="Not logged in"):
        cf_cli.spaces(developer)


def test_ssh_code_is_another_one_each_time(developer: Cf) -> None:
    first, second = cf_cli.ssh_code(developer), cf_cli.ssh_code(developer)
    assert first[0]
    assert first != second


def test_curl_shows_answers_and_refusals_alike(developer: Cf) -> None:
    body = json.loads("".join(cf_cli.curl(developer, "/v3/spaces?names=dev")))
    assert body["resources"][0]["name"] == "dev"
    body = json.loads("".join(cf_cli.curl(developer, "/v3/apps/nobody")))
    assert body["errors"][0] == {
        "code": 10010,
        "title": "CF-ResourceNotFound",
        "detail": "App not found",
    }


def test_a_passing_fault_of_a_read_is_not_seen_by_the_person(developer: Cf, cloud: RunningCloud) -> None:
    fault = {"match": "GET /v3/organizations", "status": 503, "times": 2, "body": "{}"}
    cloud.knobs(faults=[fault])
    assert cf_cli.orgs(developer) == ["gov"]


# -- organizations, spaces, people --------------------


def test_orgs_and_spaces_list_what_the_person_can_see(developer: Cf, admin: Cf) -> None:
    assert cf_cli.orgs(developer) == ["gov"]
    assert cf_cli.spaces(developer) == ["dev"]
    assert {"dev", "other"} <= set(cf_cli.spaces(admin))


@pytest.mark.parametrize("who", ["admin", "manager"])
def test_create_space_makes_its_creator_manager_and_developer(home: Home, who: str) -> None:
    cf, name = home(who), f"made-by-{who}"
    assert cf_cli.create_space(cf, name) == ["OK"]
    assert cf_cli.create_space(cf, name) == [f"Space '{name}' already exists.", "OK"]
    wanted = [f"{who} (uaa)"]
    assert cf_cli.space_users(cf, "gov", name) == {"space_manager": wanted, "space_developer": wanted}
    assert cf_cli.delete_space(cf, name) == ["OK"]
    assert cf_cli.delete_space(cf, name) == [f"Space '{name}' does not exist.", "OK"]
    assert name not in cf_cli.spaces(cf)


def test_a_developer_may_not_create_or_delete_a_space(developer: Cf) -> None:
    for command, name in ((cf_cli.create_space, "mine"), (cf_cli.delete_space, "dev")):
        with pytest.raises(CommandFailed, match="You are not authorized") as refusal:
            command(developer, name)
        assert refusal.value.kind == "forbidden"


@pytest.mark.parametrize("who", ["admin", "manager", "space-manager"])
def test_space_roles_are_given_shown_and_taken_away(home: Home, who: str) -> None:
    cf = home(who, space="dev")
    for role, kind in (("SpaceDeveloper", "space_developer"), ("SpaceAuditor", "space_auditor")):
        assert cf_cli.set_space_role(cf, "newcomer", "gov", "dev", role) == ["OK"]
        again = cf_cli.set_space_role(cf, "newcomer", "gov", "dev", role)
        assert again[0] == f"User 'newcomer' already has role '{role}' in org 'gov' / space 'dev'."
        assert "newcomer (uaa)" in cf_cli.space_users(cf, "gov", "dev")[kind]
        assert cf_cli.unset_space_role(cf, "newcomer", "gov", "dev", role) == ["OK"]
        assert cf_cli.unset_space_role(cf, "newcomer", "gov", "dev", role) == ["OK"]
        assert "newcomer (uaa)" not in cf_cli.space_users(cf, "gov", "dev").get(kind, [])


def test_a_role_for_somebody_unknown_is_refused_by_name(admin: Cf) -> None:
    with pytest.raises(CommandFailed, match="No user exists with the username 'ghost'"):
        cf_cli.set_space_role(admin, "ghost", "gov", "dev", "SpaceDeveloper")
    with pytest.raises(CommandFailed, match="User 'ghost' does not exist"):
        cf_cli.unset_space_role(admin, "ghost", "gov", "dev", "SpaceDeveloper")


@pytest.mark.parametrize("lifecycle", ["running", "staging"])
def test_a_security_group_is_bound_to_a_space_and_shown_with_it(home: Home, lifecycle: str) -> None:
    cf = home("manager")
    lines = cf_cli.bind_security_group(cf, "public_networks_egress", "gov", "other", lifecycle)
    assert lines[0] == "OK"
    shown = cf_cli.security_groups(cf)
    assert {f"public_networks_egress gov other {lifecycle}", "public_networks_egress gov dev running"} <= set(
        shown
    )
    with pytest.raises(CommandFailed, match="Security group 'none' not found"):
        cf_cli.bind_security_group(cf, "none", "gov", "other")


def test_the_marketplace_lists_offerings_with_broker_and_plans(developer: Cf, home: Home) -> None:
    lines = cf_cli.marketplace(developer)
    assert any(re.fullmatch(r"aws-rds \(rds-broker\) .*micro-psql.*", line) for line in lines)
    assert len(cf_cli.marketplace(developer, "cloud-gov-service-account")) == 1
    stranger = home()
    cf_cli.api(stranger, developer.api)
    assert cf_cli.marketplace(stranger) == lines


def test_an_auditor_sees_an_app_and_its_logs_and_may_touch_nothing(home: Home, web: str) -> None:
    cf = home("auditor", space="dev")
    assert any(line.startswith("web started web:1/1") for line in cf_cli.apps(cf))
    assert "requested state: started" in cf_cli.app(cf, web)
    assert cf_cli.logs(cf, web, recent=True)
    assert cf_cli.events(cf, web)
    forbidden: list[Callable[[], object]] = [
        lambda: cf_cli.env(cf, web),
        lambda: cf_cli.set_env(cf, web, "A", "1"),
        lambda: cf_cli.stop(cf, web),
        lambda: cf_cli.restart(cf, web, strategy="rolling"),
        lambda: cf_cli.scale(cf, web, instances=2),
        lambda: cf_cli.run_task(cf, web, "true", "mine"),
        lambda: cf_cli.delete(cf, web),
    ]
    for command in forbidden:
        with pytest.raises(CommandFailed, match="You are not authorized") as refusal:
            command()
        assert refusal.value.kind == "forbidden"


def test_a_stranger_finds_neither_the_space_nor_its_app(home: Home, developer: Cf, web: str) -> None:
    stranger = home("newcomer")
    assert cf_cli.spaces(stranger) == []
    stranger.space = developer.space
    with pytest.raises(CommandFailed, match=f"App '{web}' not found"):
        cf_cli.app(stranger, web)
