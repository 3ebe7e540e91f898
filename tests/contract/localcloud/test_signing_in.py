"""Signing in as the cf CLI does: bootstrap, passwords, passcodes, refresh, clients, and what is refused."""

from __future__ import annotations

import base64
import json
import re

import pytest
import requests

from .control_plane import PASSWORD, SECONDS, Account, LocalCloud, to


def claims(token: str) -> dict[str, object]:
    """What a token says, read as the cf CLI reads it: without checking."""
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def ask(cloud: LocalCloud, client: tuple[str, str] | None = ("cf", ""), **form: str) -> requests.Response:
    return requests.post(f"{cloud.url}/oauth/token", data=form, auth=client, timeout=SECONDS)


def test_cf_api_finds_every_resource_without_a_token(cloud):
    links = cloud.nobody.get("/")["links"]
    assert links["cloud_controller_v3"]["href"] == f"{cloud.url}/v3"
    assert re.fullmatch(r"3\.\d+\.\d+", links["cloud_controller_v3"]["meta"]["version"])
    assert links["log_cache"]["href"] == links["login"]["href"] == links["uaa"]["href"] == cloud.url
    resources = cloud.nobody.get("/v3")["links"]
    for name in (
        "apps",
        "builds",
        "deployments",
        "droplets",
        "packages",
        "roles",
        "security_groups",
        "tasks",
    ):
        assert resources[name]["href"] == f"{cloud.url}/v3/{name}"


def test_cf_auth_is_told_what_to_ask_and_gets_a_bearer_token(cloud):
    prompts = cloud.nobody.get("/login", headers={"Accept": "application/json"})["prompts"]
    assert all(len(prompt) == 2 for prompt in prompts.values())
    answer = cloud.token("developer").json()
    assert answer["token_type"] == "bearer"
    said = claims(answer["access_token"])
    assert said["user_name"] == "developer"
    assert said["origin"] == "uaa"
    assert isinstance(said["user_id"], str)
    assert isinstance(said["exp"], int)
    assert "cloud_controller" in said["aud"]
    assert not str(said["jti"]).endswith("-r")


def test_cf_login_finds_organization_and_space_by_name(cloud):
    developer = cloud.account("developer")
    organization = developer.guid("/v3/organizations?names=gov")
    assert developer.names(f"/v3/spaces?names=ab&organization_guids={organization}") == ["ab"]


def test_cf_login_without_names_lists_them_in_order(cloud):
    both = cloud.account("developer-of-both")
    organization = both.guid("/v3/organizations?order_by=name")
    assert both.names(f"/v3/spaces?order_by=name&organization_guids={organization}") == ["ab", "cw"]


@pytest.mark.parametrize("username", ["developer", "no-such-person"])
def test_a_wrong_password_is_refused_without_saying_whether_the_user_exists(cloud, username):
    answer = cloud.token(username, "wrong")
    assert answer.status_code == 401
    assert answer.json() == {"error": "unauthorized", "error_description": "Bad credentials"}
    cloud.sign_in("developer")


def test_five_wrong_passwords_lock_the_account(cloud):
    for _ in range(5):
        cloud.token("locked-out", "wrong")
    answer = cloud.token("locked-out")
    assert answer.status_code == 401
    assert answer.json()["error_description"] == (
        "Your account has been locked because of too many failed attempts to login."
    )


@pytest.mark.parametrize(
    ("form", "client", "status", "error"),
    [
        ({"grant_type": "password", "username": "developer"}, ("cf", "wrong"), 401, "invalid_client"),
        ({"grant_type": "password", "username": "developer"}, ("unknown", ""), 401, "invalid_client"),
        ({"grant_type": "password", "username": "developer"}, None, 401, "unauthorized"),
        ({"grant_type": "juggling"}, ("cf", ""), 400, "invalid_request"),
        ({}, ("cf", ""), 400, "invalid_request"),
        ({"grant_type": "client_credentials"}, ("cf", ""), 401, "unauthorized_client"),
        ({"grant_type": "refresh_token", "refresh_token": "nonsense"}, ("cf", ""), 401, "invalid_token"),
        ({"grant_type": "password", "passcode": "nonsense"}, ("cf", ""), 401, "unauthorized"),
    ],
)
def test_a_malformed_grant_is_refused_in_the_form_of_uaa(cloud, form, client, status, error):
    answer = ask(cloud, client, **form)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_a_refresh_token_gives_new_access_again_and_again(cloud):
    refresh = cloud.token("developer").json()["refresh_token"]
    for _ in range(2):
        answer = ask(cloud, grant_type="refresh_token", refresh_token=refresh)
        assert answer.json()["refresh_token"] == refresh
        assert Account(cloud.url, answer.json()["access_token"]).names("/v3/spaces") == ["ab"]


