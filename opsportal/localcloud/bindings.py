"""Bindings of apps to service instances, and keys: the rules of platform API §7.3, and the jobs behind them."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from . import jobs
from .brokers import broker_of
from .context import SYSTEM, audit
from .errors import ApiError, not_found, unprocessable
from .jobs import Again
from .service_operations import NO_METADATA, is_busy, operation
from .store import Document, timestamp

if TYPE_CHECKING:
    from .context import Cloud

IN_PROGRESS = "There is an operation in progress for the service instance."
BINDING_IN_PROGRESS = "There is an operation in progress for the service binding."
BOUND_WITHIN = 60.0  # seconds that a manifest waits for a binding
NO_KEYS = "Service credential bindings of type 'key' are not supported for user-provided service instances."


def note_binding(cloud: Cloud, who: dict[str, str], what: str, binding: Document) -> None:
    """Write a binding's or key's audit event."""
    noun = "service_binding" if binding["type"] == "app" else "service_key"
    instance = cloud.store.get("service_instance", binding["service_instance_guid"]) or {}
    target = {"guid": binding["guid"], "type": noun, "name": binding["name"] or ""}
    data = {"request": {"type": binding["type"], "service_instance_guid": binding["service_instance_guid"]}}
    audit(cloud, f"audit.{noun}.{what}", who, target, data, instance.get("space_guid"))


def new_binding(
    cloud: Cloud, instance: Document, *, app: Document | None, name: str | None, **values: Any
) -> Document:
    """Write a binding (of ``app``) or a key (without one) down; what it holds comes with :func:`complete_binding`.

    422 when the app is bound already, the name is taken, the instance is busy, failed or not in the app's space.
    """
    with cloud.store.lock:
        _check_bindable(cloud, instance, app)
        same = cloud.store.find("service_credential_binding", service_instance_guid=instance["guid"])
        if app is not None:
            _check_app_binding(cloud, same, app, name)
        elif any(one["type"] == "key" and one["name"] == name for one in same):
            raise unprocessable(
                "The binding name is invalid. Key binding names must be unique. "
                f"The service instance already has a key binding with name '{name}'."
            )
        document = {
            "name": name,
            "type": "app" if app else "key",
            "app_guid": app["guid"] if app else None,
            "service_instance_guid": instance["guid"],
            "parameters": {},
            "credentials": None,
            "syslog_drain_url": None,
            "volume_mounts": [],
            "metadata": NO_METADATA,
            "last_operation": operation(cloud, "create", "initial"),
        }
        return cloud.store.create("service_credential_binding", document | values)


def _check_bindable(cloud: Cloud, instance: Document, app: Document | None) -> None:
    if is_busy(instance):
        raise unprocessable(IN_PROGRESS)
    if instance["last_operation"]["state"] == "failed" and instance["last_operation"]["type"] == "create":
        raise unprocessable("The service instance could not be created and cannot be bound.")
    if app is None and instance["type"] != "managed":
        raise unprocessable(NO_KEYS)
    if app is not None and app["space_guid"] != instance["space_guid"]:
        shared = {"service_instance_guid": instance["guid"], "space_guid": app["space_guid"]}
        if not cloud.store.find("service_share", **shared):
            raise unprocessable("The service instance and the app are in different spaces")


def _check_app_binding(cloud: Cloud, same: list[Document], app: Document, name: str | None) -> None:
    for one in same:
        if one["app_guid"] == app["guid"]:
            raise unprocessable(
                BINDING_IN_PROGRESS if is_busy(one) else "The app is already bound to the service instance"
            )
    if name and cloud.store.find("service_credential_binding", app_guid=app["guid"], name=name):
        raise unprocessable(
            "The binding name is invalid. Binding names must be unique for a given service instance and app. "
            f"The app already has a binding with name '{name}'."
        )


def complete_binding(cloud: Cloud, binding: Document, who: dict[str, str]) -> Document:
    """Ask the instance's maker for the credentials, and keep them with the binding."""
    instance = cloud.store.get("service_instance", binding["service_instance_guid"])
    if instance is None:
        raise not_found("Service instance")
    failure = cloud.knobs.service_failure
    if failure and re.search(failure, f"create service_credential_binding {instance['name']}"):
        cloud.store.update(
            "service_credential_binding",
            binding["guid"],
            last_operation=operation(cloud, "create", "failed", "The service broker returned an error."),
        )
        raise ApiError(502, 10001, "CF-ServiceBrokerRequestRejected", "The service broker returned an error.")
    if instance["type"] == "managed":
        values = {"credentials": broker_of(cloud, instance).bind(cloud, instance, binding)}
    else:
        values = {"credentials": instance["credentials"], "syslog_drain_url": instance["syslog_drain_url"]}
    done = cloud.store.update(
        "service_credential_binding",
        binding["guid"],
        last_operation=operation(cloud, "create", "succeeded"),
        **values,
    )
    note_binding(cloud, who, "create", done)
    return done


