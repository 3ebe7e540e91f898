"""What the local cloud holds for the demo: the organization, a space per environment, services and users.

One space per environment and a service account with SpaceDeveloper in each: product.md, The world it runs.
"""

from __future__ import annotations

from typing import Any

from opsportal.demo import team
from opsportal.demo.layout import new_password

ORGANIZATION = "getgov"
SERVICE_ACCOUNT = "opsportal"
HUMAN = "operator"

SECURITY_GROUPS: list[dict[str, Any]] = [
    {
        "name": "public_networks_egress",
        "rules": [{"protocol": "all", "destination": "0.0.0.0-9.255.255.255"}],
    },
    {"name": "trusted_local_networks_egress", "rules": [{"protocol": "all", "destination": "10.0.0.0/8"}]},
]


def estate(
    *, service_password: str, human_password: str, github: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The estate as the local cloud reads it. Applying it again changes nothing that is there."""
    developer = {name: ["space_developer"] for name in team.ENVIRONMENTS}
    return {
        "organization": ORGANIZATION,
        "domains": ["app.localhost", "app.cloud.gov"],
        "security_groups": SECURITY_GROUPS,
        "spaces": [_space(name) for name in team.ENVIRONMENTS],
        "users": [
            {"username": SERVICE_ACCOUNT, "password": service_password, "roles": [], "spaces": developer},
            {
                "username": HUMAN,
                "password": human_password,
                "roles": ["admin", "organization_manager"],
                "spaces": developer,
            },
        ],
        **({"github": github} if github else {}),
    }


def _space(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "security_groups": [group["name"] for group in SECURITY_GROUPS],
        "services": [
            {"name": f"getgov-{name}-database", "offering": "aws-rds", "plan": "micro-psql"},
            {"name": "getgov-credentials", "user_provided": {"DJANGO_SECRET_KEY": new_password()}},
        ],
    }
