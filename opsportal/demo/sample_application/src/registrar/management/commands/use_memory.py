"""`manage.py use_memory 200`: takes so many MB and holds them for a moment; beyond its container's limit it is killed."""

import os
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

MEGABYTE = 1024 * 1024
STEP = 16


class Command(BaseCommand):
    """Takes memory step by step. Where nobody else enforces MEMORY_LIMIT it ends itself there, as the kernel would."""

    help = "Use memory, step by step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("megabytes", type=int, help="how much to take, in MB")

    def handle(self, *args: Any, **options: Any) -> None:
        limit = int(os.environ.get("MEMORY_LIMIT", "512m").rstrip("mM") or 512)
        held: list[bytearray] = []
        for taken in range(STEP, options["megabytes"] + STEP, STEP):
            if taken > limit:
                self.stdout.write(f"More than its {limit} MB of memory.")
                self.stdout.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            held.append(bytearray(STEP * MEGABYTE))
            self.stdout.write(f"{taken} MB")
        time.sleep(1)
