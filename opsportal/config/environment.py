"""What the portal can be told from outside: one row per variable, with its type, default and meaning.

Variables come from the process environment, then from ``DATA_DIR/settings.env`` (the demo writes it, so that
a second shell finds the same database, broker and cloud), then from the default here.
On Cloud Foundry the database, Redis and the secrets come from ``VCAP_SERVICES``.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import environ

BASE_DIR = Path(__file__).resolve().parents[2]


#: pg_dump of the one, then psql into the other; both addresses are read from the bindings, so that none is typed.
#: By way of a file: half a dump in a pipe would be restored as if it were whole.
COPY_WITH_PG_DUMP = (
    'address() { python -c \'import json, os, sys; print(next(i["credentials"]["uri"] for s in '
    'json.loads(os.environ["VCAP_SERVICES"]).values() for i in s if i["name"] == sys.argv[1]))\' "$1"; }; '
    'source=$(address {source}) && target=$(address {target}) && [ "$source" != "$target" ] && '
    'pg_dump --no-owner --no-privileges --clean --if-exists --file /tmp/copy.sql "$source" && '
    'psql --quiet --single-transaction --set ON_ERROR_STOP=1 --file /tmp/copy.sql "$target"'
)


@dataclass(frozen=True)
class Variable:
    """One setting: ``kind`` is the django-environ cast, ``default`` what holds when it is not given."""

    kind: type
    default: Any
    meaning: str


VARIABLES: dict[str, Variable] = {
    "SECRET_KEY": Variable(str, "", "Django's secret. Required unless CF_IS_LOCAL; the demo makes one."),
    "DEBUG": Variable(bool, False, "Django's debug pages. Never in production."),
    "ALLOWED_HOSTS": Variable(list, ["localhost", "127.0.0.1", "[::1]"], "Host names the portal answers to."),
    "PUBLIC_URL": Variable(str, "http://127.0.0.1:8000", "The portal's own address, for links."),
    "DATABASE_URL": Variable(str, "", "PostgreSQL in production; empty: SQLite in the data directory."),
    "REDIS_URL": Variable(
        str, "redis://127.0.0.1:6379/0", "Broker, cache and live events; unix:// or rediss:// too."
    ),
    "GIT_REPOSITORY_URL": Variable(str, "", "The repository whose manifests name the environments."),
    "GIT_TOKEN": Variable(str, "", "Token to read it; sent as a header, never in the URL."),
    "GIT_REFRESH_SECONDS": Variable(float, 15.0, "How often the worker fetches the repository."),
    "COMMIT_URL": Variable(
        str, "", "Where a commit is shown, with {commit} for its name; empty: commits are no links."
    ),
    "GITHUB_REPOSITORY": Variable(
        str, "", "The repository on GitHub, as owner/name; empty: there is no GitHub."
    ),
    "GITHUB_TOKEN": Variable(
        str, "", "Token for its pull requests, issues and statuses; sent as a header, never in the URL."
    ),
    "GITHUB_API_URL": Variable(
        str, "https://api.github.com", "GitHub's API; of an Enterprise Server, https://HOST/api/v3."
    ),
    "GITHUB_WEB_URL": Variable(str, "https://github.com", "Where people see it, for links."),
    "GITHUB_REFRESH_SECONDS": Variable(
        float, 20.0, "How often the worker reads pull requests, reviews and issues."
    ),
    "GITHUB_MIRROR_ISSUES": Variable(
        bool, False, "Tickets stand on GitHub as issues, and follow what is done to these."
    ),
    "MANIFEST_PATTERN": Variable(
        str,
        "ops/manifests/manifest-{environment}.yaml",
        "Where an environment's manifest lies in the repository.",
    ),
    "APP_NAME_PATTERN": Variable(str, "getgov-{environment}", "Name of an environment's application."),
    "CF_API_URL": Variable(str, "", "The Cloud Foundry API."),
    "CF_USERNAME": Variable(str, "", "The portal's own account there (SpaceDeveloper in each space)."),
    "CF_PASSWORD": Variable(str, "", "Its password."),
    "CF_ORGANIZATION": Variable(str, "", "The organization that holds the spaces."),
    "CF_SPACE_PATTERN": Variable(str, "{environment}", "Name of an environment's space."),
    "CF_IS_LOCAL": Variable(bool, False, "The cloud is the local one: say so on every page."),
    "ROUTE_URL": Variable(
        str, "https://{route}", "How a route is reached; {route}, or its first label {host}."
    ),
    "ASSET_BUILD_COMMAND": Variable(
        str, "", "The repository's own build command, run in the manifest's path."
    ),
    "ASSET_BUILD_INPUTS": Variable(list, [], "Paths the build reads; empty: all of the manifest's path."),
    "ASSET_BUILD_SECONDS": Variable(int, 900, "Time limit of a build, in seconds."),
    "ASSET_BUILD_MEMORY_MB": Variable(int, 2048, "Memory limit of a build process, in MB."),
    "ASSET_BUILD_OUTPUT_MB": Variable(int, 20, "A build that prints more than this many MB is stopped."),
    "ASSET_BUILD_ENV": Variable(
        list, ["PATH", "LANG", "HOME"], "Variables a build may see of ours; no secrets."
    ),
    "MIGRATE_COMMAND": Variable(str, "python manage.py migrate --no-input", "The migration task's command."),
    "FLUSH_COMMAND": Variable(
        str, "python manage.py flush --no-input", "Empties every table of the database."
    ),
    "LOAD_COMMAND": Variable(str, "python manage.py load", "Loads the fixtures."),
    "CACHE_TABLE_COMMAND": Variable(str, "python manage.py createcachetable", "Creates the cache table."),
    "CLEAR_SESSIONS_COMMAND": Variable(
        str, "python manage.py clearsessions", "Deletes the sessions that have expired."
    ),
    "COPY_DATABASE_COMMAND": Variable(
        str,
        COPY_WITH_PG_DUMP,
        "Copies stable's data; {source} and {target} are the names of the two databases in VCAP_SERVICES.",
    ),
    "DATABASE_NAME_PATTERN": Variable(
        str, "getgov-{environment}-database", "Name of an environment's database service."
    ),
    "DATABASE_OFFERING": Variable(str, "aws-rds", "The service offering that databases are made of."),
    "DATABASE_PLAN": Variable(
        str, "micro-psql", "The plan of a database that is made anew where the earlier one's is not known."
    ),
    "SERVICE_SECONDS": Variable(
        int, 3600, "Time limit of making or deleting a database on the platform, in seconds."
    ),
    "DROPLET_MB": Variable(
        int, 2000, "Largest droplet, in MB, that a promotion downloads where it may not be copied."
    ),
    "MIGRATIONS_PATTERN": Variable(str, "*/migrations/[0-9]*.py", "Which changed files are migrations."),
    "DOCUMENTATION_PATTERNS": Variable(
        list, ["*.md", "docs/*"], "A push that changes only such files is not deployed to development."
    ),
    "STAGING_SECONDS": Variable(int, 900, "Time limit of staging, in seconds."),
    "ROLLOUT_SECONDS": Variable(int, 600, "Time limit of a rolling deployment, in seconds."),
    "TASK_SECONDS": Variable(int, 1800, "Time limit of a task such as migrate, in seconds."),
    "ENVIRONMENT_REFRESH_SECONDS": Variable(float, 20.0, "How often what is really there is read again."),
    "OUTPUT_LINES_LIMIT": Variable(int, 250_000, "Lines kept of one operation's output."),
    "LOG_LOOK_SECONDS": Variable(float, 3.0, "How often a busy environment's log is read; 1 while watched."),
    "LOG_IDLE_LOOK_SECONDS": Variable(float, 20.0, "How seldom a log that stays silent is read, at most."),
    "LOG_KEEP_DAYS": Variable(float, 14.0, "How many days log entries are kept."),
    "LOG_KEEP_MB": Variable(int, 500, "How many MB of log text are kept of one environment."),
    "DASHBOARD_URL": Variable(
        str,
        "",
        "The platform's dashboard of an app; {app_guid}, {space_guid}, {app}, {space}, {organization}.",
    ),
    "LOG_STREAM_URL": Variable(str, "", "The platform's log stream of an app; the same placeholders."),
    "KIBANA_URL": Variable(
        str,
        "",
        "A search in Kibana; {query}, {from}, {to} and the same placeholders, filled in for an address.",
    ),
    "TICKET_PREFIX": Variable(str, "BUG", "What a ticket's key begins with: BUG-12."),
    "LEAD_MINUTES": Variable(
        int, 60, "Minutes of working time in which the lead assigns a Critical before others may."
    ),
    "WORKING_DAYS": Variable(list, ["mon", "tue", "wed", "thu", "fri"], "Days on which the team works."),
    "WORKING_HOURS": Variable(str, "09:00-17:00", "From and until when it works, in the team's time zone."),
    "DAYS_OFF": Variable(list, [], "Days on which nobody works, as 2026-12-25."),
    "ATTACHMENT_MB": Variable(float, 5.0, "Largest file, in MB, that can be attached to a ticket."),
    "SLACK_API_URL": Variable(str, "https://slack.com/api", "Slack's API."),
    "SLACK_TOKEN": Variable(str, "", "The bot's token (xoxb-…); empty: nothing is told by Slack."),
    "SLACK_CHANNEL_DEV": Variable(str, "#dev", "The developers' channel, by name or ID; empty: none."),
    "SLACK_CHANNEL_PRODUCT": Variable(str, "", "The product team's channel; empty: the developers'."),
    "SLACK_CHANNEL_ADMINS": Variable(str, "", "The admins' channel; empty: the developers'."),
    "SLACK_MESSAGES_PER_MINUTE": Variable(
        int, 10, "Messages a minute to one channel or person; more are gathered into one."
    ),
    "NOTIFY_GIVE_UP_HOURS": Variable(
        float, 24.0, "Hours after which a message that cannot be sent is given up."
    ),
    "EMAIL_URL": Variable(
        str, "", "The mail server, as smtp+tls://user:password@host:587; empty: nothing is told by e-mail."
    ),
    "EMAIL_FROM": Variable(str, "opsportal@localhost", "Whom the portal's e-mail comes from."),
    "TRUSTED_PROXY_COUNT": Variable(
        int, 0, "How many proxies in front may be believed about the client's address."
    ),
    "SECURE_COOKIES": Variable(
        bool, True, "Cookies over https only. The demo on plain http switches it off."
    ),
    "TIME_ZONE": Variable(str, "America/New_York", "The team's time zone."),
    "LOG_FORMAT": Variable(str, "text", "text or json."),
    "LOG_LEVEL": Variable(str, "INFO", "How much is logged."),
    "STREAMS_PER_PROCESS": Variable(
        int, 112, "Live streams one web process holds; more are asked to poll. Each takes one of its threads."
    ),
}


def data_directory() -> Path:
    """Where all local state lies: ``OPSPORTAL_DATA_DIR``; else that of this checkout's running demo; else ``var/``."""
    given = os.environ.get("OPSPORTAL_DATA_DIR")
    if given:
        return Path(given).resolve()
    demo = _text(RUNNING_DEMO)
    return Path(demo) if demo and (Path(demo) / "demo.json").is_file() else BASE_DIR / "var"


