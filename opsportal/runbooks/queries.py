"""What a runbook's page shows for one environment and one person."""

from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from opsportal.accounts.models import Person
from opsportal.environments.models import Environment
from opsportal.operations import offers, registry
from opsportal.runbooks import library
from opsportal.runbooks.filling import fill
from opsportal.runbooks.library import Group, Runbook
from opsportal.runbooks.rendering import Button, Filling, Rendered, render

#: ``[page: name]`` → its words and address; each is a page of one environment.
PAGES: Final = {
    "environment": ("The page of {environment}", "dashboard:environment"),
    "hold": ("Hold {environment}", "environments:hold"),
    "logs": ("Logs of {environment}", "logs:search"),
    "shell": ("Shell lines for {environment}", "logs:shell"),
    "history": ("What was done on {environment}", "operations:history"),
}
#: Where an environment is chosen on the page.
CHOOSE = "#choose-environment"


def address(kind_name: str, environment_name: str = "") -> str:
    """The page of a kind's runbook, for an environment; empty when there is no such kind, or it has no runbook."""
    kind = registry.kind(kind_name)
    name = kind.runbook.rpartition("/")[2].removesuffix(".md") if kind else ""
    return page_address(name, environment_name) if library.find(name) else ""


def page_address(name: str, environment_name: str = "") -> str:
    """The page of a runbook, for an environment."""
    return reverse("runbooks:runbook", args=[name]) + _asking(environment_name)


def index_address(environment_name: str = "") -> str:
    """The list of runbooks, for an environment."""
    return reverse("runbooks:index") + _asking(environment_name)


def environment_names() -> list[str]:
    """The environments that a runbook can be filled in for, by name."""
    return list(Environment.objects.values_list("name", flat=True).order_by("name"))


def environment_named(name: str) -> Environment | None:
    """The environment of that name; None when there is none."""
    return Environment.objects.select_related("owner").filter(name=name).first()


def names(environment: Environment | None) -> dict[str, str]:
    """Placeholder → value. What belongs to no environment is known without one."""
    everywhere = {"organization": settings.CF_ORGANIZATION, "api": settings.CF_API_URL}
    if environment is None:
        return everywhere
    return everywhere | {
        "environment": environment.name,
        "app": environment.app_name,
        "space": environment.space_name,
        "database": database(environment.app_name, environment.services),
        "manifest": str(settings.MANIFEST_PATTERN).format(environment=environment.name),
        "route": environment.routes[0] if environment.routes else "",
    }


def database(app: str, services: Iterable[str]) -> str:
    """The database service bound to an application, else what it is called by custom (product.md, The world)."""
    return next((name for name in services if name.endswith("-database")), f"{app}-database")


def entries(group: Group, environment: Environment | None) -> list[tuple[str, str, str]]:
    """A group of the list: (title, what it is for, address) of each runbook, filled in for ``environment``."""
    known, name = names(environment), environment.name if environment else ""
    return [
        (fill(each.title, known), fill(each.purpose, known), page_address(each.name, name))
        for each in group.runbooks
    ]


def page(runbook: Runbook, environment: Environment | None, person: Person) -> Rendered:
    """A runbook as ``person`` sees it for ``environment``: names filled in, buttons that they may press."""
    return render(
        for_this_platform(runbook.source),
        Filling(
            names=names(environment),
            button=lambda kind: _button(kind, environment, person),
            page=lambda name: _page(name, environment),
            link=lambda href: link(href, environment.name if environment else ""),
        ),
    )


def for_this_platform(source: str) -> str:
    """A file's words for the platform at hand: the local cloud has passwords and no single sign-on."""
    return source.replace("cf login -a {api} --sso", "cf login -a {api}") if settings.CF_IS_LOCAL else source


def link(href: str, environment_name: str = "") -> str:
    """Where a link of a file leads in the portal: other runbooks here, addresses as they are, the rest nowhere."""
    if href.startswith(("http://", "https://", "#")):
        return href
    path, _, anchor = href.partition("#")
    name, fragment = path.removesuffix(".md"), f"#{anchor}" if anchor else ""
    if name == library.INDEX:
        return index_address(environment_name)
    return page_address(name, environment_name) + fragment if library.find(name) else ""


def _button(kind_name: str, environment: Environment | None, person: Person) -> Button | None:
    kind = registry.kind(kind_name)
    if kind is None:
        return None
    if environment is None:
        return Button(f"{kind.title}: choose an environment first", CHOOSE)
    verdict = offers.verdict(kind, environment, person)
    label = kind.title_at(environment.name)
    if not verdict:
        return Button(label, why_not=verdict.sentence)
    return Button(f"{label}…", offers.address(kind, environment), danger=offers.group_of(kind) == "danger")


def _page(name: str, environment: Environment | None) -> Button | None:
    if name not in PAGES:
        return None
    words, view = PAGES[name]
    if environment is None:
        return Button(f"{words.format(environment='an environment')}: choose one first", CHOOSE)
    label = words.format(environment=environment.name)
    if name == "history":
        return Button(label, reverse(view) + _asking(environment.name))
    try:
        return Button(label, reverse(view, args=[environment.name]))
    except NoReverseMatch:  # a portal without that package
        return None


def _asking(environment_name: str) -> str:
    return f"?{urlencode({'environment': environment_name})}" if environment_name else ""
