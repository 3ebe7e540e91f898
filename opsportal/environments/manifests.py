"""An environment's manifest: read, checked, filled in, and made ready for the platform. Pure.

The rules are product.md's (one manifest per environment, one application in it, named after it) and the platform
API's for manifests; what the platform would refuse later is refused here, with the line.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opsportal.environments.manifest_checks import Application, check_application
from opsportal.environments.manifest_variables import MissingVariables, fill_in, variables_in
from opsportal.environments.manifest_yaml import (
    MOST_BYTES,
    Document,
    ManifestError,
    Place,
    read_yaml,
    write_yaml,
)
from opsportal.kit.text import safe_text

__all__ = [
    "Manifest",
    "ManifestError",
    "MissingVariables",
    "environment_names",
    "for_platform",
    "interpolate",
    "parse_manifest",
]

PATTERN = "ops/manifests/manifest-{environment}.yaml"
APP_NAME = "getgov-{environment}"
# A name becomes part of host names, spaces and services: short, plain, and no template.
_ENVIRONMENT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z")
_TEMPLATE = "template"


@dataclass(frozen=True)
class Manifest:
    """What an environment's manifest says. Treat ``application`` as read only.

    ``path``: the folder to push, from the repository's root (``""`` is the root itself). ``memory_mb`` and
    ``instances`` are the web process's, None when not given or still a variable. ``routes`` and ``services``:
    names. ``variables``: names in ``((…))`` that must be given. ``warnings``: what a person should know although
    it is no error.
    """

    app_name: str
    path: str
    application: Mapping[str, Any]
    memory_mb: int | None
    instances: int | None
    routes: tuple[str, ...]
    services: tuple[str, ...]
    env_names: tuple[str, ...]
    variables: frozenset[str]
    health_endpoint: str | None
    command: str | None
    buildpacks: tuple[str, ...]
    warnings: tuple[str, ...]
    version: int | None = None
    lines: Mapping[Place, int] = field(default_factory=dict, repr=False, compare=False)


def parse_manifest(
    text: bytes | str, *, environment: str | None, app_name: str = APP_NAME, path: str | None = None
) -> Manifest:
    """Read the manifest of an environment. Raises :class:`ManifestError` with problem, remedy and line.

    ``environment``: whose it must be (None: anybody's); its one application must be called ``app_name`` with the
    environment's name put in. ``path``: where the manifest lies in the repository; its own ``path`` counts from
    there, and must not lead out.
    """
    document = read_yaml(text)
    application, line = _only_application(document)
    lines = {
        place[2:]: number for place, number in document.lines.items() if place[:2] == ("applications", 0)
    }
    expected = app_name.replace("{environment}", environment) if environment is not None else None
    if expected is not None and isinstance(application.get("name"), str) and application["name"] != expected:
        raise ManifestError(
            f"the application is called “{application.get('name')}”, but for this environment it must be “{expected}”.",
            f"Rename it to {expected}.",
            lines.get(("name",), line),
        )
    at = path if path is not None else PATTERN
    warnings = (*_top_level_warnings(document), *_rewritten_warnings(document))
    version = document.value.get("version")
    return _manifest(application, lines, posixpath.dirname(at), warnings, version)


def interpolate(manifest: Manifest, variables: Mapping[str, object]) -> Manifest:
    """The manifest with every ``((NAME))`` filled in and checked again; see :func:`fill_in` for the rules."""
    application = fill_in(dict(manifest.application), variables)
    checked = check_application(application, manifest.lines)
    return _assembled(
        application, checked, manifest.lines, manifest.path, manifest.warnings, manifest.version
    )


def for_platform(
    manifest: Manifest,
    variables: Mapping[str, object] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> str:
    """The YAML for ``apply_manifest``: what ``cf push`` would send, with our labels and annotations on the app.

    Aliases are written out, ``path`` is left out, ``disk_quota`` is renamed, switches that are off are dropped,
    an application without any route gets its default one. Raises as :func:`interpolate`.
    """
    application = dict(interpolate(manifest, variables or {}).application)
    application.pop("path", None)
    application = _renamed(application)
    if not {"routes", "no-route", "random-route", "default-route"} & application.keys():
        application["default-route"] = True
    if labels or annotations:
        application["metadata"] = _with_metadata(application.get("metadata"), labels or {}, annotations or {})
    top = {"version": manifest.version} if manifest.version is not None else {}
    text = write_yaml({**top, "applications": [application]})
    if len(text.encode()) > MOST_BYTES:
        raise ManifestError("with everything filled in it is larger than the 1 MB the platform takes.")
    return text


def environment_names(paths: Iterable[str], pattern: str = PATTERN) -> list[str]:
    """The environments that have a manifest among the repository's files, sorted.

    Templates are no environments; names that could not be part of a host name are passed over.
    """
    before, _braces, after = pattern.partition("{environment}")
    found = set()
    for path in paths:
        if path.startswith(before) and path.endswith(after) and len(path) > len(before) + len(after):
            name = path[len(before) : len(path) - len(after)]
            if _ENVIRONMENT.match(name) and name != _TEMPLATE and not name.endswith(f"-{_TEMPLATE}"):
                found.add(name)
    return sorted(found)


def _only_application(document: Document) -> tuple[dict[str, Any], int | None]:
    value = document.value
    if value is None:
        raise ManifestError("it is empty: no application is described.", _ADD_ONE)
    if not isinstance(value, dict):
        raise ManifestError(
            "it is not a mapping with “applications” in it.", _ADD_ONE, document.lines.get(())
        )
    applications = value.get("applications")
    line = document.lines.get(("applications",))
    if applications is None or applications == []:
        raise ManifestError("no application is described.", _ADD_ONE, line)
    if not isinstance(applications, list):
        raise ManifestError("“applications” is not a list.", "Begin each application with a dash.", line)
    if len(applications) > 1:
        raise ManifestError(
            f"it describes {len(applications)} applications, but an environment has exactly one.",
            "Keep the environment's own; a worker is a second entry under its “processes”.",
            document.lines.get(("applications", 1)),
        )
    if not isinstance(applications[0], dict):
        raise ManifestError("the application is not a mapping.", _ADD_ONE, line)
    if value.get("version", 1) != 1:
        raise ManifestError(
            "the platform knows manifests of version 1 only.", line=document.lines.get(("version",))
        )
    return applications[0], document.lines.get(("applications", 0), line)


_ADD_ONE = "Describe the environment's application under “applications”."


def _manifest(
    application: dict[str, Any],
    lines: Mapping[Place, int],
    directory: str,
    warnings: tuple[str, ...],
    version: int | None,
) -> Manifest:
    checked = check_application(application, lines)
    path = _source_path(application.get("path"), directory, lines.get(("path",)))
    return _assembled(application, checked, lines, path, (*warnings, *checked.warnings), version)


def _assembled(
    application: dict[str, Any],
    checked: Application,
    lines: Mapping[Place, int],
    path: str,
    warnings: tuple[str, ...],
    version: int | None,
) -> Manifest:
    return Manifest(
        app_name=checked.name,
        path=path,
        application=application,
        memory_mb=checked.memory_mb,
        instances=checked.instances,
        routes=checked.routes,
        services=checked.services,
        env_names=checked.env_names,
        variables=variables_in(application),
        health_endpoint=checked.health_endpoint,
        command=checked.command,
        buildpacks=checked.buildpacks,
        warnings=tuple(safe_text(warning, 300) for warning in warnings),
        version=version,
        lines=lines,
    )


def _source_path(given: object, directory: str, line: int | None) -> str:
    """Where the application's files are, from the repository's root; without ``path``, at the root."""
    if given is None:
        return ""
    remedy = "Name a folder of the repository, as seen from the manifest: ../../src."
    if not isinstance(given, str) or variables_in(given) or "\x00" in given:
        raise ManifestError("“path” is not the name of a folder.", remedy, line)
    path = posixpath.normpath(posixpath.join(directory, given))
    if path.startswith(("/", "../")) or path == "..":
        raise ManifestError(f"its path “{given}” leads out of the repository.", remedy, line)
    return "" if path == "." else path


def _top_level_warnings(document: Document) -> list[str]:
    return [
        f"“{key}” stands beside “applications” and is not sent to the platform."
        for key in document.value
        if key not in {"applications", "version"}
    ]


def _rewritten_warnings(document: Document) -> list[str]:
    """Numbers that do not arrive as they were written, in the environment variables, where it matters."""
    from_here = ("applications", 0, "env")
    return [
        f"{place[3]} is written {text}, which is a number and arrives as another text; put it in quotes to keep it."
        for place, text in document.rewritten.items()
        if place[:3] == from_here and len(place) == 4
    ]


def _renamed(application: dict[str, Any]) -> dict[str, Any]:
    """Keys and switches as the command sends them."""
    sent = {
        "disk-quota" if key == "disk_quota" else key: value
        for key, value in application.items()
        if not (key in _DROPPED_WHEN_OFF and not value)
    }
    if isinstance(sent.get("processes"), list):
        sent["processes"] = [_renamed(process) for process in sent["processes"]]
    return sent


_DROPPED_WHEN_OFF = frozenset({"no-route", "random-route", "default-route", "timeout"})


def _with_metadata(
    given: object, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, Any]:
    metadata = dict(given) if isinstance(given, dict) else {}
    for kind, ours in (("labels", labels), ("annotations", annotations)):
        if ours:
            theirs = metadata.get(kind)
            metadata[kind] = {**(theirs if isinstance(theirs, dict) else {}), **ours}
    return metadata
