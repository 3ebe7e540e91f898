"""Settings of getgov, read from the environment that the platform gives."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

import environ

from registrar.config import logs, platform

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

ENVIRONMENT = platform.environment_name()
GIT_COMMIT_SHA = env.str("GIT_COMMIT_SHA", default="")
GIT_TAG = env.str("GIT_TAG", default="")
GIT_BRANCH = env.str("GIT_BRANCH", default="")
IS_PRODUCTION = env.bool("IS_PRODUCTION", default=False)

# Without the bound credentials every start gets a key of its own: sessions then end with the process.
SECRET_KEY = platform.credentials("getgov-credentials").get("DJANGO_SECRET_KEY") or secrets.token_urlsafe(50)
DEBUG = False

BASE_URL = env.str("DJANGO_BASE_URL", default="http://localhost:8080")
ALLOWED_HOSTS = [urlsplit(BASE_URL).hostname or "localhost", ".localhost", "127.0.0.1"]

INSTALLED_APPS = ["django.contrib.sessions", "django.contrib.staticfiles", "registrar"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
]
ROOT_URLCONF = "registrar.config.urls"
WSGI_APPLICATION = "registrar.config.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'getgov.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_table"}}

STATIC_URL = "public/"
STATIC_ROOT = BASE_DIR / "public"
# Made by build_assets.py before the application is uploaded.
STATICFILES_DIRS = [folder for folder in [BASE_DIR / "registrar" / "assets"] if folder.is_dir()]

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

LOGGING = logs.configuration(
    level=env.str("DJANGO_LOG_LEVEL", default="INFO").strip(),
    form=env.str("DJANGO_LOG_FORMAT", default="console").strip(),
)
