"""How endpoints and jobs reach the runtime of their cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from .context import Cloud
    from .runtime import Runtime


def runtime(cloud: Cloud) -> Runtime:
    """The runtime of this cloud."""
    return cast("Runtime", cloud.runtime)
