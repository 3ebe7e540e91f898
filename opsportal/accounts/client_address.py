"""The address a request came from, believing only the proxies in front of us."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"


def client_address(request: HttpRequest) -> str:
    """The right-most address that was not added by one of our ``TRUSTED_PROXY_COUNT`` proxies.

    Each proxy appends whom it heard from to ``X-Forwarded-For``; what stands further left was written by the
    client and may be a lie. "unknown" when there is no address at all (a Unix socket).
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    hops = [*(hop.strip() for hop in forwarded if hop.strip()), request.META.get("REMOTE_ADDR", "")]
    trusted = min(settings.TRUSTED_PROXY_COUNT, len(hops) - 1)
    for hop in hops[len(hops) - 1 - trusted :]:
        if address := _address(hop):
            return address
    return UNKNOWN


def _address(text: str) -> str:
    """An address without its port, in its shortest form; empty when it is none."""
    for candidate in (text, text.rpartition(":")[0].strip("[]"), text.strip("[]")):
        try:
            return str(ipaddress.ip_address(candidate))
        except ValueError:
            continue
    return ""
