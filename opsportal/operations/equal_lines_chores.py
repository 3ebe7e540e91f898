"""The ``cf`` lines of every kind but deploy, by kind. What must succeed before the next line is told by ``--wait``."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from opsportal.environments import platform
from opsportal.environments.models import Environment, EnvironmentKind
from opsportal.operations.equal_lines_place import line, log_in, logs, target, task

Lines = Callable[[Environment, Mapping[str, Any]], list[str]]


def _one_task(setting: str, name: str) -> Lines:
    def lines(environment: Environment, params: Mapping[str, Any]) -> list[str]:
        return [*log_in(environment), task(environment, getattr(settings, setting), name), logs(environment)]

    return lines


def _run_task(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    sizes = [
        part for flag, name in (("-m", "memory"), ("-k", "disk")) for part in _size(flag, params.get(name))
    ]
    return [
        *log_in(environment),
        task(environment, str(params["command"]), "by-hand", *sizes),
        logs(environment),
    ]


def _size(flag: str, megabytes: int | None) -> tuple[str, ...]:
    return () if megabytes is None else (flag, f"{megabytes}M")


def _reset(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    return [
        *log_in(environment),
        task(environment, settings.FLUSH_COMMAND, "flush"),
        task(environment, settings.MIGRATE_COMMAND, "migrate"),
        task(environment, settings.LOAD_COMMAND, "load"),
    ]


def _recreate(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    app, name = environment.app_name, settings.DATABASE_NAME_PATTERN.format(environment=environment.name)
    return [
        *log_in(environment),
        line("cf", "unbind-service", app, name, "--wait"),
        line("cf", "delete-service", name, "-f", "--wait"),
        line("cf", "create-service", settings.DATABASE_OFFERING, settings.DATABASE_PLAN, name, "--wait"),
        line("cf", "bind-service", app, name, "--wait"),
        line("cf", "restage", app, "--strategy", "rolling"),
        task(environment, settings.CACHE_TABLE_COMMAND, "create-cache-table"),
        task(environment, settings.MIGRATE_COMMAND, "migrate"),
        task(environment, settings.LOAD_COMMAND, "load"),
    ]


def _copy(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    stable = Environment.objects.filter(kind=EnvironmentKind.STABLE).first() or Environment(
        name="stable", app_name=platform.app_name("stable"), space_name=platform.space_name("stable")
    )
    source, own = (
        settings.DATABASE_NAME_PATTERN.format(environment=each.name) for each in (stable, environment)
    )
    command = settings.COPY_DATABASE_COMMAND.replace("{source}", source).replace("{target}", own)
    return [
        *log_in(stable),
        line("cf", "share-service", source, "-s", environment.space_name),
        target(environment),
        line("cf", "bind-service", environment.app_name, source, "--wait"),
        task(environment, command, "copy-database"),
        line("cf", "unbind-service", environment.app_name, source, "--wait"),
        target(stable),
        line("cf", "unshare-service", source, "-s", environment.space_name, "-f"),
        target(environment),
        task(environment, settings.MIGRATE_COMMAND, "migrate"),
        task(environment, settings.LOAD_COMMAND, "load"),
    ]


def _restart(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    rolling = () if params.get("strategy") == "all_at_once" else ("--strategy", "rolling")
    return [*log_in(environment), line("cf", "restart", environment.app_name, *rolling)]


def _restage(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    return [*log_in(environment), line("cf", "restage", environment.app_name, "--strategy", "rolling")]


def _scale(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    """What differs from the size of before alone. ``cf scale -m`` would stop every instance at once: its own request
    followed by a rolling restart does not.
    """
    app, before = environment.app_name, params.get("before") or {}
    before = {
        "instances": environment.instances_wanted,
        "memory": environment.memory_mb,
        "disk": None,
        **before,
    }
    wanted = {
        name: params[name] for name in before if params.get(name) is not None and params[name] != before[name]
    }
    if not wanted:
        return [*log_in(environment), line("cf", "app", app)]
    if wanted.keys() == {"instances"}:
        return [*log_in(environment), line("cf", "scale", app, "-i", str(wanted["instances"]))]
    fields = {"instances": "instances", "memory": "memory_in_mb", "disk": "disk_in_mb"}
    body = json.dumps({fields[name]: value for name, value in wanted.items()})
    where = f"/v3/apps/{environment.app_guid}/processes/web/actions/scale"
    said = [*log_in(environment), line("cf", "curl", "-X", "POST", where, "-d", body)]
    starts = wanted.get("instances", before["instances"]) != 0
    return [*said, line("cf", "restart", app, "--strategy", "rolling")] if starts else said


def _roll_back(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    """Its droplet alone: ``cf rollback`` would bring back every environment variable of then, rotated secrets too."""
    app = environment.app_name
    variable = "GIT_TAG" if params.get("ref_kind") == "tag" else "GIT_BRANCH"
    return [
        *log_in(environment),
        line("cf", "revisions", app),
        line("cf", "set-env", app, "GIT_COMMIT_SHA", str(params.get("commit", ""))),
        line("cf", "set-env", app, variable, str(params.get("ref", ""))),
        _deployment(environment, str(params.get("droplet", ""))),
        *_look(environment),
    ]


def _promote(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    commit, ref = str(params["commit"]), str(params["ref"])
    to_app = {"relationships": {"app": {"data": {"guid": environment.app_guid}}}}
    copy = line(
        "cf", "curl", "-X", "POST", f"/v3/droplets?source_guid={params['droplet']}", "-d", json.dumps(to_app)
    )
    variable = "GIT_TAG" if params.get("ref_kind") == "tag" else "GIT_BRANCH"
    given = ("--var", f"GIT_COMMIT_SHA={commit}", "--var", f"{variable}={ref}")
    said = [
        *log_in(environment),
        f"new=$({copy} | jq -r .guid)",
        f"cf curl /v3/droplets/{params['droplet']} | jq .checksum",
        'cf curl "/v3/droplets/$new" | jq .checksum',
        line("git", "checkout", "--detach", commit),
        line("cf", "apply-manifest", "-f", platform.manifest_path(environment.name), *given),
        _deployment(environment, "$new").replace("$new", "'$new'"),
    ]
    if params.get("migrate"):
        said.append(task(environment, settings.MIGRATE_COMMAND, "migrate"))
    return [*said, *_look(environment)]


def _deployment(environment: Environment, droplet: str) -> str:
    body = {
        "strategy": "rolling",
        "droplet": {"guid": droplet},
        "relationships": {"app": {"data": {"guid": environment.app_guid}}},
    }
    return line("cf", "curl", "-X", "POST", "/v3/deployments", "-d", json.dumps(body))


def _look(environment: Environment) -> list[str]:
    return [line("curl", f"{environment.routes[0]}/version")] if environment.routes else []


#: Kind → its lines.
LINES: dict[str, Lines] = {
    "migrate": _one_task("MIGRATE_COMMAND", "migrate"),
    "load_fixtures": _one_task("LOAD_COMMAND", "load"),
    "create_cache_table": _one_task("CACHE_TABLE_COMMAND", "create-cache-table"),
    "clear_sessions": _one_task("CLEAR_SESSIONS_COMMAND", "clear-sessions"),
    "run_task": _run_task,
    "reset_database": _reset,
    "recreate_database": _recreate,
    "copy_database": _copy,
    "restart": _restart,
    "restage": _restage,
    "scale": _scale,
    "roll_back": _roll_back,
    "promote": _promote,
}
