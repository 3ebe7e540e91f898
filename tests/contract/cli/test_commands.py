"""Each command of the cf client against the local cloud: what the person sees in the end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from . import cf_cli, pushing
from .cf_cli import Cf, CommandFailed
from .conftest import MANIFEST, RunningCloud, application, outline, running

BEGIN = ["GET /", "GET /v3", "GET /login"]
AGAIN = ["GET /", "GET /v3"]
Home = Callable[..., Cf]


# -- applications --------------------


def test_a_rolling_push_of_a_new_and_of_an_existing_app_makes_the_documented_calls(
    developer: Cf, cloud: RunningCloud, tmp_path: Path
) -> None:
    variables = {"NAME": "rolled", "GREETING": "hello"}
    manifest = application(tmp_path / "app", "one")
    for version in ("one", "two"):
        application(tmp_path / "app", version)
        developer.calls.clear()
        lines = cf_cli.push(developer, manifest, var=variables, strategy="rolling")
        assert outline(developer.calls) == [
            *BEGIN,
            *AGAIN,
            "POST /v3/spaces/:g/actions/apply_manifest",
            "GET /v3/jobs/:g",
            "GET /v3/apps?names=rolled&space_guids=:g",
            "POST /v3/resource_matches",
            "POST /v3/packages",
            "POST /v3/packages/:g/upload",
            "GET /v3/packages/:g",
            "GET /v3/apps?names=rolled&space_guids=:g",
            "POST /v3/builds",
            "GET /v3/builds/:g",
            "GET /v3/droplets/:g",
            "POST /v3/deployments",
            "GET /v3/deployments/:g",
            "GET /v3/apps/:g/processes",
            "GET /v3/processes/:g/stats",
            "GET /v3/apps?names=rolled&space_guids=:g",
            "GET /v3/apps/:g/processes",
            *["GET /v3/processes/:g", "GET /v3/processes/:g/sidecars", "GET /v3/processes/:g/stats"] * 2,
            "GET /v3/apps/:g/routes",
            "GET /v3/apps/:g/droplets/current",
        ]
        assert any("Python Buildpack" in line for line in lines)
        assert "type: web instances: 1/1 memory usage: 64M" in lines
        assert cloud.visit("rolled.app.localhost") == f"200 {version} hello"
    cf_cli.delete(developer, "rolled", routes=True)


def test_a_push_without_a_strategy_assigns_the_droplet_and_restarts(
    developer: Cf, cloud: RunningCloud, tmp_path: Path
) -> None:
    manifest = application(tmp_path / "app")
    cf_cli.push(developer, manifest, var={"NAME": "plain", "GREETING": "hi"})
    calls = outline(developer.calls)
    at = calls.index("PATCH /v3/apps/:g/relationships/current_droplet")
    assert calls[at + 1] == "POST /v3/apps/:g/actions/restart"
    assert cloud.visit("plain.app.localhost") == "200 one hi"
    cf_cli.delete(developer, "plain", routes=True)


def test_a_push_with_no_start_leaves_a_stopped_app_with_a_package(developer: Cf, tmp_path: Path) -> None:
    manifest = application(tmp_path / "app")
    lines = cf_cli.push(developer, manifest, var={"NAME": "later", "GREETING": "hi"}, start=False)
    assert "requested state: stopped" in lines
    lines = cf_cli.start(developer, "later")
    assert "requested state: started" in lines
    assert "POST /v3/builds" in outline(developer.calls)
    cf_cli.delete(developer, "later", routes=True)


def test_a_second_push_sends_only_what_the_platform_lacks(developer: Cf, tmp_path: Path) -> None:
    manifest = application(tmp_path / "app", "never sent before")
    variables = {"NAME": "again", "GREETING": "hi"}
    cf_cli.push(developer, manifest, var=variables)
    assert "server.py" in developer.uploaded
    developer.uploaded.clear()
    assert "requested state: started" in cf_cli.push(developer, manifest, var=variables)
    assert developer.uploaded == ["requirements.txt"], "an empty file always goes along"
    (tmp_path / "app" / "requirements.txt").unlink()
    (tmp_path / "app" / "assets" / "large.txt").rename(tmp_path / "app" / "moved.txt")
    (tmp_path / "app" / "assets").rmdir()
    developer.uploaded.clear()
    assert "requested state: started" in cf_cli.push(developer, manifest, var=variables)
    assert developer.uploaded == [], "nothing is left to be sent, not even an archive"
    cf_cli.delete(developer, "again", routes=True)


def test_a_push_with_a_variable_that_has_no_value_stops_before_any_call(
    developer: Cf, tmp_path: Path
) -> None:
    developer.calls.clear()
    with pytest.raises(CommandFailed, match="Expected to find variables: GREETING, NAME"):
        cf_cli.push(developer, application(tmp_path / "app"), strategy="rolling")
    assert developer.calls == []


def test_a_push_of_a_manifest_that_the_platform_refuses_says_for_which_app_and_why(
    developer: Cf, tmp_path: Path
) -> None:
    manifest = application(tmp_path / "app", manifest=MANIFEST.replace("64M", "64Z"))
    with pytest.raises(CommandFailed, match=r"For application 'bad'.*unit"):
        cf_cli.push(developer, manifest, var={"NAME": "bad", "GREETING": "hi"}, strategy="rolling")


def test_a_push_with_an_unknown_service_fails_with_the_text_of_the_job(developer: Cf, tmp_path: Path) -> None:
    manifest = application(tmp_path / "app", manifest=MANIFEST.replace("[credentials]", "[nothing]"))
    with pytest.raises(CommandFailed, match="For application 'lone': Service instance 'nothing' not found"):
        cf_cli.push(developer, manifest, var={"NAME": "lone", "GREETING": "hi"}, strategy="rolling")
    cf_cli.delete(developer, "lone", routes=True)


def test_a_push_that_cannot_be_staged_shows_the_builds_error(developer: Cf, tmp_path: Path) -> None:
    manifest = application(tmp_path / "app")
    (tmp_path / "app" / "requirements.txt").write_text("a-package-that-is-nowhere==1.0\n")
    with pytest.raises(CommandFailed, match="BuildpackCompileFailed - ") as failure:
        cf_cli.push(developer, manifest, var={"NAME": "broken", "GREETING": "hi"}, strategy="rolling")
    assert failure.value.kind == "staging failed"
    cf_cli.delete(developer, "broken", routes=True)


def test_an_app_that_ends_at_once_is_told_as_a_start_that_failed(developer: Cf, tmp_path: Path) -> None:
    manifest = application(tmp_path / "app")
    (tmp_path / "app" / "server.py").write_text("raise SystemExit('no settings')")
    with pytest.raises(CommandFailed, match="Start unsuccessful"):
        cf_cli.push(developer, manifest, var={"NAME": "ends", "GREETING": "hi"})
    lines = cf_cli.logs(developer, "ends", recent=True)
    assert any(line.endswith("[APP/PROC/WEB/0] ERR no settings") for line in lines)
    assert any("app.crash" in line for line in cf_cli.events(developer, "ends"))
    cf_cli.delete(developer, "ends", routes=True)


def test_a_rolling_push_of_a_sick_version_is_cancelled_when_its_time_is_up(
    developer: Cf, cloud: RunningCloud, tmp_path: Path
) -> None:
    variables = {"NAME": "sickly", "GREETING": "hi"}
    manifest = application(tmp_path / "app", "well")
    cf_cli.push(developer, manifest, var=variables, strategy="rolling")
    application(tmp_path / "app", "sick")
    with pytest.raises(CommandFailed, match="Start app timeout"):
        cf_cli.push(developer, manifest, var=variables, strategy="rolling", seconds=0.3)
    assert outline(developer.calls)[-1] == "POST /v3/deployments/:g/actions/cancel"
    assert cloud.visit("sickly.app.localhost") == "200 well hi"
    cf_cli.delete(developer, "sickly", routes=True)


def test_a_deployment_under_way_can_be_cancelled_and_the_old_version_serves_on(
    developer: Cf, cloud: RunningCloud, web: str
) -> None:
    guid = json.loads("".join(cf_cli.curl(developer, f"/v3/apps?names={web}")))["resources"][0]["guid"]
    cloud.knobs(start_seconds=60)
    body = json.dumps({"relationships": {"app": {"data": {"guid": guid}}}})
    made = "".join(cf_cli.curl(developer, "/v3/deployments", "POST", body))
    where = f"/v3/deployments/{json.loads(made)['guid']}"
    assert cf_cli.cancel_deployment(developer, web) == ["OK"]
    cloud.knobs(start_seconds=0)
    found = developer.poll({"status": {"value": str, "reason": str}}, developer.api + where, {"FINALIZED"})
    assert found["status"]["reason"] == "CANCELED"
    with pytest.raises(CommandFailed, match="No active deployment"):
        cf_cli.cancel_deployment(developer, web)
    assert cloud.visit("web.app.localhost").startswith("200")


def test_apps_lists_every_app_with_its_instances_and_routes(developer: Cf, web: str) -> None:
    developer.calls.clear()
    assert "web started web:1/1, task:0/0 web.app.localhost" in cf_cli.apps(developer)
    wanted = [*BEGIN, "GET /v3/apps?order_by=name&space_guids=:g"]
    assert outline(developer.calls)[:4] == wanted


def test_an_empty_space_has_no_apps(home: Home) -> None:
    assert cf_cli.apps(home("admin", space="other")) == ["No apps found"]


def test_app_shows_state_routes_stack_buildpacks_and_instances(developer: Cf, web: str) -> None:
    lines = cf_cli.app(developer, web)
    assert lines[:5] == [
        "name: web",
        "requested state: started",
        "routes: web.app.localhost",
        "stack: cflinuxfs4",
        "buildpacks: python_buildpack",
    ]
    assert re.fullmatch(r"#0 running \d+\.\d% of 64M", lines[6])
    assert lines[7] == "type: task instances: 0/0 memory usage: 1024M"


def test_an_app_that_is_not_there_is_named(developer: Cf) -> None:
    with pytest.raises(CommandFailed, match="App 'nobody' not found"):
        cf_cli.app(developer, "nobody")
    assert cf_cli.delete(developer, "nobody") == ["App 'nobody' not found.", "OK"]


def test_recent_logs_show_each_source_with_its_instance_and_stream(developer: Cf, web: str) -> None:
    lines = cf_cli.logs(developer, web, recent=True)
    shape = re.compile(r"   \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d[+-]\d{4} \[[A-Z/]+.*/[\w-]+\] (OUT|ERR) .*")
    assert [line for line in lines if not shape.fullmatch(line)] == []
    for wanted in ("[APP/PROC/WEB/0] OUT serving one", "[APP/PROC/WEB/0] ERR to the error stream"):
        assert any(line.endswith(wanted) for line in lines)
    assert any("[STG/0] OUT -----> Python Buildpack" in line for line in lines)
    assert any("[API/0] OUT Created app with guid" in line for line in lines)


def test_logs_follow_what_comes_while_they_are_watched(developer: Cf, web: str) -> None:
    cf_cli.run_task(developer, web, "echo watched from afar", "seen", wait=True)
    lines = cf_cli.logs(developer, web, seconds=0.3)
    assert any("[APP/TASK/seen/0] OUT watched from afar" in line for line in lines)
    assert "GET /api/v1/info" in developer.calls


def test_env_shows_the_five_groups_with_the_services_credentials(developer: Cf, web: str) -> None:
    found = cf_cli.env(developer, web)
    assert found["environment_variables"]["ANSWER"] == "42"
    services = found["system_env_json"]["VCAP_SERVICES"]["user-provided"]
    assert services[0]["credentials"] == {"KEY": "secret"}
    assert found["application_env_json"]["VCAP_APPLICATION"]["name"] == "web"


def test_set_env_reaches_the_app_with_the_next_restart(developer: Cf, cloud: RunningCloud, web: str) -> None:
    before = cf_cli.env(developer, web)["environment_variables"]["GREETING"]
    for strategy, value in (("", "plain"), ("rolling", "rolled")):
        assert cf_cli.set_env(developer, web, "GREETING", value)[0] == "OK"
        assert cf_cli.env(developer, web)["environment_variables"]["GREETING"] == value
        assert "type: web instances: 1/1 memory usage: 64M" in cf_cli.restart(
            developer, web, strategy=strategy
        )
        assert cloud.visit("web.app.localhost").endswith(value)
    cf_cli.set_env(developer, web, "SPARE", "1")
    cf_cli.unset_env(developer, web, "SPARE")
    cf_cli.set_env(developer, web, "GREETING", before)
    assert "SPARE" not in cf_cli.env(developer, web)["environment_variables"]


@pytest.mark.parametrize("strategy", ["", "rolling"])
def test_restage_builds_the_newest_package_anew(developer: Cf, web: str, strategy: str) -> None:
    lines = cf_cli.restage(developer, web, strategy=strategy)
    assert any("Python Buildpack" in line for line in lines)
    assert "requested state: started" in lines


def test_restart_with_rolling_makes_the_documented_calls(developer: Cf, web: str) -> None:
    developer.calls.clear()
    cf_cli.restart(developer, web, strategy="rolling")
    assert outline(developer.calls)[5:10] == [
        "GET /v3/apps?names=web&space_guids=:g",
        "GET /v3/packages?app_guids=:g&order_by=-created_at&per_page=1",
        "GET /v3/packages/:g/droplets?per_page=1&states=STAGED",
        "POST /v3/deployments",
        "GET /v3/deployments/:g",
    ]


def test_stop_and_start(developer: Cf, cloud: RunningCloud, web: str) -> None:
    assert cf_cli.start(developer, web) == ["App 'web' is already started.", "OK"]
    assert cf_cli.stop(developer, web) == ["OK"]
    assert "requested state: stopped" in cf_cli.app(developer, web)
    assert cloud.visit("web.app.localhost").startswith("503")
    assert cf_cli.stop(developer, web) == ["App 'web' is already stopped.", "OK"]
    assert "type: web instances: 1/1 memory usage: 64M" in cf_cli.start(developer, web)


def test_scale_to_more_instances_and_to_another_size(developer: Cf, web: str) -> None:
    lines = cf_cli.scale(developer, web, instances=2)
    assert any(line.startswith("#1 ") for line in lines)
    scaled = cf_cli.scale(developer, web, instances=1, memory_in_mb=96)
    assert "type: web instances: 1/1 memory usage: 96M" in scaled
    cf_cli.scale(developer, web, memory_in_mb=64)


def test_a_task_runs_and_its_end_is_told_truly(developer: Cf, web: str) -> None:
    lines = cf_cli.run_task(developer, web, "echo migrated", "migrate", wait=True)
    assert lines[0] == "task name: migrate"
    assert lines[-2:] == ["Task has completed successfully.", "OK"]
    told = cf_cli.logs(developer, web, recent=True)
    assert any(line.endswith("[APP/TASK/migrate/0] OUT Exit status 0") for line in told)
    with pytest.raises(CommandFailed, match="Task failed to complete successfully"):
        cf_cli.run_task(developer, web, "exit 3", "fails", wait=True)
    (row,) = [line for line in cf_cli.tasks(developer, web) if " fails " in line]
    assert row.endswith("fails FAILED exit 3")


def test_a_task_without_a_command_takes_that_of_the_task_process(developer: Cf, web: str) -> None:
    cf_cli.run_task(developer, web, "", "from-process", wait=True)
    lines = cf_cli.logs(developer, web, recent=True)
    assert any(line.endswith("[APP/TASK/from-process/0] OUT done by the task process") for line in lines)


def test_a_task_can_be_terminated_by_its_number(developer: Cf, web: str) -> None:
    lines = cf_cli.run_task(developer, web, "sleep 600", "sleeper")
    number = int(lines[1].removeprefix("task id: "))
    assert cf_cli.terminate_task(developer, web, number) == ["OK"]
    (row,) = [line for line in cf_cli.tasks(developer, web) if line.startswith(f"{number} ")]
    assert row.split()[2] in {"CANCELING", "FAILED"}
    with pytest.raises(CommandFailed, match="Task sequence ID 9999 not found"):
        cf_cli.terminate_task(developer, web, 9999)


def test_events_name_what_was_done_and_by_whom_newest_first(developer: Cf, web: str) -> None:
    cf_cli.set_env(developer, web, "NOTED", "1")
    lines = cf_cli.events(developer, web)
    assert lines[0].endswith("audit.app.update developer")
    told = {line.split()[1] for line in lines if line.endswith(" developer")}
    assert told >= {
        f"audit.app.{what}"
        for what in (
            "create",
            "apply_manifest",
            "process.create",
            "process.scale",
            "package.create",
            "package.upload",
            "build.create",
            "droplet.mapped",
            "revision.create",
            "deployment.create",
            "start",
            "map-route",
        )
    }
    moments = [line.split()[0] for line in lines]
    assert moments == sorted(moments, reverse=True)


def test_revisions_and_a_rollback_to_an_earlier_one(
    developer: Cf, cloud: RunningCloud, tmp_path: Path
) -> None:
    variables = {"NAME": "history", "GREETING": "hi"}
    manifest = application(tmp_path / "app", "one")
    cf_cli.push(developer, manifest, var=variables, strategy="rolling")
    application(tmp_path / "app", "two")
    cf_cli.push(developer, manifest, var=variables, strategy="rolling")
    assert cf_cli.revisions(developer, "history") == [
        "2 New droplet deployed. true",
        "1 Initial revision. true",
    ]
    cf_cli.rollback(developer, "history", 1)
    assert cloud.visit("history.app.localhost") == "200 one hi"
    assert cf_cli.revisions(developer, "history")[0].endswith("Rolled back to revision 1. true")
    with pytest.raises(CommandFailed, match="Unable to rollback"):
        cf_cli.rollback(developer, "history", 3)
    cf_cli.delete(developer, "history", routes=True)


def test_delete_takes_the_app_and_with_it_the_route(developer: Cf, tmp_path: Path) -> None:
    manifest = application(tmp_path / "app")
    cf_cli.push(developer, manifest, var={"NAME": "gone", "GREETING": "hi"}, start=False)
    developer.calls.clear()
    assert cf_cli.delete(developer, "gone", routes=True) == ["OK"]
    assert outline(developer.calls)[4:] == [
        "GET /v3/apps/:g/routes",
        "DELETE /v3/apps/:g",
        "GET /v3/jobs/:g",
        "DELETE /v3/routes/:g",
        "GET /v3/jobs/:g",
    ]
    body = "".join(cf_cli.curl(developer, "/v3/routes?hosts=gone"))
    assert json.loads(body)["resources"] == []


def test_lists_are_read_page_by_page(developer: Cf, web: str) -> None:
    developer.signed_in()
    found = developer.pages({"guid": str}, developer.v3("audit_events", order_by="-created_at"))
    paged = developer.pages({"guid": str}, developer.v3("audit_events", order_by="-created_at", per_page=3))
    assert len(found) > 3
    assert [one["guid"] for one in paged[-len(found) :]] == [one["guid"] for one in found]


def test_whoever_is_signed_in_goes_on_after_a_restart_of_the_platform(tmp_path: Path) -> None:
    variables = {"NAME": "stays", "GREETING": "hi"}
    with running(tmp_path) as before:
        cf = before.person("developer", space="dev")
        cf_cli.push(cf, application(tmp_path / "app"), var=variables, strategy="rolling")
        cf.close()
    with running(tmp_path, int(before.url.rsplit(":", 1)[1])):
        pushing.wait_until_up(cf, pushing.apps_named(cf, ["stays"])["stays"])
        lines = cf_cli.app(cf, "stays")
        assert "type: web instances: 1/1 memory usage: 64M" in lines
        told = cf_cli.logs(cf, "stays", recent=True)
        assert any("[STG/0] OUT -----> Python Buildpack" in line for line in told)
        assert "requested state: started" in cf_cli.restart(cf, "stays", strategy="rolling")
        cf.close()
