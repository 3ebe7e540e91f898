"""The platform that the client is held against, and one app pushed to it for all tests here."""

from collections.abc import Iterator

import pytest

from opsportal.adapters.cloudfoundry import (
    App,
    Foundation,
    Space,
)
from opsportal.adapters.cloudfoundry.paths import v3
from tests.support.contract_platform import (
    APP,
    FIRST,
    LABEL,
    Platform,
    Pushed,
    eventually,
    local_cloud,
    manifest,
    real_platform,
    running,
    staged,
    upload,
)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    real = real_platform()
    if real:
        yield real
        return
    with local_cloud(tmp_path_factory.mktemp("contract")) as local:
        yield local


@pytest.fixture(scope="session")
def cf(platform: Platform) -> Foundation:
    return platform.client()


@pytest.fixture(scope="session")
def space(platform: Platform, cf: Foundation) -> Space:
    organization = cf.organization(platform.organization)
    assert organization is not None
    found = cf.space(platform.space, organization.guid)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def pushed(platform: Platform, cf: Foundation, space: Space) -> Iterator[Pushed]:
    job = cf.job(cf.apply_manifest(space.guid, manifest(platform)))
    job = eventually(lambda: cf.job(job.guid), lambda one: one.finished)
    assert job.errors == ()
    app = cf.app(APP, space.guid)
    assert app is not None
    package = upload(cf, app.guid, FIRST, {LABEL: "1"})
    build = staged(cf, package.guid, "1")
    deployment = cf.create_deployment(app.guid, build.droplet_guid, labels={LABEL: "1"})
    deployment = eventually(lambda: cf.deployment(deployment.guid), lambda one: one.finished)
    running(cf, app.guid)
    url = platform.address_of(cf.routes(app.guid)[0].url)
    yield Pushed(app, space, build, deployment, url)
    cf._request("DELETE", v3("apps", app.guid), repeatable=True)


@pytest.fixture(scope="session")
def empty_app(cf: Foundation, space: Space) -> Iterator[App]:
    app = cf.create_app(f"{APP}-empty", space.guid, {LABEL: "empty"})
    yield app
    cf._request("DELETE", v3("apps", app.guid), repeatable=True)
