"""Settings, URLs, Celery and WSGI. Everything is wired together here; nobody imports from here."""

from opsportal.config.celery import app as celery_app

__all__ = ["celery_app"]
