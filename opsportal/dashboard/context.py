"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest

#: The page's name → the entry of the main menu that is current there.
HERE = {
    "dashboard:home": "home",
    "operations:history": "operations",
    "bugs:tickets": "tickets",
    "bugs:ticket": "tickets",
    "bugs:approvals": "tickets",
    "bugs:refinement": "tickets",
    "bugs:clocks": "tickets",
    "operations:schedules": "schedules",
    "operations:commands": "commands",
    "runbooks:index": "runbooks",
    "notifications:mine": "notifications",
}


def portal(request: HttpRequest) -> dict[str, object]:
    """``cloud_is_local``: shows the slim banner, with links to ``slack_inbox`` and ``github_pages`` where those are local.

    ``here``: which entry of the main menu is current.
    """
    name = request.resolver_match.view_name if request.resolver_match else ""
    here = HERE.get(name, "")
    local_slack = settings.CF_IS_LOCAL and settings.SLACK_API_URL.endswith("/slack/api")
    inbox = settings.SLACK_API_URL.removesuffix("api") if local_slack else ""
    local_github = settings.CF_IS_LOCAL and settings.GITHUB_API_URL.endswith("/github/api/v3")
    pages = f"{settings.GITHUB_WEB_URL}/{settings.GITHUB_REPOSITORY}" if local_github else ""
    local = {"cloud_is_local": settings.CF_IS_LOCAL, "slack_inbox": inbox, "github_pages": pages}
    return {**local, "here": here}
