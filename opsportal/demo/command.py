"""`bin/demo`: everything of the portal on this machine, from one command, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from opsportal.config.environment import RUNNING_DEMO, data_directory
from opsportal.demo import broker, lock, services
from opsportal.demo.estate import estate
from opsportal.demo.facts import banner, facts
from opsportal.demo.github import github_estate
from opsportal.demo.layout import Layout, NotOurs, Unusable, as_json, new_password, read_kept, write_private
from opsportal.demo.ports import Ports, PortTaken, choose, port_number, require_free
from opsportal.demo.repository import make_repository
from opsportal.demo.runner import Ended, Runner
from opsportal.demo.telling import telling_settings

BROKER, CLOUD, PORTAL = range(3)
"""The layers: each stands on the one before."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo. Answers 0 when it was asked to stop, else the exit status of what ended it."""
    options = _options(arguments)
    layout = Layout(Path(options.data_dir).resolve())
    try:
        return _run(layout, options, _occupy(layout, options.port))
    except (NotOurs, Unusable, OSError, lock.AlreadyRunning, PortTaken, broker.NoBroker) as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 2


def _occupy(layout: Layout, port: int | None) -> IO[str]:
    """Make the data directory ours, and hold its lock. A port that is taken leaves no new directory behind."""
    if not layout.root.exists():
        require_free(port)
    try:
        layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        layout.check(usual=services.REPOSITORY / "var")
        return lock.acquire(layout.lock)
    except OSError as trouble:
        why = (trouble.strerror or str(trouble)).lower()
        raise Unusable(
            f"{layout.root} cannot be used ({why}). Give --data-dir a directory that you can write to."
        ) from trouble


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    default = os.environ.get("OPSPORTAL_DATA_DIR") or str(services.REPOSITORY / "var")
    parser.add_argument(
        "--port",
        type=port_number,
        help="the portal's port, up to 65535; 0: any free one (default: 8000 if free)",
    )
    parser.add_argument(
        "--data-dir", default=default, help="where all state lies (default: var/ in the checkout)"
    )
    parser.add_argument("--reset", action="store_true", help="forget everything and begin anew")
    return parser.parse_args(arguments)


def _run(layout: Layout, options: argparse.Namespace, held: IO[str]) -> int:
    layout.facts.unlink(missing_ok=True)
    if options.reset:
        _say("Forgetting what earlier demos left")
        layout.forget()
    kept = _keep(layout, options.port)
    ports = Ports(kept["portal_port"], kept["cloud_port"])
    lock.note(held, ports.portal_url)
    for each in (layout.broker, layout.cloud):
        each.mkdir(exist_ok=True)
    _make_the_world(layout, kept)
    socket = broker.socket_in(layout.broker)
    redis_url = os.environ.get("REDIS_URL") or broker.url(socket)
    settings = services.portal_settings(layout, ports, redis_url, kept["service_password"])
    settings |= telling_settings(layout, ports)
    settings |= services.github_settings(ports, kept["github_token"])
    write_private(layout.settings, services.as_settings_file(settings))
    environment = _environment(layout, settings, kept["people_password"])
    try:
        with Runner(environment, services.REPOSITORY, held) as runner:
            if redis_url == broker.url(socket):
                runner.start("broker", broker.command(layout.broker, socket), layer=BROKER)
                runner.wait("The broker", lambda: broker.answers(socket), 30)
            _start(runner, layout, ports, redis_url)
            known = facts(layout, ports, kept["people_password"], kept["human_password"])
            write_private(layout.facts, as_json(known))
            if data_directory() == RUNNING_DEMO.parent:  # no other demo of this checkout runs: be found first
                RUNNING_DEMO.parent.mkdir(exist_ok=True)
                RUNNING_DEMO.write_text(f"{layout.root}\n")
            _say(banner(known, layout))
            try:
                runner.follow()
            finally:
                layout.facts.unlink(missing_ok=True)
                if RUNNING_DEMO.exists() and RUNNING_DEMO.read_text().strip() == str(layout.root):
                    RUNNING_DEMO.unlink(missing_ok=True)
    except Ended as end:
        _say(f"{end}; everything has ended.")
        return end.code
    finally:
        if socket.parent != layout.broker:
            shutil.rmtree(socket.parent, ignore_errors=True)
    return 0


def _start(runner: Runner, layout: Layout, ports: Ports, redis_url: str) -> None:
    began = time.monotonic()
    _say("Starting the local cloud and the web server, and preparing the database")
    runner.start("cloud", services.cloud(layout, ports), layer=CLOUD)
    runner.start("web", services.web(ports), layer=PORTAL)
    runner.complete("prepare", services.prepare(), 180)
    runner.wait("The local cloud", lambda: services.answers(f"{ports.cloud_url}/v3"), 60)
    if not layout.pushed.exists():
        _say("Pushing what runs on stable, staging and development")
        runner.complete("before", services.before(), 300)
        layout.pushed.touch()
    _say("Starting worker and scheduler")
    runner.start("worker", services.worker(), layer=PORTAL)
    runner.start("scheduler", services.scheduler(), layer=PORTAL)
    runner.wait("The portal", lambda: services.answers(ports.portal_url), 60)
    runner.wait("The worker", lambda: services.worker_answers(redis_url), 60)
    _say(f"Ready after {time.monotonic() - began:.0f} seconds")


def _keep(layout: Layout, port: int | None) -> dict[str, Any]:
    """Passwords and ports: those of the last start where there was one, random ones otherwise."""
    kept = read_kept(layout)
    ports = choose(port, kept)
    secrets = ("people_password", "service_password", "human_password", "github_token")
    new = {name: new_password() for name in secrets}
    if given := os.environ.get("DEMO_PASSWORD"):
        new["people_password"] = given
    kept = new | kept | {"portal_port": ports.portal, "cloud_port": ports.cloud}
    write_private(layout.kept, as_json(kept))
    return kept


def _make_the_world(layout: Layout, kept: dict[str, Any]) -> None:
    if make_repository(layout.repository):
        _say("Made the sample application's repository, with its history, branches and tags")
    github = github_estate(layout.repository, kept["github_token"])
    if not layout.estate.exists() or "github" not in layout.estate.read_text():
        made = estate(
            service_password=kept["service_password"], human_password=kept["human_password"], github=github
        )
        write_private(layout.estate, as_json(made))
        _say(f"Made an organization with {len(made['spaces'])} spaces for the local cloud")


def _environment(layout: Layout, settings: dict[str, str], people_password: str) -> dict[str, str]:
    """What every process of the demo sees: our own environment with the settings on top."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        **os.environ,
        **settings,
        "OPSPORTAL_DATA_DIR": str(layout.root),
        "DJANGO_SETTINGS_MODULE": "opsportal.config.settings",
        "DEMO_PASSWORD": people_password,
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        # Celery's word about root, on a machine where somebody chose to be root
        "PYTHONWARNINGS": "ignore:You're running the worker",
    }


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
