"""What every cloud has from the start: stack, buildpacks, flags, default quota, brokers with their offerings and plans."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from .store import Document

if TYPE_CHECKING:
    from .context import Cloud

STACK = "cflinuxfs4"
BUILDPACKS = ("staticfile_buildpack", "python_buildpack", "binary_buildpack")
FLAGS = {
    "app_bits_upload": True,
    "app_scaling": True,
    "diego_cnb": False,
    "diego_docker": False,
    "env_var_visibility": True,
    "hide_marketplace_from_unauthenticated_users": False,
    "private_domain_creation": True,
    "resource_matching": True,
    "route_creation": True,
    "route_sharing": False,
    "service_instance_creation": True,
    "service_instance_sharing": False,
    "set_roles_by_username": True,
    "space_developer_env_var_visibility": True,
    "space_scoped_private_broker_creation": True,
    "task_creation": True,
    "unset_roles_by_username": True,
    "user_org_creation": False,
}
_DATABASE_PLANS = ("micro-psql", "small-psql", "medium-psql", "small-psql-redundant", "medium-psql-redundant")
OFFERINGS: dict[str, dict[str, Any]] = {
    "aws-rds": {
        "broker": "rds-broker",
        "description": "Persistent, relational databases (here: SQLite files)",
        "tags": ["database", "RDS", "postgresql"],
        "shareable": True,
        "plans": {
            name: f"{name.split('-', maxsplit=1)[0].capitalize()} database" for name in _DATABASE_PLANS
        },
    },
    "cloud-gov-service-account": {
        "broker": "uaa-credentials-broker",
        "description": "Manage cloud.gov service accounts with access to your organization",
        "tags": [],
        "shareable": False,
        "plans": {
            "space-deployer": "A service account for continuous deployment, limited to a single space",
            "space-auditor": "A service account for auditing configuration and monitoring events, read only",
        },
    },
}
UNLIMITED: dict[str, Any] = {
    "apps": {
        "total_memory_in_mb": None,
        "per_process_memory_in_mb": None,
        "log_rate_limit_in_bytes_per_second": None,
        "total_instances": None,
        "per_app_tasks": None,
    },
    "services": {"paid_services_allowed": True, "total_service_instances": None, "total_service_keys": None},
    "routes": {"total_routes": None, "total_reserved_ports": None},
    "domains": {"total_domains": None},
}


def ensure(cloud: Cloud, kind: str, name: str, **values: Any) -> Document:
    """The document of this kind and name, made with ``values`` unless it exists."""
    with cloud.store.lock:
        return cloud.store.first(kind, name=name) or cloud.store.create(
            kind, {"name": name, "metadata": {"labels": {}, "annotations": {}}, **values}
        )


def seed(cloud: Cloud) -> None:
    """Make what is missing."""
    for name, enabled in FLAGS.items():
        if cloud.store.get("feature_flag", name) is None:
            flag = {"guid": name, "name": name, "enabled": enabled, "custom_error_message": None}
            cloud.store.create("feature_flag", flag)
    ensure(cloud, "organization_quota", "default", **UNLIMITED)
    ensure(
        cloud,
        "stack",
        STACK,
        description="Cloud Foundry Linux-based filesystem (here: this machine)",
        state="ACTIVE",
        state_reason=None,
        build_rootfs_image=STACK,
        run_rootfs_image=STACK,
        default=True,
    )
    for position, name in enumerate(BUILDPACKS, start=1):
        ensure(
            cloud,
            "buildpack",
            name,
            state="READY",
            filename=f"{name}-local-v1.0.0.zip",
            stack=STACK,
            position=position,
            lifecycle="buildpack",
            enabled=True,
            locked=False,
        )
    for name, offering in OFFERINGS.items():
        _seed_offering(cloud, name, offering)


def _seed_offering(cloud: Cloud, name: str, offering: dict[str, Any]) -> None:
    url = f"http://{offering['broker']}.localhost"
    broker = ensure(cloud, "service_broker", offering["broker"], url=url, space_guid=None)
    made = ensure(
        cloud,
        "service_offering",
        name,
        description=offering["description"],
        available=True,
        tags=offering["tags"],
        requires=[],
        shareable=offering["shareable"],
        documentation_url=None,
        service_broker_guid=broker["guid"],
        broker_catalog={
            "id": str(uuid.uuid4()),
            "metadata": {"shareable": offering["shareable"]},
            "features": {
                "plan_updateable": name == "aws-rds",
                "bindable": True,
                "instances_retrievable": False,
                "bindings_retrievable": False,
                "allow_context_updates": False,
            },
        },
    )
    for plan, description in offering["plans"].items():
        _seed_plan(cloud, made, plan, description)


def _seed_plan(cloud: Cloud, offering: Document, name: str, description: str) -> None:
    if cloud.store.find("service_plan", name=name, service_offering_guid=offering["guid"]):
        return
    schema: dict[str, Any] = {"parameters": {}}
    cloud.store.create(
        "service_plan",
        {
            "name": name,
            "description": description,
            "visibility_type": "public",
            "available": True,
            "free": True,
            "costs": [],
            "maintenance_info": {},
            "broker_catalog": {
                "id": str(uuid.uuid4()),
                "metadata": {},
                "maximum_polling_duration": None,
                "features": {"plan_updateable": offering["name"] == "aws-rds", "bindable": True},
            },
            "schemas": {
                "service_instance": {"create": dict(schema), "update": dict(schema)},
                "service_binding": {"create": dict(schema)},
            },
            "service_offering_guid": offering["guid"],
            "metadata": {"labels": {}, "annotations": {}},
        },
    )
