"""Views of operations."""

from django.http import HttpRequest, HttpResponse

from opsportal.accounts.gates import signed_in


@signed_in
def history(request: HttpRequest) -> HttpResponse:
    """Every operation."""
    return HttpResponse("")
