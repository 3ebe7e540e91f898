"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, object]:
    """``cloud_is_local``: shows the slim banner; ``here``: which entry of the main menu is current."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    here = {"dashboard:home": "home", "operations:history": "operations"}.get(name, "")
    return {"cloud_is_local": settings.CF_IS_LOCAL, "here": here}
