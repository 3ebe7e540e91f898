"""Django's settings, made from :mod:`opsportal.config.environment`. Typed, and checked at start."""

from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from opsportal.config.environment import BASE_DIR, data_directory, read
from opsportal.config.working_time import working_time

_read = read()
DATA_DIR = data_directory()
DATA_DIR.mkdir(parents=True, exist_ok=True)

DEBUG: bool = _read["DEBUG"]
CF_IS_LOCAL: bool = _read["CF_IS_LOCAL"]


def _secret_key() -> str:
    """The secret given, or one kept in the data directory where there is no production to protect."""
    if _read["SECRET_KEY"]:
        return str(_read["SECRET_KEY"])
    if _read["DATABASE_URL"].startswith("postgres") and not CF_IS_LOCAL:
        raise ImproperlyConfigured(
            "SECRET_KEY is required. Set it, or bind opsportal-credentials that holds it."
        )
    kept = DATA_DIR / "secret-key"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(get_random_secret_key())
    return kept.read_text()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS: list[str] = _read["ALLOWED_HOSTS"]
PUBLIC_URL: str = _read["PUBLIC_URL"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "csp",
    "axes",
    "opsportal.kit",
    "opsportal.audit",
    "opsportal.accounts",
    "opsportal.notifications",
    "opsportal.environments",
    "opsportal.operations",
    "opsportal.logs",
    "opsportal.bugs",
    "opsportal.dashboard",
    "opsportal.runbooks",
    "opsportal.localcloud",
]
AUTH_USER_MODEL = "accounts.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "opsportal.config.urls"
WSGI_APPLICATION = "opsportal.config.wsgi.application"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "opsportal.kit.addresses.AddressMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "opsportal.accounts.middleware.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["opsportal.kit.templatetags.portal", "template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "opsportal.dashboard.context.portal",
            ],
        },
    }
]

# --- database -----------------------------------------------------------------------------------------------


