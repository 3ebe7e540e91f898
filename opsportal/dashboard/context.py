"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest

#: The page's name → the entry of the main menu that is current there.
HERE = {
    "dashboard:home": "home",
    "operations:history": "operations",
    "bugs:tickets": "tickets",
    "operations:schedules": "schedules",
    "operations:commands": "commands",
    "runbooks:index": "runbooks",
    "notifications:mine": "notifications",
}


def portal(request: HttpRequest) -> dict[str, object]:
    """``cloud_is_local``: shows the slim banner; ``here``: which entry of the main menu is current."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    here = HERE.get(name, "")
    return {"cloud_is_local": settings.CF_IS_LOCAL, "here": here}
