"""Ready-filled links to the platform's own pages, and the lines that lead into a container. No secret is in them."""

import shlex
from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings

from opsportal.environments.models import Environment
from opsportal.logs.filters import Search
from opsportal.logs.spans import in_address


@dataclass(frozen=True)
class Link:
    """One link. ``address`` is empty where its setting is, and then ``setting`` says which one."""

    words: str
    address: str
    setting: str


def outside(environment: Environment, search: Search) -> list[Link]:
    """The dashboard, the log stream and Kibana, filled in for an environment and a search."""
    known = {
        "app": environment.app_name,
        "app_guid": environment.app_guid,
        "space": environment.space_name,
        "space_guid": environment.space_guid,
        "organization": settings.CF_ORGANIZATION,
        "query": kibana_query(environment, search),
        "from": in_address(search.from_ns),
        "to": in_address(search.to_ns),
    }
    offered = (("Dashboard", "DASHBOARD_URL"), ("Log stream", "LOG_STREAM_URL"), ("Kibana", "KIBANA_URL"))
    return [Link(words, _filled(str(getattr(settings, name)), known), name) for words, name in offered]


def kibana_query(environment: Environment, search: Search) -> str:
    """The search in Kibana's words: ``@cf.app:"getgov-ab" AND @source.type:APP``."""
    said = [f'@cf.app:"{environment.app_name}"']
    if search.layer:
        said.append(f"@source.type:{search.layer.partition('/')[0]}")
    if search.instance.isdigit():
        said.append(f"@source.instance:{search.instance}")
    if search.text and not search.is_pattern:
        escaped = search.text.replace("\\", "\\\\").replace('"', '\\"')
        said.append(f'@message:"{escaped}"')
    return " AND ".join(said)


def _filled(template: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        template = template.replace(f"{{{name}}}", quote(value, safe=""))
    return template if template.startswith(("https://", "http://")) else ""


def shell_lines(environment: Environment, instance: str = "") -> dict[str, str]:
    """The lines that lead into a running instance, in order: log in, target, ssh, the application's own shell."""
    single_sign_on = () if settings.CF_IS_LOCAL else ("--sso",)
    chosen = ("-i", instance) if instance and instance != "0" else ()
    return {
        "login": shlex.join(["cf", "login", "-a", settings.CF_API_URL, *single_sign_on]),
        "target": shlex.join(["cf", "target", "-o", settings.CF_ORGANIZATION, "-s", environment.space_name]),
        "ssh": shlex.join(["cf", "ssh", environment.app_name, *chosen]),
        "shell": "/tmp/lifecycle/shell",  # noqa: S108 (the platform's own path, inside the container)
        "django": "python manage.py shell",
    }