#: Written by the demo while it runs: the path of its data directory, so that a second shell finds it.
RUNNING_DEMO = BASE_DIR / "var" / "running-demo"


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


class _Given(environ.Env):  # type: ignore[misc]
    """What was given, merged: django-environ writes into this and never into the process's own environment."""

    ENVIRON: ClassVar[dict[str, str]] = {}


def read() -> dict[str, Any]:
    """Every variable of :data:`VARIABLES`, cast to its type. Raises ImproperlyConfigured on a bad value."""
    _Given.ENVIRON.clear()
    kept = data_directory() / "settings.env"
    if kept.is_file():
        _Given.read_env(str(kept))
    _Given.ENVIRON.update(from_cloud_foundry(os.environ.get("VCAP_SERVICES", "")))
    _Given.ENVIRON.update(os.environ)
    env = _Given(**{name: (each.kind, each.default) for name, each in VARIABLES.items()})
    return {name: _value(env, name, each) for name, each in VARIABLES.items()}


def _value(env: _Given, name: str, variable: Variable) -> Any:
    """Text is taken as it is: django-environ would read a secret that begins with ``$`` as another's name."""
    return env.ENVIRON.get(name, variable.default) if variable.kind is str else env(name)


def from_cloud_foundry(vcap_services: str) -> dict[str, str]:
    """``DATABASE_URL``, ``REDIS_URL`` and every known credential of user-provided services in ``VCAP_SERVICES``."""
    found: dict[str, str] = {}
    for offering, instances in (json.loads(vcap_services) if vcap_services else {}).items():
        for instance in instances:
            credentials = instance.get("credentials") or {}
            if offering == "user-provided":
                found |= {name: str(value) for name, value in credentials.items() if name in VARIABLES}
            elif "rds" in offering and "uri" in credentials:
                found["DATABASE_URL"] = credentials["uri"]
            elif "redis" in offering:
                found["REDIS_URL"] = _redis_url(credentials)
    return found


def _redis_url(credentials: dict[str, Any]) -> str:
    given = str(credentials.get("uri", ""))
    host, port = credentials.get("hostname") or credentials.get("host"), credentials.get("port", 6379)
    if not given and host:
        given = f"rediss://:{credentials.get('password', '')}@{host}:{port}/0"
    # Brokers of managed Redis hand out redis:// although only TLS is served.
    return given.replace("redis://", "rediss://", 1) if given.startswith("redis://") else given
