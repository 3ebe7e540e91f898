"""The client against the local cloud, or a real platform when one is named: tasks, logs and what there is."""

import time

import pytest

from opsportal.adapters.cloudfoundry import (
    Foundation,
    NotFound,
    Unprocessable,
)
from tests.support.contract_platform import (
    LABEL,
    NO_GUID,
    Platform,
    Pushed,
    eventually,
)


@pytest.mark.parametrize(("command", "status"), [("true", 0), ("exit 3", 3)])
def test_a_task_ends_with_its_exit_status(cf: Foundation, pushed: Pushed, command: str, status: int) -> None:
    name = f"ends-with-{status}-{time.time_ns()}"
    task = cf.create_task(pushed.app.guid, command, name, {LABEL: name}, memory_in_mb=64)
    task = eventually(lambda: cf.task(task.guid), lambda one: one.finished)
    assert (task.name, task.command, task.exit_status, task.succeeded) == (name, command, status, status == 0)
    assert [one.guid for one in cf.tasks(pushed.app.guid, labels={LABEL: name})] == [task.guid]
    assert [one.guid for one in cf.tasks(pushed.app.guid, names=[name])] == [task.guid]


def test_a_task_can_be_cancelled_once(cf: Foundation, pushed: Pushed) -> None:
    task = cf.create_task(pushed.app.guid, "sleep 300", "long", {})
    eventually(lambda: cf.task(task.guid), lambda one: one.state == "RUNNING")
    assert cf.cancel_task(task.guid).state in {"CANCELING", "FAILED"}
    assert eventually(lambda: cf.task(task.guid), lambda one: one.finished).failed
    with pytest.raises(Unprocessable):
        cf.cancel_task(task.guid)


def test_what_a_task_prints_is_read_line_by_line(cf: Foundation, pushed: Pushed) -> None:
    name, start = f"prints-{time.time_ns()}", time.time_ns() - 60_000_000_000
    task = cf.create_task(pushed.app.guid, "echo one; echo two >&2; printf 'a\\377z\\n'", name, {})
    eventually(lambda: cf.task(task.guid), lambda one: one.finished)

    def lines() -> set[tuple[str, str]]:
        read = cf.read_logs(pushed.app.guid, start)
        return {(one.stream, one.text) for one in read if one.source_type == f"APP/TASK/{name}"}

    wanted = {("OUT", "one"), ("ERR", "two"), ("OUT", "a\ufffdz")}
    assert eventually(lines, lambda seen: wanted <= seen) >= wanted


def test_the_staging_log_is_among_the_apps_lines(cf: Foundation, pushed: Pushed) -> None:
    read = cf.read_logs(pushed.app.guid, -6795364578871345152)
    assert "STG" in {one.source_type for one in read}
    assert [one.at_ns for one in read] == sorted(one.at_ns for one in read)


def test_lines_are_read_from_a_moment_to_a_moment_and_newest_first(cf: Foundation, pushed: Pushed) -> None:
    read = cf.read_logs(pushed.app.guid, 0)
    first, last = read[0].at_ns, read[-1].at_ns
    assert len(cf.read_logs(pushed.app.guid, 0, limit=1, descending=True)) == 1
    newest_first = [one.at_ns for one in cf.read_logs(pushed.app.guid, 0, end_time=last, descending=True)]
    assert newest_first == sorted(newest_first, reverse=True)
    assert all(first <= at_ns < last for at_ns in newest_first)


def test_the_log_of_a_stranger_is_not_found(cf: Foundation) -> None:
    with pytest.raises(NotFound):
        cf.read_logs(NO_GUID, 0)


def test_variables_from_the_manifest_are_texts(cf: Foundation, pushed: Pushed) -> None:
    variables = cf.environment_variables(pushed.app.guid)
    assert (variables["GREETING"], variables["NUMBER"], variables["EMPTY"]) == ("hello", "5", "")


def test_variables_are_merged_and_deleted(cf: Foundation, pushed: Pushed) -> None:
    cf.set_environment_variables(pushed.app.guid, {"EXTRA": "1", "ODD": "=,\n é"})
    after = cf.set_environment_variables(pushed.app.guid, {"EXTRA": None})
    assert "EXTRA" not in after
    assert cf.environment_variables(pushed.app.guid)["ODD"] == "=,\n é"


@pytest.mark.parametrize("name", ["PORT", "VCAP_SERVICES", "vmc_x"])
def test_names_that_the_platform_keeps_are_refused(cf: Foundation, pushed: Pushed, name: str) -> None:
    with pytest.raises(Unprocessable):
        cf.set_environment_variables(pushed.app.guid, {name: "x"})


def test_bindings_carry_the_instances_names(platform: Platform, cf: Foundation, pushed: Pushed) -> None:
    if not platform.is_local:
        pytest.skip("needs a service made beforehand")
    [binding] = cf.bindings(pushed.app.guid)
    [instance] = [one for one in cf.service_instances(pushed.space.guid) if one.name == "contract-secrets"]
    assert (binding.service_instance_guid, binding.service_instance_name) == (
        instance.guid,
        "contract-secrets",
    )
    assert (binding.app_guid, instance.type) == (pushed.app.guid, "user-provided")


def test_revisions_tell_what_ran_and_with_which_variables(cf: Foundation, pushed: Pushed) -> None:
    oldest = cf.revisions(pushed.app.guid)[-1]
    assert (oldest.version, oldest.droplet_guid) == (1, pushed.build.droplet_guid)
    assert cf.revision_environment_variables(oldest.guid)["GREETING"] == "hello"
    assert len(cf.revisions(pushed.app.guid, deployed=True)) >= 1
    assert cf.app_features(pushed.app.guid)["revisions"] is True


def test_events_tell_who_deployed(platform: Platform, cf: Foundation, pushed: Pushed) -> None:
    events = cf.audit_events([pushed.app.guid], types=["audit.app.deployment.create"])
    assert {one.target.guid for one in events} == {pushed.app.guid}
    assert events[-1].actor.name == platform.username
    assert events[-1].data["deployment_guid"] == pushed.deployment.guid
    since = cf.audit_events([pushed.app.guid], since=events[-1].created_at)
    assert [one.created_at for one in since] == sorted(one.created_at for one in since)
    assert events[-1].guid in {one.guid for one in since}
