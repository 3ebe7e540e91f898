"""The one Celery application. It carries ids only; rows are the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.config.settings")

app = Celery("opsportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Threads of a web process look for the current application in themselves, then for the default one.
app.set_default()
app.autodiscover_tasks()
