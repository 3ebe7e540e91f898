"""`manage.py load`: the example agencies and domains."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from registrar.models import Agency, Domain

FIXTURES = ("agencies", "domains")


class Command(BaseCommand):
    """Loads every fixture; loading twice leaves one of each."""

    help = "Load the example agencies and domains."

    def handle(self, *args: Any, **options: Any) -> None:
        for fixture in FIXTURES:
            self.stdout.write(f"Loading {fixture}")
            call_command("loaddata", fixture, verbosity=0)
        self.stdout.write(f"Loaded {Agency.objects.count()} agencies and {Domain.objects.count()} domains.")
