"""Who cannot sign in for a while because a wrong password was given too often, and from where.

Attempts are counted in the cache, by name and address; the addresses to ask about are those that the trail names.
"""

from datetime import timedelta

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cache, get_client_cache_keys
from axes.models import AccessAttempt
from django.conf import settings
from django.utils import timezone

from opsportal.accounts.models import Person
from opsportal.audit.queries import origins

#: Whoever goes on guessing stays locked out: the entry about the first time may be older than the wait.
LOOKED_BACK = timedelta(days=30)


def locked_from(person: Person) -> list[str]:
    """The addresses from which this person cannot sign in now."""
    known = origins("person.lock_out", person.username, since=timezone.now() - LOOKED_BACK)
    return [
        address for address in known if _failures(person.username, address) >= settings.AXES_FAILURE_LIMIT
    ]


def lift(person: Person) -> list[str]:
    """Forget the wrong passwords, so that the person can sign in at once; the addresses it was for."""
    addresses = locked_from(person)
    for address in addresses:
        AxesProxyHandler.reset_attempts(username=person.username, ip_address=address)
    return addresses


def forget(person: Person, address: str) -> None:
    """Forget the wrong passwords from an address where the right one was given since."""
    AxesProxyHandler.reset_attempts(username=person.username, ip_address=address)


def _failures(username: str, address: str) -> int:
    keys = get_client_cache_keys(AccessAttempt(username=username, ip_address=address))
    return max((int(get_cache().get(key, default=0)) for key in keys), default=0)
