"""The portal's one GitHub client, made from the settings. Only tasks come here."""

from functools import lru_cache

from django.conf import settings

from opsportal.adapters.github import GitHub


def github() -> GitHub | None:
    """The client for the team's repository: thread-safe, one per process. None where none is configured."""
    if not settings.GITHUB_REPOSITORY:
        return None
    return _client(settings.GITHUB_API_URL, settings.GITHUB_REPOSITORY, settings.GITHUB_TOKEN)


@lru_cache(maxsize=2)
def _client(api_url: str, repository: str, token: str) -> GitHub:
    return GitHub(api_url, repository, token, timeout=(3.05, 20), user_agent="opsportal/0.1")
