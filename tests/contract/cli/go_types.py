"""Decoding as the command line client decodes: types must fit, null and absence are zero values, and what is not
named is ignored. Only log envelopes are read strictly: there every unknown name is an error (platform API §11.3).
"""

from __future__ import annotations

import re
from typing import Any

Shape = Any
"""``str``, ``int``, ``float``, ``bool``; ``object`` for anything; ``[shape]``; ``{name: shape}``; ``Map(shape)``."""


class Undecodable(Exception):
    """The client cannot read an answer; the person sees a parse error."""


class Map:
    """A JSON object with any names, all values of one shape."""

    def __init__(self, of: Shape) -> None:
        self.of = of


class Octal:
    """A file mode: a text of octal digits, never absent (§4.4)."""


OCTAL = Octal()
SCALARS = {str: (str,), bool: (bool,), int: (int,), float: (int, float)}


def decode(shape: Shape, value: Any, where: str = "the answer", *, strict: bool = False) -> Any:
    """``value`` with every name of ``shape``, zero values where it says nothing; Undecodable when a type does not fit."""
    if isinstance(shape, Octal):
        if not isinstance(value, str) or not re.fullmatch("[0-7]+", value):
            raise Undecodable(f"{where}: {value!r} is no octal mode")
        return value
    if shape is object:
        return value
    if value is None:
        return zero(shape)
    if isinstance(shape, list):
        _must(isinstance(value, list), where, value, "a list")
        return [decode(shape[0], one, f"{where}[{at}]", strict=strict) for at, one in enumerate(value)]
    if isinstance(shape, Map):
        _must(isinstance(value, dict), where, value, "an object")
        return {key: decode(shape.of, one, f"{where}.{key}", strict=strict) for key, one in value.items()}
    if isinstance(shape, dict):
        return _fields(shape, value, where, strict)
    fits = isinstance(value, SCALARS[shape]) and (shape is bool or not isinstance(value, bool))
    _must(fits, where, value, shape.__name__)
    return value


def _fields(shape: dict[str, Shape], value: Any, where: str, strict: bool) -> dict[str, Any]:
    _must(isinstance(value, dict), where, value, "an object")
    unknown = set(value) - set(shape)
    if strict and unknown:
        raise Undecodable(f"{where}: unknown field {sorted(unknown)}")
    return {
        name: decode(one, value.get(name), f"{where}.{name}", strict=strict) for name, one in shape.items()
    }


def _must(fits: bool, where: str, value: Any, wanted: str) -> None:
    if not fits:
        raise Undecodable(f"{where}: {value!r} is not {wanted}")


def zero(shape: Shape) -> Any:
    """What stands for a value that is not there."""
    if isinstance(shape, list):
        return []
    if isinstance(shape, Map):
        return {}
    if isinstance(shape, dict):
        return {name: decode(one, None) for name, one in shape.items()}
    return None if shape is object else shape()


GUID = {"guid": str}
TO_ONE = {"data": GUID}
METADATA = {"labels": Map(str), "annotations": Map(str)}
LINK = {
    "href": str,
    "method": str,
    "meta": {"version": str, "host_key_fingerprint": str, "oauth_client": str},
}
LINKS = Map(LINK)
ERRORS = {"errors": [{"code": int, "title": str, "detail": str}]}

