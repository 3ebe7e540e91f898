"""`python -m opsportal.demo.prepare`: the tables, the people and a first look at the repository.

The people's password is in the environment, as DEMO_PASSWORD. Safe to run again.
"""

from __future__ import annotations

import os
import sys

import django
from django.core.management import call_command


def main() -> None:
    """Bring the database up to date, then fill what is missing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.config.settings")
    django.setup()
    from opsportal.demo import people, tickets  # noqa: PLC0415  models need Django
    from opsportal.environments.tasks import refresh_repository  # noqa: PLC0415

    call_command("migrate", verbosity=0, interactive=False)
    _say("The database is up to date")
    if made := people.seed(os.environ["DEMO_PASSWORD"]):
        _say(f"Made {made} people")
    refresh_repository()
    if owned := people.hand_over_sandboxes():
        _say(f"Handed {owned} sandboxes to their owners")
    if reported := tickets.seed():
        _say(f"Reported {reported} bugs")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
