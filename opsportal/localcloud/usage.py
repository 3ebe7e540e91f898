"""What spaces use, added up, as the usage summaries show it (platform API §3.1)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .context import Cloud


def usage_summary(cloud: Cloud, spaces: Collection[str], organization: str | None = None) -> dict[str, int]:
    """Instances, memory (MB), routes, services and tasks of these spaces together."""
    store, within = cloud.store, set(spaces)
    apps = [one["guid"] for one in store.find("app", space_guid=within)]
    started = {one["guid"] for one in store.find("app", space_guid=within, state="STARTED")}
    processes = store.find("process", app_guid=started)
    instances = store.find("service_instance", space_guid=within)
    keys = store.find(
        "service_credential_binding", type="key", service_instance_guid=[one["guid"] for one in instances]
    )
    domains = store.count("domain", organization_guid=organization) if organization else 0
    return {
        "started_instances": sum(one["instances"] for one in processes),
        "memory_in_mb": sum(one["instances"] * one["memory_in_mb"] for one in processes),
        "routes": store.count("route", space_guid=within),
        "service_instances": len(instances),
        "reserved_ports": 0,
        "domains": domains,
        "per_app_tasks": store.count("task", app_guid=apps, state={"PENDING", "RUNNING", "CANCELING"}),
        "service_keys": len(keys),
    }
