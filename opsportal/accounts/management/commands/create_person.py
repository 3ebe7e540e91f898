"""manage.py create_person: the first admin of a new portal, or anybody from a shell."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from opsportal.accounts.actions import create_person
from opsportal.accounts.models import Role
from opsportal.accounts.queries import SERVICE
from opsportal.audit import origin


class Command(BaseCommand):
    """Makes a person through the same action as the admin's form; the trail says it came from a shell."""

    help = (
        "Makes a person with roles. The password is asked for, or read as one line when there is no terminal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options."""
        parser.add_argument("username")
        parser.add_argument("--name", required=True, help="display name")
        parser.add_argument("--email", default="")
        parser.add_argument("--time-zone", default="", help="empty: the team's")
        parser.add_argument("--role", action="append", default=[], choices=Role.values, dest="roles")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the person."""
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            with origin.told("shell"):
                person = create_person(
                    username=options["username"],
                    name=options["name"],
                    email=options["email"],
                    time_zone=options["time_zone"],
                    roles=options["roles"],
                    password=password,
                    by=SERVICE,
                    reason=f"manage.py create_person, run by {getpass.getuser()}",
                )
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from error
        self.stdout.write(f"{person.name} can sign in as {person.username}.")
