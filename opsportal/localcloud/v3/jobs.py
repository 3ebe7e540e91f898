"""``/v3/jobs`` (platform API §4.9)."""

from __future__ import annotations

from ..errors import not_found
from ..web import Answer, ApiRequest, route


@route("GET", "/v3/jobs/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """How a job stands. Its links are shown as long as what they name exists."""
    job = request.context.store.get("job", guid)
    if job is None:
        raise not_found("Job")
    links = {"self": request.href(f"/v3/jobs/{guid}")}
    links |= {name: request.href(path) for name, path in job["links"].items() if _exists(request, path)}
    shown = {key: job[key] for key in ("guid", "created_at", "updated_at", "operation", "state")}
    return {**shown, "errors": job["errors"], "warnings": job["warnings"], "links": links}


def _exists(request: ApiRequest, path: str) -> bool:
    """``/v3/apps/GUID`` names a document of kind ``app``."""
    parts = path.split("/")
    return request.context.store.get(parts[2].removesuffix("s"), parts[3]) is not None
