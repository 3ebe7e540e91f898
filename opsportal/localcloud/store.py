"""The cloud's memory: JSON documents by kind and guid, written through to SQLite before a call returns.

A kind is the singular of its API path: ``app``, ``space``, ``service_credential_binding``. References between
documents are flat keys that end in ``_guid`` (``space_guid``, ``app_guid``): those, and the few other keys
people look for, are indexed, so that :meth:`Store.find` stays quick with tens of thousands of documents.
"""

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Document = dict[str, Any]
INDEXED = frozenset({"name", "username", "type", "state", "host", "operation", "status_value"})
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    position INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, guid TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, guid))
"""


def timestamp(moment: datetime) -> str:
    """The platform's way to write a time: UTC in whole seconds, ``2026-01-31T12:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def copied(value: Any) -> Any:
    """A deep copy of a JSON value, several times quicker than ``copy.deepcopy``."""
    if isinstance(value, dict):
        return {key: copied(one) if isinstance(one, dict | list) else one for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [copied(one) if isinstance(one, dict | list) else one for one in value]
    return value


class _Kind:
    """The documents of one kind in creation order, with an index for each key worth one."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.position: dict[str, int] = {}
        self.index: dict[str, dict[Any, dict[str, None]]] = {}

    def put(self, document: Document, position: int) -> None:
        guid = document["guid"]
        self._unindex(self.documents.get(guid))
        self.documents[guid] = document
        self.position.setdefault(guid, position)
        for key, value in document.items():
            if _is_indexed(key) and (value is None or isinstance(value, str | int)):
                self.index.setdefault(key, {}).setdefault(value, {})[guid] = None

    def drop(self, guid: str) -> None:
        self._unindex(self.documents.pop(guid, None))
        self.position.pop(guid, None)

    def _unindex(self, document: Document | None) -> None:
        for key, value in (document or {}).items():
            if _is_indexed(key) and (value is None or isinstance(value, str | int)):
                found = self.index.get(key, {}).get(value)
                if found is not None and document is not None:
                    found.pop(document["guid"], None)
                    if not found:
                        del self.index[key][value]

    def matching(self, equals: dict[str, Any]) -> list[Document]:
        """The documents whose keys have (one of) the wanted values, oldest first."""
        wanted = {key: _values(value) for key, value in equals.items()}
        groups = [
            found for key, values in wanted.items() if (found := self._indexed(key, values)) is not None
        ]
        if groups:
            fewest = min(groups, key=lambda group: sum(map(len, group)))
            guids = {guid for part in fewest for guid in part}
            candidates: Iterable[str] = sorted(guids, key=self.position.__getitem__)
        else:
            candidates = self.documents
        if len(groups) == len(wanted) == 1:
            return [self.documents[guid] for guid in candidates]  # the index has answered the whole question
        looked_at = (self.documents[guid] for guid in candidates)
        return [one for one in looked_at if all(one.get(key) in values for key, values in wanted.items())]

    def _indexed(self, key: str, values: Collection[Any]) -> list[Collection[str]] | None:
        """The guids of the documents with each of these values; None where only looking at all of them tells."""
        if key == "guid":
            return [[guid for guid in values if guid in self.documents]]
        if not _is_indexed(key) or None in values:
            return None
        index = self.index.get(key, {})
        return [index[value] for value in set(values) if value in index]


def _is_indexed(key: str) -> bool:
    return key.endswith("_guid") or key in INDEXED


def _values(value: Any) -> Collection[Any]:
    return value if isinstance(value, list | tuple | set | frozenset) else (value,)


class Store:
    """All documents, in memory for reading and in ``path`` for surviving.

    Every change is committed before the call returns, so that killing the process loses nothing that was
    answered. ``clock`` gives the time for ``created_at`` and ``updated_at``. Hold :attr:`lock` for a
    read-modify-write. What lies inside a document that was read (lists, objects) must not be changed in place.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(_SCHEMA)
        for position, kind, body in self._database.execute(
            "SELECT position, kind, body FROM documents ORDER BY position"
        ):
            self._kind(kind).put(json.loads(body), position)

    def create(self, kind: str, document: Document) -> Document:
        """Keep a new document and return a copy of it with ``guid``, ``created_at`` and ``updated_at`` set.

        A ``guid`` that is given is kept; ``ValueError`` when it is already there.
        """
        now = timestamp(self._clock())
        made = copied({"guid": str(uuid.uuid4()), "created_at": now, "updated_at": now} | document)
        with self.lock:
            if made["guid"] in self._kind(kind).documents:
                raise ValueError(f"{kind} {made['guid']} exists already")
            cursor = self._database.execute(
                "INSERT INTO documents (kind, guid, body) VALUES (?, ?, ?)",
                (kind, made["guid"], json.dumps(made)),
            )
            self._kind(kind).put(made, int(cursor.lastrowid or 0))
        return _a_copy(made)

    def get(self, kind: str, guid: str | None) -> Document | None:
        """A copy of the document, or None. Waits for nobody: a document that is kept never changes, it is replaced."""
        found = self._kind(kind).documents.get(guid or "")
        return None if found is None else _a_copy(found)

    def update(self, kind: str, guid: str, **changes: Any) -> Document:
        """Set top-level keys and ``updated_at``; return a copy of the whole. ``KeyError`` when it is gone."""
        with self.lock:
            before = self._kind(kind).documents[guid]
            after = {**before, "updated_at": timestamp(self._clock()), **copied(changes)}
            self._database.execute(
                "UPDATE documents SET body = ? WHERE kind = ? AND guid = ?", (json.dumps(after), kind, guid)
            )
            self._kind(kind).put(after, 0)
        return _a_copy(after)

    def delete(self, kind: str, guid: str) -> None:
        """Forget a document; one that is not there is fine."""
        with self.lock:
            self._database.execute("DELETE FROM documents WHERE kind = ? AND guid = ?", (kind, guid))
            self._kind(kind).drop(guid)

    def find(self, kind: str, **equals: Any) -> list[Document]:
        """Copies of the documents with these values, oldest first.

        A list, tuple or set as a value means any of them: ``find("app", space_guid={"a", "b"})``.
        """
        with self.lock:
            found = self._kind(kind).matching(equals)
        return [_a_copy(one) for one in found]

    def first(self, kind: str, **equals: Any) -> Document | None:
        """The oldest document with these values, or None."""
        return next(iter(self.find(kind, **equals)), None)

    def values(self, kind: str, key: str, **equals: Any) -> set[Any]:
        """What the documents with these values have under ``key``: quicker than asking for the documents."""
        with self.lock:
            return {one.get(key) for one in self._kind(kind).matching(equals)}

    def count(self, kind: str, **equals: Any) -> int:
        """How many documents have these values."""
        with self.lock:
            return len(self._kind(kind).matching(equals))

    def close(self) -> None:
        """Close the database; the store cannot be used afterwards."""
        with self.lock:
            self._database.close()

    def _kind(self, kind: str) -> _Kind:
        found = self._kinds.get(kind)
        return found if found is not None else self._kinds.setdefault(kind, _Kind())


def _a_copy(document: Document) -> Document:
    """The keys are the reader's own to change; what lies in them is shared, and only :meth:`Store.update` replaces it."""
    return dict(document)
