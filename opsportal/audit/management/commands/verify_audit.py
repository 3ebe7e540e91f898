"""manage.py verify_audit: is the audit trail whole?"""

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from opsportal.audit.management.readiness import require_tables
from opsportal.audit.queries import verify


def anchor(text: str) -> tuple[int, str]:
    """``NUMBER:HASH`` as an earlier run printed it."""
    number, colon, digest = text.partition(":")
    if not colon or not number.isdecimal() or not digest:
        raise ArgumentTypeError("NUMBER:HASH is wanted, as an earlier run printed it")
    return int(number), digest


class Command(BaseCommand):
    """Exits 0 when nobody tampered with the trail, 1 with the number and kind of the first problem, 2 when
    there is no trail to read.
    """

    help = (
        "Walks the audit trail's chain of hashes and says whether anybody changed, removed or added an entry."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options."""
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--anchor",
            type=anchor,
            metavar="NUMBER:HASH",
            help="number and hash noted from an earlier run, kept outside this database",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and print."""
        require_tables()
        found = verify(options["anchor"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found), sort_keys=True))
        elif found.first_problem is None:
            self.stdout.write(
                f"The audit trail is whole: {found.entries} entries. Anchor: {found.number}:{found.hash}"
            )
        else:
            problem = found.first_problem
            self.stdout.write(
                f"The audit trail is NOT whole. {problem.kind} at entry {problem.number}: {problem.words}"
            )
        if not found.ok:
            raise SystemExit(1)
