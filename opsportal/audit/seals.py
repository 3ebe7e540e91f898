"""The seal under the trail's head, keyed with the site's secret (and, when checking, with those before
it).
"""

from django.conf import settings

from opsportal.audit.models import GENESIS, Entry, Head
from opsportal.kit.crypto import derived_key, seal, seal_holds

_PURPOSE = "audit head"


def put_seal(head: Head) -> str:
    """The seal that belongs under ``head`` as it is now."""
    return seal(derived_key(settings.SECRET_KEY, _PURPOSE), head.sealed_message())


def is_sealed(head: Head) -> bool:
    """Whether the seal holds. A head that was never moved has none, and no entry beside it."""
    if head.number == 0 and not head.seal:
        return head.hash == GENESIS and head.broken_at is None and not Entry.objects.exists()
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(
        seal_holds(derived_key(str(secret), _PURPOSE), head.sealed_message(), head.seal) for secret in secrets
    )
