"""What the service brokers do: an ``aws-rds`` database is an SQLite file, a ``cloud-gov-service-account`` is a user.

A broker's functions are safe to call again for the same instance or binding: they find what they made before.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from . import people
from .store import Document

if TYPE_CHECKING:
    from .context import Cloud


class Broker(Protocol):
    """A service offering's maker. ``slow`` ones take the knob ``service_seconds`` to make and delete an instance."""

    slow: bool

    def create(self, cloud: Cloud, instance: Document) -> None:
        """Make the instance."""

    def delete(self, cloud: Cloud, instance: Document) -> None:
        """Delete the instance and its data."""

    def bind(self, cloud: Cloud, instance: Document, binding: Document) -> dict[str, Any]:
        """The credentials of a new binding or key."""

    def unbind(self, cloud: Cloud, instance: Document, binding: Document) -> None:
        """Take back what the binding was given."""


class Database:
    """``aws-rds``: one SQLite file per instance under the data directory, which local processes can open."""

    slow = True

    def create(self, cloud: Cloud, instance: Document) -> None:
        """Make the database, empty."""
        path = self._path(cloud, instance)
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        path.chmod(0o600)

    def delete(self, cloud: Cloud, instance: Document) -> None:
        """Delete the database."""
        path = self._path(cloud, instance)
        for ending in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + ending).unlink(missing_ok=True)

    def bind(self, cloud: Cloud, instance: Document, binding: Document) -> dict[str, Any]:
        """The database's address. Each binding of an instance gets the same, as on cloud.gov."""
        name = "db" + instance["guid"].replace("-", "")[:16]
        secret = people.digest(f"{cloud.data_dir}{instance['guid']}")[:24]
        return {
            "uri": f"sqlite:///{self._path(cloud, instance)}",
            "host": "127.0.0.1",
            "port": "5432",
            "username": "u" + hashlib.sha256(instance["guid"].encode()).hexdigest()[:15],
            "password": secret,
            "db_name": name,
            "name": name,
        }

    def unbind(self, cloud: Cloud, instance: Document, binding: Document) -> None:
        """The file stays; there is nothing to take back."""

    @staticmethod
    def _path(cloud: Cloud, instance: Document) -> Path:
        return (cloud.data_dir / "databases" / f"{instance['guid']}.db").resolve()


class ServiceAccount:
    """``cloud-gov-service-account``: each key or binding is a user who holds the plan's role in the space."""

    slow = False
    roles = {"space-deployer": "space_developer", "space-auditor": "space_auditor"}

    def create(self, cloud: Cloud, instance: Document) -> None:
        """Nothing to make before there is a key."""

    def delete(self, cloud: Cloud, instance: Document) -> None:
        """Nothing is left once the keys are gone."""

    def bind(self, cloud: Cloud, instance: Document, binding: Document) -> dict[str, Any]:
        """A new user's name and password."""
        self.unbind(cloud, instance, binding)
        plan = cloud.store.get("service_plan", instance["service_plan_guid"]) or {}
        space = cloud.store.get("space", instance["space_guid"]) or {}
        username, password = str(uuid.uuid4()), secrets.token_urlsafe(24)
        user = people.create_user(cloud, username, password)
        cloud.store.update("user", user["guid"], made_for_guid=binding["guid"])
        give_role(cloud, user["guid"], "organization_user", organization=space["organization_guid"])
        give_role(cloud, user["guid"], self.roles[plan["name"]], space=space["guid"])
        return {"username": username, "password": password}

    def unbind(self, cloud: Cloud, instance: Document, binding: Document) -> None:
        """Delete the user."""
        for user in cloud.store.find("user", made_for_guid=binding["guid"]):
            people.delete_user(cloud, user["guid"])


def give_role(
    cloud: Cloud,
    user: str,
    type: str,  # noqa: A002
    *,
    organization: str | None = None,
    space: str | None = None,
) -> Document:
    """The user's role there, made unless it exists."""
    wanted = {"type": type, "user_guid": user, "organization_guid": organization, "space_guid": space}
    with cloud.store.lock:
        return cloud.store.first("role", **wanted) or cloud.store.create("role", wanted)


BROKERS: dict[str, Broker] = {"aws-rds": Database(), "cloud-gov-service-account": ServiceAccount()}


def broker_of(cloud: Cloud, instance: Document) -> Broker:
    """Who makes and binds an instance."""
    plan = cloud.store.get("service_plan", instance["service_plan_guid"]) or {}
    offering = cloud.store.get("service_offering", plan.get("service_offering_guid")) or {}
    return BROKERS[offering["name"]]
