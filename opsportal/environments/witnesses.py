"""Reading what is really there: the platform's word and the application's own, into an environment's row."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from opsportal.adapters.cloudfoundry import CloudFoundryError, Foundation, InstanceStats, NotFound, Process
from opsportal.environments import allowance, platform, versions
from opsportal.environments.models import Environment
from opsportal.environments.rules import Instances, Witnesses, drift, health
from opsportal.environments.versions import COMMIT_LABEL
from opsportal.kit.http import fetch_json

log = logging.getLogger(__name__)

#: Seconds after which the earlier versions are read again although nothing else was deployed: old droplets expire.
VERSIONS_AGE = 900
#: Seconds between two looks at whatever environments: with many, each is looked at less often.
APART_SECONDS = 0.3


class Sight:
    """One application as it is just now: each question is asked when its answer is wanted first, and once."""

    def __init__(self, cf: Foundation, app_guid: str) -> None:
        """Nothing is asked yet."""
        self.cf, self.app_guid = cf, app_guid

    @cached_property
    def processes(self) -> list[Process]:
        """Its processes."""
        return self.cf.processes(self.app_guid)

    @cached_property
    def variables(self) -> dict[str, str]:
        """Its environment variables; none for an application that is gone. They hold secrets."""
        try:
            return self.cf.environment_variables(self.app_guid)
        except NotFound:
            return {}

    @cached_property
    def services(self) -> list[str]:
        """Names of the service instances bound to it, in order."""
        bindings = self.cf.bindings(self.app_guid)
        return sorted(each.service_instance_name or each.service_instance_guid for each in bindings)

    @cached_property
    def addresses(self) -> list[str]:
        """Its routes, as they are reached from here."""
        return [platform.reachable(route.url) for route in self.cf.routes(self.app_guid)]

    @cached_property
    def said(self) -> dict[str, Any]:
        """Its own word, as :func:`ask_application` gives it."""
        return ask_application(self.addresses)


def refresh(environment: Environment, cf: Foundation, sight: Sight | None = None) -> None:
    """Look at the platform and the application, and keep what they say. Trouble is kept too, never raised.

    ``sight``: what was seen of the application a moment ago and need not be asked again.
    """
    now = timezone.now()
    many = Environment.objects.count()
    environment.refresh_due_at = now + timedelta(
        seconds=max(settings.ENVIRONMENT_REFRESH_SECONDS, many * APART_SECONDS)
    )
    try:
        values = look(environment, cf, sight)
        values["refresh_problem"] = ""
        allowance.read_now_and_then(cf)
    except CloudFoundryError as error:
        values = {"refresh_problem": str(error)[:500], "health": "not_known"}
        log.warning("environment %s could not be refreshed: %s", environment.name, error)
    values["refreshed_at"], values["refresh_due_at"] = timezone.now(), environment.refresh_due_at
    for name, value in values.items():
        setattr(environment, name, value)
    environment.drift = drift(
        Witnesses(environment.deployed_commit, environment.platform_commit, environment.app_commit)
    ).sentence
    environment.save(update_fields=[*values, "drift"])


def look(environment: Environment, cf: Foundation, sight: Sight | None = None) -> dict[str, Any]:
    """Columns of :class:`Environment` as the platform and the application state them. Raises CloudFoundryError."""
    space_guid = environment.space_guid or find_space(environment, cf)
    app = cf.app(environment.app_name, space_guid) if space_guid else None
    if app is None:
        return {**_NOTHING, "space_guid": space_guid}
    values: dict[str, Any] = {"space_guid": space_guid, "app_guid": app.guid, "app_state": app.state}
    if sight is None or sight.app_guid != app.guid:
        sight = Sight(cf, app.guid)
    values |= _code(sight) | _processes(sight)
    if values["droplet_guid"] != environment.droplet_guid or cache.add(
        f"versions-of:{environment.pk}", 1, timeout=VERSIONS_AGE
    ):
        values["versions"] = versions.read(cf, app.guid, values["droplet_guid"], environment.versions)
    values |= {"routes": sight.addresses, "services": sight.services}
    values |= sight.said if values["instances_running"] else _SILENT
    values["health"] = health(
        Instances(
            True,
            app.state == "STARTED",
            values["instances_wanted"],
            values["instances_running"],
            values["app_health"],
        )
    )
    return values


_SILENT: dict[str, Any] = {"app_commit": "", "app_ref": "", "app_health": ""}
_NOTHING: dict[str, Any] = {
    "app_guid": "", "app_state": "", "platform_commit": "", "platform_ref": "", "droplet_guid": "",
    "instances_wanted": 0, "instances_running": 0, "instances": [], "memory_mb": 0, "routes": [], "services": [],
    "last_crash": "", "versions": [], "health": "not_known", **_SILENT,
}  # fmt: skip


def find_space(environment: Environment, cf: Foundation) -> str:
    """The guid of the environment's space, or empty when there is none."""
    organization = cf.organization(settings.CF_ORGANIZATION)
    space = cf.space(environment.space_name, organization.guid) if organization else None
    return space.guid if space else ""


def _code(sight: Sight) -> dict[str, Any]:
    droplet, variables = sight.cf.current_droplet(sight.app_guid), sight.variables
    labelled = droplet.metadata.labels.get(COMMIT_LABEL, "") if droplet else ""
    return {
        "droplet_guid": droplet.guid if droplet else "",
        "platform_commit": (labelled or variables.get("GIT_COMMIT_SHA", ""))[:64],
        "platform_ref": (variables.get("GIT_TAG") or variables.get("GIT_BRANCH", ""))[:300],
    }


def _processes(sight: Sight) -> dict[str, Any]:
    web = [process for process in sight.processes if process.type == "web"]
    stats: list[InstanceStats] = []
    for process in web:
        stats.extend(_stats(process.guid, sight.cf))
    newest = web[-1] if web else None
    crashed = [each for each in stats if each.state == "CRASHED"]
    return {
        "instances_wanted": newest.instances if newest else 0,
        "instances_running": sum(each.state == "RUNNING" for each in stats),
        "instances": [_instance(each) for each in stats],
        "memory_mb": newest.memory_in_mb if newest else 0,
        "last_crash": next((each.details or "crashed" for each in crashed), ""),
    }


def _stats(process_guid: str, cf: Foundation) -> list[InstanceStats]:
    """An old process goes away while a rollout ends: then it has no instances."""
    try:
        return cf.stats(process_guid)
    except NotFound:
        return []


def _instance(stats: InstanceStats) -> dict[str, Any]:
    return {
        "index": stats.index,
        "state": stats.state,
        "uptime_s": stats.uptime,
        "cpu": stats.cpu,
        "memory_bytes": stats.memory,
        "details": stats.details,
    }


def ask_application(addresses: Sequence[str]) -> dict[str, Any]:
    """What the application says of itself: ``/health`` and ``/version`` at its first route."""
    if not addresses:
        return {**_SILENT, "app_health": "it has no route"}
    version = fetch_json(f"{addresses[0]}/version", timeout=5, max_bytes=20_000)
    healthy = fetch_json(f"{addresses[0]}/health", timeout=5, max_bytes=20_000)
    said = version.data if isinstance(version.data, dict) else {}
    return {
        "app_commit": str(said.get("commit") or said.get("git_commit_sha") or "")[:64],
        "app_ref": str(said.get("tag") or said.get("branch") or "")[:300],
        "app_health": "" if healthy.ok else healthy.problem[:200],
    }
