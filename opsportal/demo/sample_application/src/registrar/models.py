"""The registrar's records."""

from django.db import models


class Agency(models.Model):
    """A government organization that holds domains."""

    name = models.CharField(max_length=200, unique=True)
    city = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "agencies"

    def __str__(self) -> str:
        return self.name


class Domain(models.Model):
    """One .gov domain and how it stands."""

    class Status(models.TextChoices):
        READY = "ready", "Ready"
        DNS_NEEDED = "dns needed", "DNS needed"
        ON_HOLD = "on hold", "On hold"

    name = models.CharField(max_length=253, unique=True)
    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="domains")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DNS_NEEDED)
    expires_on = models.DateField(null=True, blank=True)
    security_contact = models.EmailField(blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
