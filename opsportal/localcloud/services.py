"""Service instances and their bindings: the rules of platform API §7, and the jobs that carry the work out."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from . import jobs
from .bindings import remove_binding
from .brokers import broker_of
from .context import SYSTEM, audit
from .errors import ApiError, instance_in_progress, unprocessable
from .jobs import Again
from .service_operations import NO_METADATA, is_busy, operation
from .store import Document, timestamp

if TYPE_CHECKING:
    from .context import Cloud


def check_name(cloud: Cloud, space: str, name: str, but: str = "") -> None:
    """422 when another instance of the space, or one shared into it, has the name."""
    for one in instances_of_space(cloud, space):
        if one["name"] == name and one["guid"] != but:
            raise unprocessable(f"The service instance name is taken: {name}.")


def instances_of_space(cloud: Cloud, space: str) -> list[Document]:
    """The instances in a space and those shared into it."""
    own = cloud.store.find("service_instance", space_guid=space)
    shares = cloud.store.find("service_share", space_guid=space)
    return own + cloud.store.find("service_instance", guid=[one["service_instance_guid"] for one in shares])


def new_instance(cloud: Cloud, space: str, name: str, type: str, **values: Any) -> Document:  # noqa: A002
    """Write an instance down; its maker is asked later. 422 when the name is taken.

    ``type`` is "managed" (with ``service_plan_guid``) or "user-provided" (with ``credentials``).
    """
    with cloud.store.lock:
        check_name(cloud, space, name)
        document: Document = {
            "name": name,
            "type": type,
            "space_guid": space,
            "service_plan_guid": None,
            "tags": [],
            "parameters": {},
            "credentials": {},
            "syslog_drain_url": None,
            "route_service_url": None,
            "metadata": NO_METADATA,
            "last_operation": operation(cloud, "create", "initial" if type == "managed" else "succeeded"),
        }
        return cloud.store.create("service_instance", document | values)


def event_name(instance: Document) -> str:
    """The start of the names of the instance's audit events."""
    return (
        "audit.service_instance" if instance["type"] == "managed" else "audit.user_provided_service_instance"
    )


def note_instance(
    cloud: Cloud, who: dict[str, str], what: str, instance: Document, data: dict[str, Any] | None = None
) -> None:
    """Write an instance's audit event, such as ``create``."""
    target = {"guid": instance["guid"], "type": "service_instance", "name": instance["name"]}
    audit(cloud, f"{event_name(instance)}.{what}", who, target, data, instance["space_guid"])


def start_create(cloud: Cloud, instance: Document, who: dict[str, str]) -> Document:
    """The job that makes a managed instance."""
    note_instance(cloud, who, "start_create", instance)
    return _instance_job(cloud, "create", instance, who, "service_instances")


def start_update(cloud: Cloud, instance: Document, who: dict[str, str], changes: dict[str, Any]) -> Document:
    """The job that changes a managed instance's plan or parameters."""
    cloud.store.update(
        "service_instance", instance["guid"], last_operation=operation(cloud, "update", "in progress")
    )
    return _instance_job(cloud, "update", instance, who, "service_instances", changes=changes)


def start_delete(cloud: Cloud, instance: Document, who: dict[str, str]) -> Document:
    """The job that deletes a managed instance with its bindings; 409 while another operation than its creation runs."""
    with cloud.store.lock:
        if is_busy(instance) and instance["last_operation"]["type"] != "create":
            raise instance_in_progress(instance["name"])
        cloud.store.update(
            "service_instance", instance["guid"], last_operation=operation(cloud, "delete", "in progress")
        )
    note_instance(cloud, who, "start_delete", instance)
    return _instance_job(cloud, "delete", instance, who, "service_instance")


def _instance_job(
    cloud: Cloud, what: str, instance: Document, who: dict[str, str], link: str, **data: Any
) -> Document:
    """The job carries when the instance will be ready, so that a restart does not begin its waiting anew."""
    seconds = cloud.knobs.service_seconds if broker_of(cloud, instance).slow else 0
    full = {"guid": instance["guid"], "who": who, "ready_at": time.time() + seconds, **data}
    links = {link: f"/v3/service_instances/{instance['guid']}"}
    return jobs.start(cloud, f"service_instance.{what}", full, links)


def _advance(cloud: Cloud, data: dict[str, Any], what: str) -> Document | Again | None:
    """The instance when its operation is due; None when it is gone or something else has begun meanwhile."""
    instance = cloud.store.get("service_instance", data["guid"])
    if instance is None or instance["last_operation"]["type"] != what:
        return None
    left = data["ready_at"] - time.time()
    if left > 0:
        _set_state(cloud, instance, "in progress", "Operation in progress")
        return Again(left)
    failure = cloud.knobs.service_failure
    if failure and re.search(failure, f"{what} service_instance {instance['name']}"):
        text = "The service broker returned an error: the operation failed."
        _set_state(cloud, instance, "failed", text)
        raise ApiError(502, 10001, "CF-ServiceBrokerRequestRejected", text)
    return instance


def _set_state(cloud: Cloud, instance: Document, state: str, description: str) -> None:
    before = instance["last_operation"]
    after = before | {"state": state, "description": description, "updated_at": timestamp(cloud.now())}
    cloud.store.update("service_instance", instance["guid"], last_operation=after)


def _create_instance(cloud: Cloud, data: dict[str, Any]) -> Again | None:
    instance = _advance(cloud, data, "create")
    if isinstance(instance, Again):
        return instance
    if instance is None:
        raise unprocessable("The service instance was deleted before it was created.")
    broker_of(cloud, instance).create(cloud, instance)
    _set_state(cloud, instance, "succeeded", "Operation succeeded")
    note_instance(cloud, data["who"], "create", instance)
    return None


def _update_instance(cloud: Cloud, data: dict[str, Any]) -> Again | None:
    instance = _advance(cloud, data, "update")
    if isinstance(instance, Again):
        return instance
    if instance is not None:
        cloud.store.update("service_instance", instance["guid"], **data["changes"])
        _set_state(cloud, instance, "succeeded", "Operation succeeded")
        note_instance(cloud, data["who"], "update", instance)
    return None


def _delete_instance(cloud: Cloud, data: dict[str, Any]) -> Again | None:
    instance = _advance(cloud, data, "delete")
    if isinstance(instance, Again):
        return instance
    if instance is not None:
        remove_instance(cloud, instance, data["who"])
    return None


def remove_instance(cloud: Cloud, instance: Document, who: dict[str, str] = SYSTEM) -> None:
    """Delete an instance of either type now: bindings, shares, data."""
    for binding in cloud.store.find("service_credential_binding", service_instance_guid=instance["guid"]):
        remove_binding(cloud, binding, who)
    for share in cloud.store.find("service_share", service_instance_guid=instance["guid"]):
        cloud.store.delete("service_share", share["guid"])
    if instance["type"] == "managed":
        broker_of(cloud, instance).delete(cloud, instance)
    cloud.store.delete("service_instance", instance["guid"])
    note_instance(cloud, who, "delete", instance)


jobs.register("service_instance.create", _create_instance)
jobs.register("service_instance.update", _update_instance)
jobs.register("service_instance.delete", _delete_instance)
