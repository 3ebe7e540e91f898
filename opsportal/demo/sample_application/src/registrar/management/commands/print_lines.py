"""`manage.py print_lines 100000`: many numbered lines, to see that a log keeps them all and in order."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Prints `line 1` to `line N`."""

    help = "Print numbered lines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("count", type=int, help="how many lines")

    def handle(self, *args: Any, **options: Any) -> None:
        for number in range(1, options["count"] + 1):
            self.stdout.write(f"line {number}")
