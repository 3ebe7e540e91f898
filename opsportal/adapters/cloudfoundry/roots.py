"""The places that the API's own root names: only these ever see the token."""

from dataclasses import dataclass

from opsportal.adapters.cloudfoundry.wire import Fields, Malformed
from opsportal.kit.http import origin


@dataclass(frozen=True)
class Roots:
    """Where to sign in, where the logs are, and all origins (scheme, host, port) that may be trusted."""

    login: str
    log_cache: str | None
    trusted: frozenset[tuple[str, str, int]]

    @classmethod
    def read(cls, fields: Fields, api_url: str) -> "Roots":
        """Read ``GET /`` (cf-api §1.1). Raises Malformed; also when it leads from https down to http."""
        links = fields.within("links")
        names = ("cloud_controller_v3", "login", "uaa", "log_cache")
        hrefs = {name: links.within(name).maybe_text("href") for name in names}
        login = hrefs["login"] or hrefs["uaa"]
        if not login:
            raise Malformed("the API's root names no place to sign in")
        trusted = {_place(name, href, api_url) for name, href in hrefs.items() if href}
        return cls(login, hrefs["log_cache"], frozenset(trusted | {origin(api_url)}))


def _place(name: str, href: str, api_url: str) -> tuple[str, str, int]:
    """Give a link's origin; it may not be less private than the API itself."""
    try:
        place = origin(href)
    except ValueError:
        raise Malformed(f"links.{name}.href is not an address") from None
    if origin(api_url)[0] == "https" and place[0] != "https":
        raise Malformed(f"links.{name}.href leads from https down to http")
    return place
