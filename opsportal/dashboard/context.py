"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, object]:
    """``cloud_is_local``: shows the slim banner; ``here``: which entry of the main menu is current."""
    match = request.resolver_match
    name = match.view_name if match else ""
    here = "home" if name == "dashboard:home" else match.app_name if match else ""
    return {"cloud_is_local": settings.CF_IS_LOCAL, "here": here}
