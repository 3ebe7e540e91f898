"""The client makes, binds, shares and deletes services, scales, and moves droplets: on the local cloud, or a real one."""

import hashlib
from pathlib import Path

import pytest

from opsportal.adapters.cloudfoundry import BadAnswer, Conflict, Foundation, NotFound, Unprocessable
from tests.support.contract_platform import LABEL, Platform, Pushed, eventually

NAME = "opsportal-contract-database"


@pytest.fixture
def plan(platform: Platform, cf: Foundation, pushed: Pushed) -> str:
    """A plan that databases are made of."""
    if not platform.is_local:
        pytest.skip("making a database on a real platform takes minutes and costs money")
    found = cf.service_plan_named("micro-psql", "aws-rds", pushed.space.guid)
    assert found is not None
    return found.guid


def ready(cf: Foundation, space: str):
    """The instance once the platform has made it."""
    return eventually(
        lambda: cf.service_instance_named(NAME, space),
        lambda one: one.last_operation.state == "succeeded",
    )


def test_a_database_is_made_found_bound_unbound_and_deleted(
    cf: Foundation, pushed: Pushed, plan: str
) -> None:
    space, app = pushed.space.guid, pushed.app.guid
    assert cf.service_instance_named(NAME, space) is None
    job = cf.create_service_instance(NAME, space, plan, tags=["db"], labels={LABEL: "services"})
    eventually(lambda: cf.job(job), lambda one: one.finished)
    made = ready(cf, space)
    assert (made.plan_guid, made.tags, made.labels[LABEL]) == (plan, ("db",), "services")
    assert cf.service_offering_name(str(cf.service_plan(plan).offering_guid)) == "aws-rds"
    assert cf.service_instance_parameters(made.guid) is None
    with pytest.raises(Unprocessable, match="taken"):
        cf.create_service_instance(NAME, space, plan)
    cf.create_binding(app, made.guid, labels={LABEL: "services"})
    (binding,) = eventually(
        lambda: cf.bindings_of(made.guid),
        lambda found: bool(found) and found[0].last_operation.state == "succeeded",
    )
    assert binding.app_guid == app
    with pytest.raises((Unprocessable, Conflict)):
        cf.create_binding(app, made.guid)
    cf.delete_binding(binding.guid)
    eventually(lambda: cf.bindings_of(made.guid), lambda found: not found)
    cf.delete_service_instance(made.guid)
    eventually(lambda: cf.service_instance_named(NAME, space), lambda found: found is None)
    with pytest.raises(NotFound):
        cf.service_instance(made.guid)


def test_a_service_is_not_shared_into_its_own_space_and_sharing_can_be_read(
    cf: Foundation, pushed: Pushed, plan: str
) -> None:
    space = pushed.space.guid
    cf.create_service_instance(NAME, space, plan)
    made = ready(cf, space)
    try:
        assert cf.shared_spaces(made.guid) == []
        with pytest.raises(Unprocessable, match="shared"):
            cf.share_service_instance(made.guid, space)
        with pytest.raises(Unprocessable, match="unshare"):
            cf.unshare_service_instance(made.guid, space)
    finally:
        cf.delete_service_instance(made.guid)
        eventually(lambda: cf.service_instance_named(NAME, space), lambda found: found is None)


def test_scaling_changes_what_is_given_and_leaves_the_rest(cf: Foundation, pushed: Pushed) -> None:
    (web,) = [each for each in cf.processes(pushed.app.guid) if each.type == "web"]
    changed = cf.scale(web.guid, instances=2)
    assert (changed.instances, changed.memory_in_mb, changed.disk_in_mb) == (
        2,
        web.memory_in_mb,
        web.disk_in_mb,
    )
    assert cf.scale(web.guid, instances=web.instances).instances == web.instances


def test_a_droplet_is_copied_downloaded_and_uploaded_and_stays_the_same(
    cf: Foundation, pushed: Pushed, tmp_path: Path
) -> None:
    source = cf.current_droplet(pushed.app.guid)
    assert source is not None
    copy = cf.copy_droplet(source.guid, pushed.app.guid, labels={LABEL: "copy"})
    copy = eventually(lambda: cf.droplet(copy.guid), lambda one: one.staged)
    assert copy.checksum == source.checksum
    assert [each.guid for each in cf.droplets(pushed.app.guid, labels={LABEL: "copy"})] == [copy.guid]
    told: list[tuple[int, int]] = []
    bits = tmp_path / "droplet.tgz"
    total = cf.download_droplet(
        source.guid, bits, max_bytes=100_000_000, on_progress=lambda done, of: told.append((done, of))
    )
    assert hashlib.sha256(bits.read_bytes()).hexdigest() == source.checksum
    assert told[-1][0] == total == bits.stat().st_size
    empty = cf.create_droplet(pushed.app.guid, {"web": "true"}, labels={LABEL: "upload"})
    assert empty.state == "AWAITING_UPLOAD"
    cf.upload_droplet(empty.guid, bits)
    uploaded = eventually(lambda: cf.droplet(empty.guid), lambda one: one.state != "PROCESSING_UPLOAD")
    assert (uploaded.staged, uploaded.checksum) == (True, source.checksum)
    with pytest.raises(Unprocessable):
        cf.upload_droplet(empty.guid, bits)


def test_a_download_larger_than_allowed_is_given_up(cf: Foundation, pushed: Pushed, tmp_path: Path) -> None:
    source = cf.current_droplet(pushed.app.guid)
    assert source is not None
    with pytest.raises(BadAnswer, match="larger than"):
        cf.download_droplet(source.guid, tmp_path / "droplet.tgz", max_bytes=10)


def test_memory_that_may_be_used_can_be_read(cf: Foundation, pushed: Pushed) -> None:
    allowance = cf.memory_allowance(str(pushed.space.organization_guid))
    assert allowance.used_mb is not None
    assert allowance.used_mb >= 64
