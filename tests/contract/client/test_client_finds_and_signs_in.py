"""The client against the local cloud, or a real platform when one is named: finding, signing in, the wire."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from opsportal.adapters.cloudfoundry import (
    CloudFoundryError,
    Foundation,
    NotAuthorized,
    NotFound,
    Space,
    Unauthenticated,
)
from tests.support.contract_platform import (
    APP,
    NO_GUID,
    Platform,
    Pushed,
    manifest,
)


def test_organizations_and_spaces_are_found_by_name(platform: Platform, cf: Foundation, space: Space) -> None:
    organization = cf.organization(platform.organization)
    assert organization is not None
    assert space.organization_guid == organization.guid
    assert space.guid in {one.guid for one in cf.spaces(organization.guid)}


def test_what_is_not_there_is_none(cf: Foundation, space: Space) -> None:
    assert cf.organization("no-such-organization") is None
    assert cf.space("no-such-space", str(space.organization_guid)) is None
    assert cf.app("no-such-app", space.guid) is None
    assert cf.app("a,b", space.guid) is None


@pytest.mark.parametrize(
    "ask",
    [
        Foundation.package,
        Foundation.build,
        Foundation.droplet,
        Foundation.deployment,
        Foundation.process,
        Foundation.stats,
        Foundation.task,
        Foundation.job,
        Foundation.current_droplet,
        Foundation.environment_variables,
        Foundation.processes,
        Foundation.routes,
        Foundation.revisions,
    ],
)
def test_an_unknown_guid_is_not_found(cf: Foundation, ask: object) -> None:
    with pytest.raises(NotFound) as error:
        ask(cf, NO_GUID)  # type: ignore[operator]
    assert error.value.title == "CF-ResourceNotFound"
    assert error.value.request_id


def test_an_app_in_a_space_out_of_sight_is_not_found(platform: Platform, cf: Foundation) -> None:
    if not platform.is_local:
        pytest.skip("needs a space that these credentials cannot see")
    organization = cf.organization(platform.organization)
    assert organization is not None
    assert {one.name for one in cf.spaces(organization.guid)} == {"sandbox", "watched"}


def test_who_may_only_look_is_told_so(platform: Platform, cf: Foundation, space: Space) -> None:
    if not platform.is_local:
        pytest.skip("needs a space where these credentials may only look")
    watched = cf.space("watched", str(space.organization_guid))
    assert watched is not None
    with pytest.raises(NotAuthorized):
        cf.apply_manifest(watched.guid, manifest(platform))


def test_wrong_credentials_are_refused_in_words(platform: Platform) -> None:
    stranger = platform.client(password="wrong")
    with pytest.raises(Unauthenticated) as error:
        stranger.organization(platform.organization)
    assert error.value.title == "unauthorized"
    assert "wrong" not in str(error.value)


def test_a_client_signs_in_with_its_own_secret(platform: Platform) -> None:
    if not platform.is_local:
        pytest.skip("needs a client of its own")
    robot = platform.client(username="", password="", client_id="robot", client_secret="robot-secret")
    assert robot.organization(platform.organization) is not None


def test_a_token_that_is_no_longer_taken_is_replaced_unseen(platform: Platform) -> None:
    cf = platform.client()
    cf.organization(platform.organization)
    held = cf._tokens._token
    assert held is not None
    object.__setattr__(held, "text", "not.a.token")
    assert cf.organization(platform.organization) is not None
    assert 401 in {one.status for one in cf.recent_requests}


def test_long_lists_come_in_pages(cf: Foundation, pushed: Pushed, monkeypatch: pytest.MonkeyPatch) -> None:
    from opsportal.adapters.cloudfoundry import client

    made = {cf.create_package(pushed.app.guid, {}).guid for _ in range(2)}
    whole = [one.guid for one in cf.packages(pushed.app.guid)]
    monkeypatch.setattr(client, "_PER_PAGE", 1)
    assert [one.guid for one in cf.packages(pushed.app.guid)] == whole
    assert made < set(whole)


def test_many_callers_share_one_client(cf: Foundation, pushed: Pushed) -> None:
    with ThreadPoolExecutor(24) as crowd:
        found = list(crowd.map(lambda _: cf.app(APP, pushed.space.guid), range(96)))
    assert {one.guid for one in found if one} == {pushed.app.guid}
    assert None not in found


def test_every_error_names_the_platforms_request(cf: Foundation, pushed: Pushed) -> None:
    with pytest.raises(CloudFoundryError) as error:
        cf.set_environment_variables(pushed.app.guid, {"PORT": "1"})
    assert error.value.request_id in {one.request_id for one in cf.recent_requests}
