"""What an application in a manifest may say, after the platform API's list of fields. Pure."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from opsportal.environments.manifest_variables import variables_in
from opsportal.environments.manifest_yaml import ManifestError, Place

_PROCESS_KEYS = frozenset(
    {
        "command",
        "user",
        "instances",
        "memory",
        "disk-quota",
        "log-rate-limit-per-second",
        "health-check-type",
        "health-check-http-endpoint",
        "health-check-invocation-timeout",
        "health-check-interval",
        "readiness-health-check-type",
        "readiness-health-check-http-endpoint",
        "readiness-health-check-invocation-timeout",
        "readiness-health-check-interval",
        "timeout",
    }
)
_APPLICATION_KEYS = _PROCESS_KEYS | {
    "name",
    "path",
    "buildpack",
    "buildpacks",
    "stack",
    "lifecycle",
    "docker",
    "env",
    "features",
    "routes",
    "no-route",
    "random-route",
    "default-route",
    "services",
    "sidecars",
    "metadata",
    "processes",
}
_GONE = {
    **dict.fromkeys(
        ("host", "hosts", "domain", "domains", "no-hostname"), "list whole names under “routes” instead."
    ),
    "inherit": "write everything into this manifest.",
}
_UNITS = {"B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SIZE = re.compile(r"\s*(\d*\.?\d+)\s*([BKMGT])B?\s*\Z", re.IGNORECASE)
_HEALTH_CHECKS = ("port", "process", "http", "none")


@dataclass(frozen=True)
class Application:
    """The checked facts of an application; for the meaning of each see :class:`Manifest`."""

    name: str
    memory_mb: int | None
    instances: int | None
    routes: tuple[str, ...]
    services: tuple[str, ...]
    env_names: tuple[str, ...]
    health_endpoint: str | None
    command: str | None
    buildpacks: tuple[str, ...]
    warnings: tuple[str, ...]


def check_application(application: Mapping[str, Any], lines: Mapping[Place, int]) -> Application:
    """The facts of an application, or :class:`ManifestError` for the first thing the platform would refuse.

    ``lines``: where each part stands, counted from the application. A value that is still a variable is
    taken as it is.
    """
    checks = _Checks(application, lines)
    name = checks.name()
    web, all_warnings = checks.processes()
    return Application(
        name=name,
        memory_mb=checks.memory_mb(web),
        instances=checks.instances(web),
        routes=checks.routes(),
        services=checks.services(),
        env_names=checks.env_names(),
        health_endpoint=_text_or_none(web.get("health-check-http-endpoint")),
        command=_text_or_none(web.get("command")),
        buildpacks=checks.buildpacks(),
        warnings=tuple(all_warnings + checks.env_warnings()),
    )


def size_in_mb(text: object) -> int | None:
    """Whole megabytes of a size such as ``512M`` or ``1.5GB``, or None if it has no unit the platform knows."""
    matched = _SIZE.match(text) if isinstance(text, str) else None
    return int(float(matched[1]) * _UNITS[matched[2].upper()] // _UNITS["M"]) if matched else None


class _Checks:
    def __init__(self, application: Mapping[str, Any], lines: Mapping[Place, int]) -> None:
        self._application = application
        self._lines = lines

    def name(self) -> str:
        name = self._application.get("name")
        if not isinstance(name, str) or not name or variables_in(name):
            self._refuse("the application has no name of its own.", ("name",), "Give it a “name”.")
        return name

    def processes(self) -> tuple[dict[str, Any], list[str]]:
        """What holds for the web process (its entry under ``processes`` wins), and warnings about keys."""
        web = self._process(self._application, (), _APPLICATION_KEYS)
        warnings = self._key_warnings(self._application, _APPLICATION_KEYS, "the application")
        for number, process in enumerate(self._list("processes")):
            place: Place = ("processes", number)
            if (
                not isinstance(process, dict)
                or not isinstance(process.get("type"), str)
                or not process["type"]
            ):
                self._refuse("a process has no “type”.", place, "Name it: web, worker, …")
            known = self._process(process, place, _PROCESS_KEYS | {"type"})
            warnings += self._key_warnings(
                process, _PROCESS_KEYS | {"type"}, f"the process {process['type']}"
            )
            if process["type"] == "web":
                web = {**web, **known}
        return web, warnings

    def _process(self, given: Mapping[str, Any], place: Place, keys: frozenset[str]) -> dict[str, Any]:
        """The keys in their dashed spelling, sizes and numbers checked."""
        known: dict[str, Any] = {}
        for key, value in given.items():
            dashed = key.replace("_", "-")
            if dashed in keys and dashed in known:
                self._refuse(f"“{dashed}” is given twice, once with “_”.", (*place, key), "Keep one of them.")
            known[dashed] = value
            at = (*place, key)
            if _is_open(value):
                continue
            if dashed in {"memory", "disk-quota"} and size_in_mb(value) is None:
                self._refuse(f"“{value}” is no size for “{key}”.", at, "Give it a unit: 512M, 1G.")
            if dashed == "instances" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                self._refuse(f"“{value}” is no number of instances.", at, "Give a whole number, 0 or more.")
            if dashed == "timeout" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                self._refuse(f"“{value}” is no timeout.", at, "Give a whole number of seconds.")
            if dashed.endswith("health-check-type") and value not in _HEALTH_CHECKS:
                self._refuse(
                    f"“{value}” is no kind of health check.", at, f"Use one of {', '.join(_HEALTH_CHECKS)}."
                )
        return known

    def memory_mb(self, web: Mapping[str, Any]) -> int | None:
        return size_in_mb(web.get("memory"))

    def instances(self, web: Mapping[str, Any]) -> int | None:
        value = web.get("instances")
        return value if isinstance(value, int) else None

    def routes(self) -> tuple[str, ...]:
        routes = []
        for number, route in enumerate(self._list("routes")):
            if not isinstance(route, dict) or not isinstance(route.get("route"), str):
                self._refuse(
                    "a route is not written as the platform wants it.",
                    ("routes", number),
                    "Write each as “- route: name.example.gov”.",
                )
            routes.append(route["route"])
        return tuple(routes)

    def services(self) -> tuple[str, ...]:
        services = []
        for number, service in enumerate(self._list("services")):
            name = service.get("name") if isinstance(service, dict) else service
            if not isinstance(name, str) or not name:
                self._refuse(
                    "a service has no name.", ("services", number), "Write its name, or “- name: …”."
                )
            services.append(name)
        return tuple(services)

    def env_names(self) -> tuple[str, ...]:
        env = self._env()
        for name in env:
            upper = name.upper()
            if upper == "PORT" or upper.startswith(("VCAP_", "VMC")):
                self._refuse(
                    f"the environment variable {name} is the platform's own and cannot be set.",
                    ("env", name),
                    "Remove it or rename it.",
                )
        return tuple(env)

    def env_warnings(self) -> list[str]:
        return [
            f"{name} is a list or mapping and does not arrive as JSON; write it as a quoted text."
            for name, value in self._env().items()
            if isinstance(value, list | dict)
        ]

    def buildpacks(self) -> tuple[str, ...]:
        if "buildpack" in self._application and "buildpacks" in self._application:
            self._refuse("both “buildpack” and “buildpacks” are given.", ("buildpack",), "Keep “buildpacks”.")
        given = self._application.get("buildpack")
        if given is not None:
            return (str(given),)
        return tuple(str(each) for each in self._list("buildpacks"))

    def _env(self) -> Mapping[str, Any]:
        env = self._application.get("env")
        if env is None or _is_open(env):
            return {}
        if not isinstance(env, dict):
            self._refuse(
                "“env” is not a mapping of names to values.", ("env",), "Write NAME: value, a line each."
            )
        return env

    def _list(self, key: str) -> list[Any]:
        value = self._application.get(key)
        if value is None or _is_open(value):
            return []
        if not isinstance(value, list):
            self._refuse(f"“{key}” is not a list.", (key,), "Begin each entry with a dash.")
        return value

    def _key_warnings(self, given: Mapping[str, Any], keys: frozenset[str], where: str) -> list[str]:
        warnings = []
        for key in given:
            if key.replace("_", "-") in keys:
                continue
            if key in _GONE:
                warnings.append(f"“{key}” is no longer known to the platform: {_GONE[key]}")
                continue
            near = difflib.get_close_matches(key.replace("_", "-"), keys, n=1, cutoff=0.75)
            hint = f" Was “{near[0]}” meant?" if near else ""
            warnings.append(f"“{key}” of {where} is not known to the platform, which ignores it.{hint}")
        return warnings

    def _refuse(self, problem: str, place: Place, remedy: str) -> NoReturn:
        line = self._lines.get(place) or self._lines.get(place[:1]) or self._lines.get(())
        raise ManifestError(problem, remedy, line)


def _is_open(value: object) -> bool:
    """Whether the value is not known before the variables are."""
    return isinstance(value, str) and bool(variables_in(value))


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
