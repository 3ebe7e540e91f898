"""The ``cf`` lines that every other stands on: signing in, looking at a space, running a task."""

import shlex

from django.conf import settings

from opsportal.environments.models import Environment


def log_in(environment: Environment) -> list[str]:
    """Log in and look at the environment's space. The local cloud has passwords and no single sign-on page."""
    single_sign_on = () if settings.CF_IS_LOCAL else ("--sso",)
    return [line("cf", "login", "-a", settings.CF_API_URL, *single_sign_on), target(environment)]


def target(environment: Environment) -> str:
    """Look at the environment's space."""
    return line("cf", "target", "-o", settings.CF_ORGANIZATION, "-s", environment.space_name)


def task(environment: Environment, command: str, name: str, *sizes: str) -> str:
    """Run a task and wait for its end; the exit status of this line is not 0 when it failed."""
    return line(
        "cf", "run-task", environment.app_name, "--command", command, "--name", name, *sizes, "--wait"
    )


def logs(environment: Environment) -> str:
    """What it printed."""
    return line("cf", "logs", environment.app_name, "--recent")


def line(*words: str) -> str:
    """One line for a shell, each word quoted where it must be."""
    return shlex.join(words)