def _database(url: str) -> dict[str, Any]:
    """SQLite in WAL with IMMEDIATE transactions (no "database is locked"), or PostgreSQL."""
    parsed: dict[str, Any] = environ.Env.db_url_config(url or f"sqlite:///{DATA_DIR / 'opsportal.sqlite3'}")
    if parsed["ENGINE"].endswith("sqlite3"):
        parsed["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    else:
        # A hundred threads a process would keep a hundred connections; a small database allows fewer.
        parsed["CONN_MAX_AGE"] = 0
    return parsed


DATABASES = {"default": _database(_read["DATABASE_URL"])}

# --- broker, cache, live events -----------------------------------------------------------------------------

REDIS_URL: str = _read["REDIS_URL"]
if "ssl_cert_reqs" in REDIS_URL:
    raise ImproperlyConfigured("REDIS_URL must not carry ssl_cert_reqs: the certificate is always checked.")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
if REDIS_URL.startswith("rediss://"):
    CELERY_BROKER_USE_SSL = {"ssl_cert_reqs": "required"}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Rows are the truth: a bell lost with a worker is rung again by the sweep; these only bound the delay.
    "visibility_timeout": 120,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
#: Tasks beside the modules called tasks, which are found by themselves.
CELERY_IMPORTS = ["opsportal.bugs.tasks_leads"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    # What a person waits for; the rest must never stand before it.
    "operations.advance": {"queue": "operations"},
    "environments.answer_comparison": {"queue": "operations"},
    "operations.ring_due": {"queue": "default"},
    "operations.follow_pushes": {"queue": "default"},
    "operations.run_schedules": {"queue": "default"},
    "environments.*": {"queue": "default"},
    "logs.*": {"queue": "default"},
    "notifications.*": {"queue": "default"},
    "bugs.*": {"queue": "default"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "ring for due operations": {"task": "operations.ring_due", "schedule": 2.0, "options": {"expires": 10}},
    "run what is scheduled": {
        "task": "operations.run_schedules",
        "schedule": 15.0,
        "options": {"expires": 30},
    },
    "follow pushes": {"task": "operations.follow_pushes", "schedule": 5.0, "options": {"expires": 15}},
    "refresh the repository": {
        "task": "environments.refresh_repository",
        "schedule": _read["GIT_REFRESH_SECONDS"],
        "options": {"expires": 30},
    },
    "refresh environments": {
        "task": "environments.refresh_due",
        "schedule": min(5.0, _read["ENVIRONMENT_REFRESH_SECONDS"]),
        "options": {"expires": 10},
    },
    "send messages": {"task": "notifications.send_due", "schedule": 2.0, "options": {"expires": 10}},
    "forget old messages": {
        "task": "notifications.forget_old",
        "schedule": 3600.0,
        "options": {"expires": 300},
    },
    "follow GitHub": {
        "task": "bugs.follow_github",
        "schedule": _read["GITHUB_REFRESH_SECONDS"],
        "options": {"expires": 30},
    },
    "look after leads": {"task": "bugs.look_after_leads", "schedule": 30.0, "options": {"expires": 60}},
    "read logs": {"task": "logs.collect_due", "schedule": 1.0, "options": {"expires": 5}},
    "forget old log entries": {"task": "logs.forget_old", "schedule": 600.0, "options": {"expires": 300}},
}

# --- sign-in and browser security ---------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "dashboard:home"
TRUSTED_PROXY_COUNT: int = _read["TRUSTED_PROXY_COUNT"]
AXES_HANDLER = "axes.handlers.cache.AxesCacheHandler"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "opsportal.accounts.client_address.client_address"
AXES_LOCKOUT_CALLABLE = "opsportal.accounts.views.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # attempts are counted in the cache: its tables stay empty

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(_read["SECURE_COOKIES"]) and PUBLIC_URL.startswith(
    "https://"
)
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC_URL.startswith("https://") else 0
SECURE_SSL_REDIRECT = False  # the platform's router does it
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}

# --- static files, time, language ---------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "opsportal.kit.static_files.StaticFiles"
        if (STATIC_ROOT / "staticfiles.json").exists() and not DEBUG
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
LANGUAGE_CODE = "en-us"
USE_TZ = True
TIME_ZONE: str = _read["TIME_ZONE"]

# --- the product's own --------------------------------------------------------------------------------------

GIT_REPOSITORY_URL: str = _read["GIT_REPOSITORY_URL"]
GIT_TOKEN: str = _read["GIT_TOKEN"]
COMMIT_URL: str = _read["COMMIT_URL"]
GITHUB_REPOSITORY: str = _read["GITHUB_REPOSITORY"]
if GITHUB_REPOSITORY and not all(GITHUB_REPOSITORY.partition("/")):
    raise ImproperlyConfigured("GITHUB_REPOSITORY is a repository's owner and name, as owner/name.")
GITHUB_TOKEN: str = _read["GITHUB_TOKEN"]
GITHUB_API_URL: str = _read["GITHUB_API_URL"]
GITHUB_WEB_URL: str = _read["GITHUB_WEB_URL"].rstrip("/")
GITHUB_REFRESH_SECONDS: float = _read["GITHUB_REFRESH_SECONDS"]
GITHUB_MIRROR_ISSUES: bool = _read["GITHUB_MIRROR_ISSUES"]
MANIFEST_PATTERN: str = _read["MANIFEST_PATTERN"]
APP_NAME_PATTERN: str = _read["APP_NAME_PATTERN"]
CF_API_URL: str = _read["CF_API_URL"]
CF_USERNAME: str = _read["CF_USERNAME"]
CF_PASSWORD: str = _read["CF_PASSWORD"]
CF_ORGANIZATION: str = _read["CF_ORGANIZATION"]
CF_SPACE_PATTERN: str = _read["CF_SPACE_PATTERN"]
ROUTE_URL: str = _read["ROUTE_URL"]
ASSET_BUILD_COMMAND: str = _read["ASSET_BUILD_COMMAND"]
ASSET_BUILD_INPUTS: list[str] = _read["ASSET_BUILD_INPUTS"]
ASSET_BUILD_SECONDS: int = _read["ASSET_BUILD_SECONDS"]
ASSET_BUILD_MEMORY_MB: int = _read["ASSET_BUILD_MEMORY_MB"]
ASSET_BUILD_OUTPUT_MB: int = _read["ASSET_BUILD_OUTPUT_MB"]
ASSET_BUILD_ENV: list[str] = _read["ASSET_BUILD_ENV"]
MIGRATE_COMMAND: str = _read["MIGRATE_COMMAND"]
MIGRATIONS_PATTERN: str = _read["MIGRATIONS_PATTERN"]
DOCUMENTATION_PATTERNS: list[str] = _read["DOCUMENTATION_PATTERNS"]
TICKET_PREFIX: str = _read["TICKET_PREFIX"].strip().upper()
LEAD_MINUTES: int = _read["LEAD_MINUTES"]
WORKING_DAYS, WORKING_HOURS, DAYS_OFF = working_time(_read)
ATTACHMENT_MB: float = _read["ATTACHMENT_MB"]
STAGING_SECONDS: int = _read["STAGING_SECONDS"]
ROLLOUT_SECONDS: int = _read["ROLLOUT_SECONDS"]
TASK_SECONDS: int = _read["TASK_SECONDS"]
FLUSH_COMMAND: str = _read["FLUSH_COMMAND"]
LOAD_COMMAND: str = _read["LOAD_COMMAND"]
CACHE_TABLE_COMMAND: str = _read["CACHE_TABLE_COMMAND"]
CLEAR_SESSIONS_COMMAND: str = _read["CLEAR_SESSIONS_COMMAND"]
COPY_DATABASE_COMMAND: str = _read["COPY_DATABASE_COMMAND"]
DATABASE_NAME_PATTERN: str = _read["DATABASE_NAME_PATTERN"]
DATABASE_OFFERING: str = _read["DATABASE_OFFERING"]
DATABASE_PLAN: str = _read["DATABASE_PLAN"]
SERVICE_SECONDS: int = _read["SERVICE_SECONDS"]
DROPLET_MB: int = _read["DROPLET_MB"]
ENVIRONMENT_REFRESH_SECONDS: float = _read["ENVIRONMENT_REFRESH_SECONDS"]
OUTPUT_LINES_LIMIT: int = _read["OUTPUT_LINES_LIMIT"]
LOG_LOOK_SECONDS: float = _read["LOG_LOOK_SECONDS"]
LOG_IDLE_LOOK_SECONDS: float = _read["LOG_IDLE_LOOK_SECONDS"]
LOG_KEEP_DAYS: float = _read["LOG_KEEP_DAYS"]
LOG_KEEP_MB: int = _read["LOG_KEEP_MB"]
DASHBOARD_URL: str = _read["DASHBOARD_URL"]
LOG_STREAM_URL: str = _read["LOG_STREAM_URL"]
KIBANA_URL: str = _read["KIBANA_URL"]
SLACK_API_URL: str = _read["SLACK_API_URL"]
SLACK_TOKEN: str = _read["SLACK_TOKEN"]
SLACK_CHANNEL_DEV: str = _read["SLACK_CHANNEL_DEV"]
SLACK_CHANNEL_PRODUCT: str = _read["SLACK_CHANNEL_PRODUCT"]
SLACK_CHANNEL_ADMINS: str = _read["SLACK_CHANNEL_ADMINS"]
SLACK_MESSAGES_PER_MINUTE: int = _read["SLACK_MESSAGES_PER_MINUTE"]
NOTIFY_GIVE_UP_HOURS: float = _read["NOTIFY_GIVE_UP_HOURS"]
EMAIL_URL: str = _read["EMAIL_URL"]
DEFAULT_FROM_EMAIL = SERVER_EMAIL = str(_read["EMAIL_FROM"])
EMAIL_TIMEOUT = 10  # seconds: sending shares its worker with what people wait for
if EMAIL_URL:
    globals().update(environ.Env.email_url_config(EMAIL_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
STREAMS_PER_PROCESS: int = _read["STREAMS_PER_PROCESS"]
RUNBOOKS_DIR = BASE_DIR / "docs" / "runbooks"

# --- logging ------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": _read["LOG_FORMAT"]}},
    "root": {"handlers": ["console"], "level": _read["LOG_LEVEL"]},
    "loggers": {
        "axes": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
