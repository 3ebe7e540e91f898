"""Holding an environment and releasing it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.rules import Permission
from opsportal.environments import actions, holds
from opsportal.environments.forms import HoldForm
from opsportal.environments.models import Environment

BAD = 422


def _environment(name: str) -> Environment:
    found = Environment.objects.select_related("owner").filter(name=name).first()
    if found is None:
        raise Http404("There is no such environment.")
    return found


@permitted(Permission.SEE_ENVIRONMENTS)
@require_http_methods(["GET", "POST"])
def hold(request: HttpRequest, name: str) -> HttpResponse:
    """Hold an environment, or see who holds it, why, until when, who may pass, and who held it before."""
    environment, person = _environment(name), person_of(request)
    form = HoldForm(request.POST if request.method == "POST" else None, label_suffix="")
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            actions.hold(
                environment=environment,
                reason=said["reason"],
                by=person,
                ends_at=form.ends_at(),
                passes=said["passes"],
            )
        except actions.BadHold as bad:
            form.add_error(bad.field if bad.field in form.fields else None, str(bad))
        else:
            messages.success(request, f"{environment.name} is held.")
            return redirect("dashboard:environment", environment.name)
    standing = holds.active(environment)
    context = {
        "environment": environment,
        "form": form,
        "hold": standing,
        "words": holds.words(standing) if standing else "",
        "who_may_pass": holds.who_may_pass(standing) if standing else (),
        "may_release": holds.may_release(standing, person) if standing else None,
        "may_hold": holds.may_hold(environment, person),
        "earlier": environment.holds.exclude(pk=standing.pk if standing else 0)[:20],
    }
    status = BAD if request.method == "POST" else 200
    return render(request, "environments/hold.html", context, status=status)


@permitted(Permission.SEE_ENVIRONMENTS)
@require_POST
def release(request: HttpRequest, name: str) -> HttpResponseRedirect:
    """Release the hold that lies on an environment."""
    environment = _environment(name)
    standing = holds.active(environment)
    if standing is None:
        messages.info(request, f"Nobody holds {environment.name} any more.")
    else:
        actions.release(hold=standing, by=person_of(request), reason=request.POST.get("reason", ""))
        messages.success(request, f"{environment.name} is released.")
    return redirect("dashboard:environment", environment.name)
