"""`manage.py fail`: ends badly on purpose, so that it can be seen how that is told."""

import os
import signal
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

SIGNALS = ("TERM", "KILL", "SEGV", "ABRT")


class Command(BaseCommand):
    """Ends with an exit status, by a signal, with a traceback, or not before a while."""

    help = "End with a traceback, or as told."

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--status", type=int, metavar="N", help="with this exit status")
        how.add_argument("--signal", choices=SIGNALS, help="by this signal")
        how.add_argument("--after", type=float, metavar="SECONDS", help="with status 1, after so long")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("This ends badly on purpose.")
        self.stdout.flush()
        if options["status"] is not None:
            sys.exit(options["status"])
        if options["signal"]:
            os.kill(os.getpid(), getattr(signal, f"SIG{options['signal']}"))
        if options["after"] is not None:
            time.sleep(options["after"])
            sys.exit(1)
        raise RuntimeError("This command fails on purpose, so that you can see what a failure looks like.")
