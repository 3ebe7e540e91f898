"""The application "audit": the append-only trail."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Who did what, when, from where, why, with what result; nobody can edit it."""

    name = "opsportal.audit"
    verbose_name = "Audit trail"
