"""What the page of one environment says: is it well, what runs, what can I do (pages.md, Environment)."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from opsportal.accounts import queries as accounts
from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Permission
from opsportal.environments import holds
from opsportal.environments import queries as environments
from opsportal.environments.queries import Environment, EnvironmentKind, Health
from opsportal.environments.rules import Witnesses, drift
from opsportal.kit import wording
from opsportal.operations import equal_lines, offers, report, under_way
from opsportal.operations import queries as operations
from opsportal.operations.queries import State

HISTORY_SHOWN = 15
PUSHES_SHOWN = 5
MEGABYTE = 1_048_576


@dataclass(frozen=True)
class Witness:
    """One of the three: what it says, where that is read, and whether it differs from the others."""

    name: str
    commit: str
    about: str
    differs: bool
    agrees: bool


def context(name: str, person: Person) -> dict[str, Any] | None:
    """The template's context; None when there is no such environment."""
    found = environments.find(name)
    if found is None:
        return None
    hold = holds.active(found)
    history = operations.history_of(found, HISTORY_SHOWN)
    return {
        "environment": found,
        "address": found.routes[0] if found.routes and found.instances_running else "",
        "last_failed": history[0] if history and history[0].state == State.FAILED else None,
        "answer": answer(found),
        "witnesses": witnesses(found),
        "instances": [_instance(each) for each in found.instances] if found.instances_wanted else [],
        "queue": under_way.of_environment(found),
        "history": [(each, report.took(each)) for each in history],
        "may_deploy": accounts.may(person, Permission.DEPLOY, operations.place_of(found)),
        "groups": offers.for_environment(found, person),
        "hold": hold,
        "hold_words": holds.words(hold) if hold else "",
        "pushes": operations.pushes_to(found, PUSHES_SHOWN),
        "what_comes": what_comes(found),
        "deploy_url": reverse("operations:deploy", args=[found.name]),
        "lines": "\n".join(equal_lines.look(found)),
    }


def answer(environment: Environment) -> str:
    """The headline sentence: how it is, what runs, since when, by whom."""
    runs = environment.app_commit or environment.platform_commit or environment.deployed_commit
    ref = environment.platform_ref or environment.deployed_ref
    if not environment.app_guid:
        return (
            "Nothing was deployed there yet."
            if environment.refreshed_at
            else "The portal has not looked there yet."
        )
    held = f"{ref} ({runs[:8]})" if ref and runs else ref or runs[:8] or "an unnamed version"
    name = environment.name if environment.is_sandbox else environment.name.capitalize()
    return f"{name} {_how(environment, held, known=bool(ref or runs))}."


def _how(environment: Environment, held: str, *, known: bool) -> str:
    """How it is, after its name. ``held``: what it runs or would run, as far as that is ``known``."""
    wanted, running = environment.instances_wanted, environment.instances_running
    few = f"{running} of {wording.count(wanted, 'instance')} {'runs' if running == 1 else 'run'}"
    well = "its one instance is up" if wanted == 1 else f"all {wanted} instances are up"
    match environment.health:
        case Health.HEALTHY:
            return f"runs {held}; {well}"
        case Health.DEGRADED if running < wanted:
            return f"runs {held}, but only {few}"
        case Health.DEGRADED:
            return f"runs {held}; {well}, but the application does not answer well"
        case Health.DOWN:
            return f"should run {held}, but {'its instance is not' if wanted == 1 else 'no instance is'} up"
        case Health.STOPPED:
            return (
                f"is stopped; it holds {held}" if known else "is stopped; which version it holds is not known"
            )
        case _:
            return f"last ran {held}; how it is now is not known" if known else "could not be looked at yet"


def what_comes(environment: Environment) -> str:
    """What brings a new version where no person may; empty for sandboxes. Says only what this portal does."""
    if environment.is_sandbox:
        return ""
    if environment.kind == EnvironmentKind.DEVELOPMENT:
        head = environments.head()
        branch = head.branch if head else "main"
        return (
            f"The portal deploys every push to {branch} here by itself, but for pushes that change only documentation. "
            f"To bring a change here, merge it to {branch}."
        )
    return (
        "Only tagged releases come here. The portal does not cut releases yet: until it does, no new version arrives "
        "here through it."
    )


def witnesses(environment: Environment) -> list[Witness]:
    """Git, the platform, the application: their commits, and which differ (product.md, Environments)."""
    said = Witnesses(environment.deployed_commit, environment.platform_commit, environment.app_commit)
    found = drift(said)
    about = {
        "git": environment.deployed_ref or "what the portal last deployed",
        "platform": environment.platform_ref or "the droplet and its variables",
        "app": environment.app_ref or "what /version answers",
    }
    titles = {"git": "Git", "platform": "Platform", "app": "Application"}
    several = sum(map(bool, vars(said).values())) > 1
    return [
        Witness(titles[name], commit, about[name], found.drifted and name in found.differs, several)
        for name, commit in vars(said).items()
    ]


def _instance(seen: dict[str, Any]) -> dict[str, Any]:
    """One instance in words: its state, age, processor and memory."""
    uptime, cpu, memory = seen.get("uptime_s"), seen.get("cpu"), seen.get("memory_bytes")
    states = {"RUNNING": "healthy", "CRASHED": "down", "STARTING": "waiting", "DOWN": "down"}
    return {
        "index": seen.get("index"),
        "state": states.get(str(seen.get("state")), "not_known"),
        "word": str(seen.get("state", "")).capitalize(),
        "words": ", ".join(
            words
            for words, known in (
                (f"{wording.duration(uptime or 0)} old", uptime),
                (f"{(cpu or 0) * 100:.0f} % processor", cpu is not None),
                (f"{(memory or 0) // MEGABYTE:,} MB", memory),
            )
            if known
        ),
        "details": seen.get("details") or "",
    }