def test_a_refresh_token_is_no_access_token(cloud):
    refresh = cloud.token("developer").json()["refresh_token"]
    assert Account(cloud.url, refresh).refusal("GET", "/v3/apps")[:2] == (401, "CF-InvalidAuthToken")


def test_a_passcode_from_the_sign_in_page_works_once(cloud):
    page = f"{cloud.url}/passcode"
    assert "password" in requests.get(page, timeout=SECONDS).text
    shown = requests.post(page, data={"username": "developer", "password": PASSWORD}, timeout=SECONDS)
    passcode = re.search(r"<code>([^<]+)</code>", shown.text)[1]
    assert ask(cloud, grant_type="password", passcode=passcode).status_code == 200
    assert ask(cloud, grant_type="password", passcode=passcode).status_code == 401


def test_the_sign_in_page_shows_no_passcode_for_a_wrong_password(cloud):
    answer = requests.post(
        f"{cloud.url}/passcode", data={"username": "<b>developer", "password": "wrong"}, timeout=SECONDS
    )
    assert answer.status_code == 401
    assert "<code>" not in answer.text
    assert "<b>developer" not in answer.text


def test_whoever_reads_the_admin_token_can_make_a_passcode_for_a_script(cloud):
    made = cloud.operator.make("/localcloud/passcode", {"username": "developer"})
    token = ask(cloud, grant_type="password", passcode=made["passcode"]).json()["access_token"]
    assert claims(token)["user_name"] == "developer"


def test_a_client_signs_in_with_its_secret_in_the_form(cloud):
    answer = ask(
        cloud, None, grant_type="client_credentials", client_id="robot", client_secret="robot-secret"
    )
    assert "refresh_token" not in answer.json()
    said = claims(answer.json()["access_token"])
    assert "user_name" not in said
    assert said["client_id"] == "robot"


def test_a_client_sees_what_its_roles_let_it_see(cloud, boss):
    answer = ask(cloud, ("robot", "robot-secret"), grant_type="client_credentials")
    robot = Account(cloud.url, answer.json()["access_token"])
    assert robot.names("/v3/spaces") == []
    boss.make("/v3/users", {"guid": "robot"})
    for type_, place, guid in (
        ("organization_user", "organization", cloud.organization()),
        ("space_developer", "space", cloud.space("cw")),
    ):
        boss.make("/v3/roles", {"type": type_, "relationships": to("user", "robot") | to(place, guid)})
    assert robot.names("/v3/spaces") == ["cw"]


def _tampered(token: str) -> str:
    head, _, signature = token.split(".")
    said = claims(token) | {"scope": ["cloud_controller.admin"]}
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


def _unsigned(token: str) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


@pytest.mark.parametrize(
    "spoil", [_tampered, _unsigned, lambda token: token[:-2], lambda _: "a.b.c", lambda _: "é"]
)
def test_a_token_that_was_not_signed_here_is_refused(cloud, spoil):
    token = spoil(cloud.token("developer").json()["access_token"])
    answer = requests.get(
        f"{cloud.url}/v3/apps", headers={"Authorization": f"bearer {token}".encode()}, timeout=SECONDS
    )
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["title"] == "CF-InvalidAuthToken"


def test_an_expired_token_is_refused(cloud):
    cloud.knobs(token_seconds=0)
    expired = cloud.sign_in("developer")
    assert expired.refusal("GET", "/v3/apps") == (401, "CF-InvalidAuthToken", "Invalid Auth Token")