def bind_app(
    cloud: Cloud,
    app: Document,
    instance: Document,
    name: str | None,
    parameters: dict[str, Any] | None,
    who: dict[str, str],
) -> Document:
    """Bind an app and wait for it, as ``apply_manifest`` does.

    One that is bound already keeps its binding; otherwise 422 as above.
    """
    existing = cloud.store.first(
        "service_credential_binding", app_guid=app["guid"], service_instance_guid=instance["guid"]
    )
    if existing is not None and existing["last_operation"]["state"] == "succeeded":
        return existing
    if existing is not None:
        remove_binding(cloud, existing, who)
    binding = new_binding(cloud, instance, app=app, name=name, parameters=parameters or {})
    if instance["type"] == "managed" and cloud.knobs.binding_seconds:
        _set_state(cloud, binding, "in progress")
        cloud.stopping.wait(min(cloud.knobs.binding_seconds, BOUND_WITHIN))
    return complete_binding(cloud, binding, who)


def start_bind(cloud: Cloud, binding: Document, who: dict[str, str]) -> Document:
    """The job that completes a binding or key of a managed instance."""
    note_binding(cloud, who, "start_create", binding)
    return _binding_job(cloud, "create", binding, who)


def start_unbind(cloud: Cloud, binding: Document, who: dict[str, str]) -> Document:
    """The job that takes a binding or key of a managed instance away; 422 while another operation runs."""
    with cloud.store.lock:
        if is_busy(binding):
            raise unprocessable(BINDING_IN_PROGRESS)
        cloud.store.update(
            "service_credential_binding",
            binding["guid"],
            last_operation=operation(cloud, "delete", "in progress"),
        )
    note_binding(cloud, who, "start_delete", binding)
    return _binding_job(cloud, "delete", binding, who)


def _binding_job(cloud: Cloud, what: str, binding: Document, who: dict[str, str]) -> Document:
    noun = "service_bindings" if binding["type"] == "app" else "service_keys"
    links = {"service_credential_binding": f"/v3/service_credential_bindings/{binding['guid']}"}
    ready_at = time.time() + cloud.knobs.binding_seconds
    data = {"guid": binding["guid"], "who": who, "ready_at": ready_at}
    return jobs.start(cloud, f"{noun}.{what}", data, links)


def _set_state(cloud: Cloud, binding: Document, state: str) -> None:
    after = binding["last_operation"] | {"state": state, "updated_at": timestamp(cloud.now())}
    cloud.store.update("service_credential_binding", binding["guid"], last_operation=after)


def _not_yet(cloud: Cloud, binding: Document, data: dict[str, Any]) -> Again | None:
    """When to look again, while the broker still takes its time."""
    left = data.get("ready_at", 0) - time.time()
    if left <= 0:
        return None
    _set_state(cloud, binding, "in progress")
    return Again(left)


def _create_binding(cloud: Cloud, data: dict[str, Any]) -> Again | None:
    binding = cloud.store.get("service_credential_binding", data["guid"])
    if binding is None or not is_busy(binding):
        return None
    again = _not_yet(cloud, binding, data)
    if again is None:
        complete_binding(cloud, binding, data["who"])
    return again


def _delete_binding(cloud: Cloud, data: dict[str, Any]) -> Again | None:
    binding = cloud.store.get("service_credential_binding", data["guid"])
    if binding is None:
        return None
    again = _not_yet(cloud, binding, data)
    if again is None:
        remove_binding(cloud, binding, data["who"])
    return again


for _noun in ("service_bindings", "service_keys"):
    jobs.register(f"{_noun}.create", _create_binding)
    jobs.register(f"{_noun}.delete", _delete_binding)


def remove_binding(cloud: Cloud, binding: Document, who: dict[str, str] = SYSTEM) -> None:
    """Take a binding or key away now."""
    instance = cloud.store.get("service_instance", binding["service_instance_guid"])
    if instance is not None and instance["type"] == "managed":
        broker_of(cloud, instance).unbind(cloud, instance, binding)
    note_binding(cloud, who, "delete", binding)
    cloud.store.delete("service_credential_binding", binding["guid"])


def unbind_app(cloud: Cloud, app_guid: str, who: dict[str, str] = SYSTEM) -> None:
    """Take all bindings of an app away, as its deletion does."""
    for binding in cloud.store.find("service_credential_binding", app_guid=app_guid):
        remove_binding(cloud, binding, who)
