"""Log lines as people read them, or one JSON object a line as Kibana reads them (DJANGO_LOG_FORMAT)."""

import json
import logging
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """One record, one line of JSON; a traceback stays inside its record."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def configuration(level: str, form: str) -> dict[str, object]:
    """The LOGGING setting for a level (`INFO`) and a form (`console` or `json`)."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "console": {"format": "[{asctime}] {levelname} [{name}] {message}", "style": "{"},
            "json": {"()": "registrar.config.logs.JsonFormatter"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {"django": {"handlers": [], "level": level, "propagate": True}},
    }
