"""The team's repository on the local GitHub: everybody's login, and the pull requests that are open.

A login is the person's user name in the portal; the portal itself has one too, and a token.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opsportal.demo import team
from opsportal.demo.estate import SERVICE_ACCOUNT
from opsportal.demo.story import branches

REPOSITORY = "getgov/getgov"
FIRST_NUMBER = 3460
"""After the newest pull request that the history tells of."""

_AUTHORS = (team.KOFI, team.MARTA, team.NOOR, team.ROSA)


def github_estate(repository: Path, token: str) -> dict[str, Any]:
    """What the local cloud's GitHub holds; `token` is the portal's. Applying it again opens nothing twice."""
    people = [{"login": one.username, "name": one.name} for one in (*team.PEOPLE, *_AUTHORS)]
    portal = {"login": SERVICE_ACCOUNT, "name": "Ops portal", "token": token}
    return {
        "users": [*people, portal],
        "repositories": [
            {
                "full_name": REPOSITORY,
                "path": str(repository),
                "default_branch": "main",
                "first_number": FIRST_NUMBER,
                "pull_requests": _pull_requests(),
            }
        ],
    }


def _pull_requests() -> list[dict[str, Any]]:
    return [
        _pull(branches.USABILITY, team.NOOR, "Plain words from the usability tests", draft=True),
        _pull(branches.NEW_GUNICORN, team.KOFI, "Require gunicorn 25", reviewers=(team.DANA,)),
        _pull(
            branches.BUILD_FAILS, team.ESME, "A dark theme", "Only begun; it does not build yet.", draft=True
        ),
        _pull(
            branches.NEW_HEADLINE,
            team.ANA,
            "Greet people with a friendlier headline",
            "From the research in October. See it on the sandbox `ab`.",
            reviewers=(team.DANA, team.ESME),
            reviews=((team.ESME, "APPROVED", "Reads much better."),),
        ),
        _pull(
            branches.NEW_MIGRATION,
            team.CLEO,
            "Keep and show a domain's name servers",
            "Brings a migration that adds one column.",
            reviewers=(team.ANA,),
            reviews=((team.DANA, "CHANGES_REQUESTED", "What do domains show that have none?"),),
        ),
        _pull(
            branches.MIGRATION_FAILS,
            team.KOFI,
            "Fill in missing security contacts",
            reviewers=(team.DANA, team.CLEO),
        ),
        _pull(
            branches.CRITICAL_FIX,
            team.CLEO,
            "BUG-4 Send an invitation as soon as it is made",
            "A hotfix, off v1.205.0: not to be merged before it is on stable and staging.",
            reviewers=(team.ANA, team.ESME),
        ),
    ]


def _pull(
    branch: str,
    author: team.Member,
    title: str,
    body: str = "",
    *,
    draft: bool = False,
    reviewers: tuple[team.Member, ...] = (),
    reviews: tuple[tuple[team.Member, str, str], ...] = (),
) -> dict[str, Any]:
    return {
        "head": branch,
        "base": "main",
        "title": title,
        "body": body,
        "author": author.username,
        "draft": draft,
        "reviewers": [one.username for one in reviewers],
        "reviews": [{"author": who.username, "state": state, "body": words} for who, state, words in reviews],
    }
