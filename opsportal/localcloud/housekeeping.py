"""What is dropped at each start because it has outlived its use, as a platform's operator has it dropped."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from .store import timestamp

if TYPE_CHECKING:
    from .context import Cloud

DAYS_KEPT = {"job": 90, "audit_event": 31}


def tidy(cloud: Cloud) -> None:
    """Drop old jobs and audit events (platform API §4.9, §12), spent time of codes and refresh tokens."""
    for kind, days in DAYS_KEPT.items():
        oldest = timestamp(cloud.now() - timedelta(days=days))
        for one in cloud.store.find(kind):
            if one["created_at"] < oldest and one.get("state") not in {"PROCESSING", "POLLING"}:
                cloud.store.delete(kind, one["guid"])
    for kind in ("uaa_code", "refresh_token"):
        for one in cloud.store.find(kind):
            if one["expires_at"] <= time.time():
                cloud.store.delete(kind, one["guid"])
