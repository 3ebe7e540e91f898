"""The processes of the demo: how each is started, and when it is ready."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import requests
from celery import Celery

from opsportal.demo.estate import ORGANIZATION, SERVICE_ACCOUNT
from opsportal.demo.github import REPOSITORY as GITHUB_REPOSITORY
from opsportal.demo.layout import Layout
from opsportal.demo.ports import HOST, Ports

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
ANSWER_S = 5
#: The local cloud's databases are SQLite files: Python copies one into the other, page by page. One line for a shell.
COPY = (
    "python -c 'import json, os, sqlite3, sys; "
    'by = {i["name"]: i["credentials"]["uri"].partition("://")[2][1:] '
    'for s in json.loads(os.environ["VCAP_SERVICES"]).values() for i in s if "uri" in i["credentials"]}; '
    "source, target = (sqlite3.connect(by[name]) for name in sys.argv[1:]); source.backup(target); "
    'print(len(list(target.iterdump())), "statements copied")\' {source} {target}'
)


def portal_settings(layout: Layout, ports: Ports, redis_url: str, service_password: str) -> dict[str, str]:
    """What opsportal.config needs to find the demo's parts. A DATABASE_URL that is set is kept."""
    kept = {name: os.environ[name] for name in ("DATABASE_URL",) if os.environ.get(name)}
    return kept | {
        "PUBLIC_URL": ports.portal_url,
        "REDIS_URL": redis_url,
        "GIT_REPOSITORY_URL": layout.repository.as_uri(),
        "GIT_REFRESH_SECONDS": "3",
        "CF_API_URL": ports.cloud_url,
        "CF_USERNAME": SERVICE_ACCOUNT,
        "CF_PASSWORD": service_password,
        "CF_ORGANIZATION": ORGANIZATION,
        "CF_IS_LOCAL": "true",
        "ROUTE_URL": f"http://{{host}}.{ports.apps_domain}",
        "ASSET_BUILD_COMMAND": "python3 build_assets.py",
        "COPY_DATABASE_COMMAND": COPY,
        "SECURE_COOKIES": "false",
    }


def github_settings(ports: Ports, token: str) -> dict[str, str]:
    """What opsportal.config needs to find the local GitHub."""
    web = f"{ports.cloud_url}/github"
    return {
        "GITHUB_REPOSITORY": GITHUB_REPOSITORY,
        "GITHUB_TOKEN": token,
        "GITHUB_API_URL": f"{web}/api/v3",
        "GITHUB_WEB_URL": web,
        "GITHUB_MIRROR_ISSUES": "true",
        "GITHUB_REFRESH_SECONDS": "5",
        "COMMIT_URL": f"{web}/{GITHUB_REPOSITORY}/commit/{{commit}}",
    }


def as_settings_file(settings: dict[str, str]) -> str:
    """The settings in the form of a .env file, each value in double quotes."""
    quoted = {
        name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in sorted(settings.items())
    }
    return "".join(f'{name}="{value}"\n' for name, value in quoted.items())


def cloud(layout: Layout, ports: Ports) -> list[str]:
    """The local cloud."""
    place = ["--data-dir", str(layout.cloud), "--host", HOST, "--port", str(ports.cloud)]
    return [PYTHON, "-m", "opsportal.localcloud", *place, "--estate", str(layout.estate)]


def prepare() -> list[str]:
    """Tables, people and a first look at the repository."""
    return [PYTHON, "-m", "opsportal.demo.prepare"]


def before() -> list[str]:
    """What ran on stable, staging and development before the portal came."""
    return [PYTHON, "-m", "opsportal.demo.before"]


def web(ports: Ports) -> list[str]:
    """The pages, with enough threads for many live viewers."""
    return [
        *(PYTHON, "-m", "gunicorn", "opsportal.config.wsgi", "--bind", f"{HOST}:{ports.portal}"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", "128", "--preload"),
        *("--no-control-socket", "--graceful-timeout", "5", "--log-level", "warning"),
    ]


def worker() -> list[str]:
    """What carries operations out."""
    return [
        *(PYTHON, "-m", "celery", "--quiet", "-A", "opsportal.config", "worker", "--loglevel", "WARNING"),
        *("--pool", "threads", "--concurrency", "16", "-Q", "operations,default"),
        *("--without-gossip", "--without-mingle"),
    ]


def scheduler() -> list[str]:
    """What rings for due work."""
    return [PYTHON, "-m", "celery", "--quiet", "-A", "opsportal.config", "beat", "--loglevel", "WARNING"]


def worker_answers(redis_url: str) -> bool:
    """Whether a worker takes work from the broker."""
    broker_url = redis_url.replace("unix://", "redis+socket://", 1)
    with Celery(broker=broker_url, set_as_current=False) as application:
        return bool(application.control.ping(timeout=1, limit=1))


def answers(url: str) -> bool:
    """Whether something answers well there."""
    try:
        return requests.get(url, timeout=ANSWER_S).ok
    except requests.RequestException:
        return False
