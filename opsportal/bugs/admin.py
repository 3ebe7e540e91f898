"""GitHub in Django's admin: how far it was read, and what keeps it from being read. Looked at, never changed."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from opsportal.bugs.models import GitHubReading

if TYPE_CHECKING:
    _ReadingAdmin = admin.ModelAdmin[GitHubReading]
else:
    _ReadingAdmin = admin.ModelAdmin


@admin.register(GitHubReading)
class GitHubReadingAdmin(_ReadingAdmin):
    """One row for each repository that was ever read."""

    list_display = ("repository", "read_at", "problem", "remedy", "problem_since", "resting_until")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The worker makes it."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: GitHubReading | None = None) -> bool:
        """The worker writes it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: GitHubReading | None = None) -> bool:
        """It would only be read anew."""
        return False