ROOT = {"links": LINKS}
LOGIN = {"app": {"version": str}, "links": Map(str), "prompts": Map([str])}
TOKEN = {"access_token": str, "refresh_token": str, "token_type": str}
UAA_ERROR = {"error": str, "error_description": str}
JOB = {
    "guid": str,
    "state": str,
    "errors": [{"code": int, "title": str, "detail": str}],
    "warnings": [{"detail": str}],
    "links": LINKS,
}
ORGANIZATION = {
    "guid": str,
    "name": str,
    "suspended": bool,
    "relationships": Map(TO_ONE),
    "metadata": METADATA,
}
SPACE = {"guid": str, "name": str, "relationships": Map(TO_ONE), "metadata": METADATA}
APP = {
    "guid": str,
    "name": str,
    "state": str,
    "lifecycle": {"type": str, "data": {"buildpacks": [str], "stack": str}},
    "relationships": Map(TO_ONE),
    "metadata": METADATA,
}
PACKAGE = {
    "guid": str,
    "type": str,
    "state": str,
    "created_at": str,
    "data": {"image": str, "username": str, "password": str},
    "links": LINKS,
    "relationships": Map(TO_ONE),
}
RESOURCES = {
    "resources": [{"path": str, "mode": OCTAL, "checksum": {"value": str}, "size_in_bytes": int}],
}
BUILD = {"guid": str, "state": str, "error": str, "created_at": str, "droplet": GUID, "package": GUID}
DROPLET = {
    "guid": str,
    "state": str,
    "created_at": str,
    "stack": str,
    "image": str,
    "buildpacks": [{"name": str, "detect_output": str, "version": str, "buildpack_name": str}],
}
DEPLOYMENT = {
    "guid": str,
    "status": {"value": str, "reason": str},
    "created_at": str,
    "updated_at": str,
    "droplet": GUID,
    "new_processes": [{"guid": str, "type": str}],
    "relationships": Map(TO_ONE),
}
PROCESS = {
    "guid": str,
    "type": str,
    "command": str,
    "instances": int,
    "memory_in_mb": int,
    "disk_in_mb": int,
    "health_check": {"type": str, "data": {"endpoint": str, "invocation_timeout": int, "timeout": int}},
    "relationships": Map(TO_ONE),
}
STATS = {
    "type": str,
    "index": int,
    "state": str,
    "details": str,
    "uptime": int,
    "isolation_segment": str,
    "mem_quota": int,
    "disk_quota": int,
    "usage": {"cpu": float, "mem": int, "disk": int},
}
SIDECAR = {"guid": str, "name": str, "command": str}
ROUTE = {
    "guid": str,
    "protocol": str,
    "host": str,
    "path": str,
    "port": int,
    "url": str,
    "destinations": [
        {"guid": str, "app": {"guid": str, "process": {"type": str}}, "port": int, "protocol": str}
    ],
    "relationships": Map(TO_ONE),
}
TASK = {
    "guid": str,
    "sequence_id": int,
    "name": str,
    "command": str,
    "state": str,
    "created_at": str,
    "memory_in_mb": int,
    "disk_in_mb": int,
    "result": {"failure_reason": str},
}
ENVIRONMENT = {
    "system_env_json": Map(object),
    "application_env_json": Map(object),
    "environment_variables": Map(object),
    "running_env_json": Map(object),
    "staging_env_json": Map(object),
}
VARIABLES = {"var": Map(str)}
REVISION = {
    "guid": str,
    "version": int,
    "description": str,
    "deployable": bool,
    "created_at": str,
    "droplet": GUID,
}
FEATURE = {"name": str, "enabled": bool}
EVENT = {
    "guid": str,
    "created_at": str,
    "type": str,
    "actor": {"name": str},
    "target": {"name": str},
    "data": Map(object),
}
ROLE = {"guid": str, "type": str, "relationships": Map(TO_ONE)}
USER = {"guid": str, "username": str, "presentation_name": str, "origin": str}
SECURITY_GROUP = {
    "guid": str,
    "name": str,
    "globally_enabled": {"running": bool, "staging": bool},
    "rules": [{"protocol": str, "destination": str, "ports": str, "type": int, "code": int, "log": bool}],
    "relationships": Map({"data": [GUID]}),
}
PLAN = {
    "guid": str,
    "name": str,
    "description": str,
    "free": bool,
    "available": bool,
    "visibility_type": str,
    "costs": [{"amount": float, "currency": str, "unit": str}],
    "relationships": Map(TO_ONE),
}
OFFERING = {"guid": str, "name": str, "description": str, "relationships": Map(TO_ONE)}
LOG_INFO = {"version": str, "vm_uptime": str}
ENVELOPES = {
    "envelopes": {
        "batch": [
            {
                "timestamp": str,
                "source_id": str,
                "instance_id": str,
                "deprecated_tags": Map(object),
                "tags": Map(str),
                "log": {"payload": str, "type": str},
            }
        ]
    }
}
