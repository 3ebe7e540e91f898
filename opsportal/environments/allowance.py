"""How much memory the organization may use and uses, read now and then by workers and kept for pages."""

from dataclasses import asdict

from django.conf import settings
from django.core.cache import cache

from opsportal.adapters.cloudfoundry import CloudFoundryError, Foundation, MemoryAllowance

_KEY, _READ = "memory-allowance", "memory-allowance-read"
#: Seconds between two readings, and seconds for which one is shown.
EVERY, KEPT = 900, 24 * 3600


def known() -> MemoryAllowance | None:
    """As a worker last read it; None when none has, lately, or none may. Nothing is asked."""
    kept = cache.get(_KEY)
    return MemoryAllowance(**kept) if kept else None


def read(cf: Foundation) -> MemoryAllowance | None:
    """Read it now and keep it; None where the portal's account may not."""
    try:
        organization = cf.organization(settings.CF_ORGANIZATION)
        found = cf.memory_allowance(organization.guid) if organization else None
    except CloudFoundryError:
        return None
    if found is not None:
        cache.set(_KEY, asdict(found), timeout=KEPT)
    return found


def read_now_and_then(cf: Foundation) -> None:
    """Read it unless some worker has done so lately."""
    if cache.add(_READ, 1, timeout=EVERY):
        read(cf)
