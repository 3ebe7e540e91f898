"""One address, one page: however it was typed, and whoever asks for the whole of it or a fragment."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import is_valid_path
from django.utils.cache import patch_vary_headers


class AddressMiddleware:
    """Keeps a fragment from being shown as a page, and leads on who typed a slash too many.

    A browser that goes back takes what it remembers of an address; htmx asks for fragments at the same address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as the rest does, with what the answer depends on; 302 instead of 404 where only the slash is wrong."""
        answer = self.get_response(request)
        if (
            answer.status_code == 404
            and request.method in {"GET", "HEAD"}
            and _is_page_without_slash(request)
        ):
            return HttpResponseRedirect(
                request.get_full_path().replace(request.path, request.path.rstrip("/"), 1)
            )
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(answer, ["HX-Request"])
        return answer


def _is_page_without_slash(request: HttpRequest) -> bool:
    shorter = request.path_info.rstrip("/")
    return (
        request.path_info.endswith("/")
        and len(shorter) > 1
        and not shorter.startswith("//")
        and bool(is_valid_path(shorter))
    )
