"""The manifest that deploys the portal itself: its processes, and what it reads from bound services."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsportal.config.environment import VARIABLES

REPOSITORY = Path(__file__).resolve().parents[2]

SERVICES = {
    "aws-rds": [{"name": "opsportal-database", "credentials": {"uri": "postgres://u:p@db.example:5432/ops"}}],
    "aws-elasticache-redis": [
        {
            "name": "opsportal-redis",
            "credentials": {"host": "redis.example", "port": 6379, "password": "secret"},
        }
    ],
    "user-provided": [
        {
            "name": "opsportal-credentials",
            "credentials": {"SECRET_KEY": "k" * 50, "CF_USERNAME": "robot", "CF_PASSWORD": "pw"},
        }
    ],
}

REPORT = """
import json
from opsportal.config import settings
print(json.dumps({
    "engine": settings.DATABASES["default"]["ENGINE"], "host": settings.DATABASES["default"]["HOST"],
    "broker": settings.CELERY_BROKER_URL, "tls": settings.CELERY_BROKER_USE_SSL, "user": settings.CF_USERNAME,
    "hosts": settings.ALLOWED_HOSTS, "secure": settings.SESSION_COOKIE_SECURE,
}))
"""


@pytest.fixture
def application() -> dict[str, Any]:
    text = (REPOSITORY / "manifest.yml").read_text().replace("((host))", "ops.example.gov")
    (application,) = yaml.safe_load(text)["applications"]
    return dict(application)


def test_it_runs_web_worker_and_scheduler(application: dict[str, Any]) -> None:
    commands = {process["type"]: process["command"] for process in application["processes"]}
    assert commands.keys() == {"web", "worker", "scheduler"}
    assert "gunicorn opsportal.config.wsgi" in commands["web"]
    assert re.search(r"celery -A opsportal\.config worker .*-Q operations,default", commands["worker"], re.S)
    assert "beat" in commands["scheduler"]
    for command in commands.values():
        subprocess.run(["bash", "-n", "-c", command], check=True, timeout=10)


def test_everything_it_sets_is_a_setting_of_the_portal(application: dict[str, Any]) -> None:
    for_python_and_the_buildpack = {"DJANGO_SETTINGS_MODULE", "PYTHONUNBUFFERED", "DISABLE_COLLECTSTATIC"}
    assert application["env"].keys() - for_python_and_the_buildpack <= VARIABLES.keys()


def test_database_redis_and_secrets_are_read_from_the_bound_services(
    application: dict[str, Any], tmp_path: Path
) -> None:
    assert {service["name"] for group in SERVICES.values() for service in group} == set(
        application["services"]
    )
    done = subprocess.run(
        [sys.executable, "-c", REPORT],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "OPSPORTAL_DATA_DIR": str(tmp_path),
            "VCAP_SERVICES": json.dumps(SERVICES),
            **{name: str(value) for name, value in application["env"].items()},
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert (read["engine"], read["host"]) == ("django.db.backends.postgresql", "db.example")
    assert read["broker"] == "rediss://:secret@redis.example:6379/0"
    assert read["tls"]
    assert read["user"] == "robot"
    assert read["hosts"] == ["ops.example.gov"]
    assert read["secure"]
