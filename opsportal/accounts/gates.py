"""Gates in front of views. Every view wears one; a house test reads which (:func:`authorisation_of`)."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url

from opsportal.accounts.models import Person
from opsportal.accounts.queries import require
from opsportal.accounts.rules import Place, Refused

__all__ = ["Refused", "allow_anonymous", "authorisation_of", "permitted", "person_of", "signed_in"]

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
AnyView = Callable[..., HttpResponseBase]


def signed_in(view: View[P]) -> View[P]:
    """Only for people who signed in. Others are sent to the sign-in page and come back afterwards."""

    @wraps(view)
    def gate(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _send_to_sign_in(request)
        return view(request, *args, **kwargs)

    return _marked(gate, "signed in")


def permitted(
    permission: str, place: Callable[..., Place | None] | None = None
) -> Callable[[View[P]], View[P]]:
    """Only for people with ``permission``; ``place(request, **url arguments)`` says where, when that matters.

    A refusal is raised as :class:`Refused` and answered 403 with its reason and who can. Actions ask the
    rules again: this gate only keeps pages shut.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def gate(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _send_to_sign_in(request)
            where = place(request, *args, **kwargs) if place is not None else None
            require(request.user, permission, where)
            return view(request, *args, **kwargs)

        return _marked(gate, f"permission {permission}")

    return decorate


def allow_anonymous(reason: str) -> Callable[[View[P]], View[P]]:
    """For everybody, signed in or not; ``reason`` says why that does no harm, and is kept on the
    allow-list.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def gate(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return view(request, *args, **kwargs)

        return _marked(gate, f"anonymous: {reason}")

    return decorate


def authorisation_of(view: AnyView) -> str:
    """Which gate a view of the URL configuration wears; empty when it wears none."""
    return str(getattr(view, "authorised", ""))


def person_of(request: HttpRequest) -> Person:
    """The person signed in, behind a gate. Raises TypeError in a view that forgot its gate."""
    if isinstance(request.user, Person) and request.user.is_authenticated:
        return request.user
    raise TypeError("Nobody is signed in: this view needs a gate.")


def _marked(gate: View[P], authorised: str) -> View[P]:
    gate.authorised = authorised  # type: ignore[attr-defined]
    return gate


def _send_to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """To the sign-in page and back; a fragment's request makes the whole page go there, not the fragment."""
    back = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": resolve_url(settings.LOGIN_URL)})
    return redirect_to_login(back) if back else redirect_to_login(resolve_url(settings.LOGIN_REDIRECT_URL))