def test_no_token_at_all_is_another_refusal(cloud):
    assert cloud.nobody.refusal("GET", "/v3/apps") == (401, "CF-NotAuthenticated", "Authentication error")


def test_a_password_is_no_bearer_token(cloud):
    answer = requests.get(f"{cloud.url}/v3/apps", auth=("developer", PASSWORD), timeout=SECONDS)
    assert answer.json()["errors"][0]["title"] == "CF-InvalidAuthToken"


def test_a_token_made_for_reading_alone_changes_nothing(cloud):
    token = cloud.token("developer", scope="cloud_controller.read").json()["access_token"]
    reader = Account(cloud.url, token)
    assert reader.names("/v3/spaces") == ["ab"]
    assert reader.refusal("POST", "/v3/apps", {})[:2] == (403, "CF-InsufficientScope")


def test_cf_ssh_code_gets_a_one_time_code_by_redirect(cloud):
    answer = cloud.account("developer").call("GET", "/oauth/authorize?response_type=code&client_id=ssh-proxy")
    assert answer.status_code == 302
    code = re.search(r"[?&]code=([^&]+)", answer.headers["Location"])[1]
    form = {"grant_type": "authorization_code", "code": code}
    assert ask(cloud, ("ssh-proxy", ""), **form).status_code == 200
    assert ask(cloud, ("ssh-proxy", ""), **form).json()["error"] == "invalid_grant"


def test_a_code_is_only_sent_to_the_clients_own_address(cloud):
    path = "/oauth/authorize?response_type=code&client_id=ssh-proxy&redirect_uri=https://evil.example/"
    answer = cloud.account("developer").call("GET", path)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_the_discovery_document_names_the_issuer_that_tokens_carry(cloud):
    found = cloud.nobody.get("/.well-known/openid-configuration")
    token = cloud.token("developer").json()["access_token"]
    assert claims(token)["iss"] == found["issuer"] == f"{cloud.url}/oauth/token"
    assert cloud.account("developer").get("/userinfo")["user_name"] == "developer"


def test_the_signing_key_is_not_given_away(cloud, mode):
    key = (cloud.data_dir / "cloud" / "signing-key").read_text()
    assert key not in cloud.nobody.call("GET", "/token_keys").text
    assert mode(cloud.data_dir / "cloud" / "signing-key") == 0o600
    assert mode(cloud.data_dir / "cloud" / "admin-token") == 0o600


def test_passwords_are_not_kept_as_they_are(cloud):
    files = [one for one in (cloud.data_dir / "cloud").iterdir() if one.is_file()]
    assert not [one.name for one in files if PASSWORD.encode() in one.read_bytes()]


def test_cf_create_user_and_delete_user_tell_uaa_and_the_platform(cloud, boss):
    made = boss.make("/Users", {"userName": "newcomer", "password": "newcomers password"})
    assert boss.call("POST", "/Users", {"userName": "newcomer"}).status_code == 409
    assert boss.get('/Users?filter=userName eq "newcomer"')["resources"][0]["id"] == made["id"]
    assert boss.get("/v3/users?usernames=newcomer")["resources"] == []
    assert boss.make("/v3/users", {"guid": made["id"]})["username"] == "newcomer"
    assert boss.refusal("POST", "/v3/users", {"guid": made["id"]})[0] == 422
    newcomer = cloud.sign_in("newcomer", "newcomers password")
    assert newcomer.get("/v3/users")["resources"][0]["username"] == "newcomer"
    boss.done("DELETE", f"/v3/users/{made['id']}")
    assert boss.get("/v3/users?usernames=newcomer")["resources"] == []
    assert boss.call("DELETE", f"/Users/{made['id']}").status_code == 200
    assert cloud.token("newcomer", "newcomers password").status_code == 401


def test_uaas_users_are_for_its_managers(cloud):
    assert cloud.account("developer").call("POST", "/Users", {"userName": "x"}).status_code == 403
    assert cloud.nobody.call("GET", "/Users").status_code == 401
