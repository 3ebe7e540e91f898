"""The pages for what nobody expected. They need neither database nor session nor broker to be shown."""

import sys

import redis
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

#: What means "not ready", not "broken": it passes by itself.
PASSING = (OperationalError, InterfaceError, redis.ConnectionError, redis.TimeoutError)
RETRY_SECONDS = 30


def server_error(request: HttpRequest) -> HttpResponse:
    """503 when the database or the broker does not answer, else 500. Django's ``handler500``."""
    passing = isinstance(sys.exc_info()[1], PASSING)
    status = 503 if passing else 500
    response = HttpResponse(_page(f"{status}.html"), status=status)
    if passing:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _page(name: str) -> str:
    try:
        return str(get_template(name).render())
    except (TemplateDoesNotExist, ValueError):  # ValueError: the static files were never collected
        return "The portal stumbled. What was under way goes on; reload in a moment."
