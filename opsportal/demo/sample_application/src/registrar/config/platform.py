"""What the platform tells the application about itself: VCAP_APPLICATION and VCAP_SERVICES, read once."""

import json
import os
from typing import Any


def _read(name: str) -> dict[str, Any]:
    try:
        value = json.loads(os.environ.get(name) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def environment_name() -> str:
    """`ab` for the application `getgov-ab`; `local` when not on the platform."""
    name = str(_read("VCAP_APPLICATION").get("application_name", ""))
    return name.removeprefix("getgov-") or "local"


def credentials(service: str) -> dict[str, Any]:
    """The credentials of a bound user-provided service, or nothing."""
    for instance in _read("VCAP_SERVICES").get("user-provided", []):
        if instance.get("name") == service:
            return dict(instance.get("credentials") or {})
    return {}
