"""``manage.py localcloud``: a small Cloud Foundry on this machine."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from opsportal.localcloud.command import add_arguments, run


class Command(BaseCommand):
    """Serve until SIGTERM or Ctrl-C."""

    help = "Run a small Cloud Foundry on this machine: API, sign-in, logs, router and the applications themselves."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """As ``python -m opsportal.localcloud``."""
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it, and exit with its code."""
        sys.exit(run(options["data_dir"], options["host"], options["port"], options["estate"]))
