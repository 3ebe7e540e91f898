"""What a person and a script need to know of a running demo."""

from __future__ import annotations

import os
import sys
from typing import Any

from opsportal.demo import team
from opsportal.demo.estate import HUMAN, ORGANIZATION
from opsportal.demo.github import REPOSITORY
from opsportal.demo.layout import Layout
from opsportal.demo.ports import Ports
from opsportal.demo.telling import inbox


def facts(layout: Layout, ports: Ports, people_password: str, cf_password: str) -> dict[str, Any]:
    """The contents of demo.json."""
    return {
        "portal": ports.portal_url,
        "cloud_api": ports.cloud_url,
        "apps_domain": ports.apps_domain,
        "org": ORGANIZATION,
        "cf": {"username": HUMAN, "password": cf_password},
        "users": [
            {"username": member.username, "password": people_password, "roles": list(member.roles)}
            for member in team.PEOPLE
        ],
        "repository": str(layout.repository),
        "github": f"{ports.cloud_url}/github/{REPOSITORY}",
    }


def _here(path: str) -> str:
    """A path as it is typed in the checkout."""
    return os.path.relpath(path) if path.startswith(os.getcwd()) else path


def banner(known: dict[str, Any], layout: Layout) -> str:
    """The same for people: the address, who can sign in, and the `cf` lines that log in to the cloud."""
    password = known["users"][0]["password"]
    roles = {member.username: ", ".join(member.roles).replace("_", " ") for member in team.PEOPLE}
    people = [f"    {member.username:<8}{member.name:<16}{roles[member.username]}" for member in team.PEOPLE]
    cf = known["cf"]
    lines = [
        "",
        f"  The ops portal is ready:  {known['portal']}",
        "",
        f"  Sign in with the password {password} as one of",
        *people,
        "",
        "  The local cloud, for the cf command line:",
        f"    cf api {known['cloud_api']}",
        f"    cf auth {cf['username']} {cf['password']}",
        f"    cf target -o {known['org']} -s {team.ANA.sandbox}",
        "",
        f"  What was told in Slack:  {inbox(known['cloud_api'])}",
        "",
        "  The same as the buttons, from a shell:",
        f"    {_here(sys.executable)} manage.py operate deploy {team.ANA.sandbox} --set ref=main --as ana --wait",
        "",
        f"  The application's repository:  git clone {known['repository']}",
        f"  Its pull requests and issues:  {known['github']}",
        f"  All state lies in {layout.root}; these facts, for scripts, in {layout.facts.name} there.",
        "  Ctrl-C stops everything; nothing is lost. --reset begins anew.",
        "",
    ]
    return "\n".join(lines)
