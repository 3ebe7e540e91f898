"""What an application finds in its environment: VCAP_APPLICATION, VCAP_SERVICES, DATABASE_URL, its own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .routing import urls_of

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

FILE_DESCRIPTORS = 16384
_DATABASE = re.compile(
    r"(postgres|postgresql|postgis|mysql|mysql2|mariadb|sqlite|sqlite3|oracle|mssql)(\+\w+)?:"
)


def services(cloud: Cloud, app_guid: str) -> dict[str, list[dict[str, Any]]]:
    """VCAP_SERVICES: each finished binding of the app, by the name of its offering."""
    found: dict[str, list[dict[str, Any]]] = {}
    for binding in cloud.store.find("service_credential_binding", app_guid=app_guid):
        if (binding.get("last_operation") or {}).get("state") not in (None, "succeeded"):
            continue
        instance = cloud.store.get("service_instance", binding["service_instance_guid"])
        if instance is not None:
            label, entry = _service(cloud, binding, instance)
            found.setdefault(label, []).append(entry)
    return found


def _service(cloud: Cloud, binding: Document, instance: Document) -> tuple[str, dict[str, Any]]:
    plan = cloud.store.get("service_plan", instance.get("service_plan_guid")) or {}
    offering = cloud.store.get("service_offering", plan.get("service_offering_guid")) or {}
    label = offering.get("name", "user-provided")
    entry: dict[str, Any] = {
        "label": label,
        "name": binding.get("name") or instance["name"],
        "tags": [*offering.get("tags", []), *instance.get("tags", [])],
        "instance_guid": instance["guid"],
        "instance_name": instance["name"],
        "binding_guid": binding["guid"],
        "binding_name": binding.get("name"),
        "credentials": binding.get("credentials") or {},
        "syslog_drain_url": binding.get("syslog_drain_url"),
        "volume_mounts": [],
    }
    if plan:
        entry |= {"provider": None, "plan": plan["name"]}
    return label, entry


def database_url(bound: dict[str, list[dict[str, Any]]]) -> str | None:
    """The address of the first bound database, if any."""
    for entries in bound.values():
        for entry in entries:
            uri = entry["credentials"].get("uri")
            if isinstance(uri, str) and _DATABASE.match(uri):
                return uri
    return None


def application(cloud: Cloud, app: Document, process: Document | None = None) -> dict[str, Any]:
    """VCAP_APPLICATION of an app, or of one of its processes."""
    space = cloud.store.get("space", app["space_guid"]) or {}
    organization = cloud.store.get("organization", space.get("organization_guid")) or {}
    uris = urls_of(cloud, app["guid"])
    facts: dict[str, Any] = {
        "cf_api": cloud.url,
        "limits": {"fds": FILE_DESCRIPTORS},
        "application_name": app["name"],
        "application_uris": uris,
        "name": app["name"],
        "space_name": space.get("name"),
        "space_id": app["space_guid"],
        "organization_id": organization.get("guid"),
        "organization_name": organization.get("name"),
        "uris": uris,
        "users": None,
        "application_id": app["guid"],
    }
    if process is not None:
        facts["limits"] |= {"mem": process["memory_in_mb"], "disk": process["disk_in_mb"]}
        facts |= {
            "process_id": process["guid"],
            "process_type": process["type"],
            "application_version": process["version"],
            "version": process["version"],
        }
    return facts


def group(cloud: Cloud, name: str) -> dict[str, str]:
    """The variables that the operator gives every app: `running` or `staging`."""
    found = cloud.store.get("environment_variable_group", name)
    return dict(found["var"]) if found else {}


def environment(
    cloud: Cloud, app: Document, group_name: str, process: Document | None = None
) -> dict[str, str]:
    """All variables of an app's staging, process or task, save those that belong to one container."""
    bound = services(cloud, app["guid"])
    variables = {
        **group(cloud, group_name),
        **app["environment_variables"],
        "VCAP_APPLICATION": json.dumps(application(cloud, app, process)),
        "VCAP_SERVICES": json.dumps(bound),
        "CF_STACK": app["lifecycle"]["data"].get("stack") or "",
    }
    uri = database_url(bound)
    if uri is not None:
        variables["DATABASE_URL"] = uri
    # a NUL cannot be in an environment; everything else can
    return {name: value.replace("\0", "") for name, value in variables.items()}
