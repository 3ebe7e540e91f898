"""One deploy with staging 10 s and start 5 s set in the cloud: at most 1.05 × the cloud's own time.

The cloud's own time is measured in the same run, on the same sandbox, with the same commit: the same calls driven
directly, looked at again every 20 ms. Then the same commit goes to a second sandbox: no file's content may be sent
and the assets may not be built again.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench import direct
from bench.figures import note, tell
from bench.world import World, click_deploy
from opsportal.adapters.cloudfoundry import Foundation
from opsportal.demo.estate import ORGANIZATION, SERVICE_ACCOUNT

TARGET = 1.05
LOOK_S = 0.02
LIMIT_S = 300
SANDBOX, SECOND = "ab", "cw"


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--staging", type=float, default=10)
    parser.add_argument("--start", type=float, default=5)
    options = parser.parse_args()
    with World() as world:
        world.use_database()
        session = world.sign_in("ana")
        for name in (SANDBOX, SECOND):
            note(
                f"a first deploy to {name}: it took {_portal(world, session, name, 'main')['seconds']:.1f} s"
            )
        world.knobs(staging_seconds=options.staging, start_seconds=options.start)
        branches = _branches(world)[: options.rounds]  # later ones are made to fail
        own, portal, again = [], [], []
        for branch in branches:
            portal.append(_portal(world, session, SANDBOX, branch))
            own.append(_directly(world, SANDBOX, branch))
            again.append(_portal(world, session, SANDBOX, branch))
            note(
                f"{branch}: new {portal[-1]['seconds']:.2f}, own {own[-1]:.2f}, again {again[-1]['seconds']:.2f}"
            )
        before = _kept_files(world)
        second = _portal(world, session, SECOND, branches[-1])
        sent = _kept_files(world) - before
    ratio = median(each["seconds"] for each in portal) / median(own)
    tell(
        "deploy",
        ratio <= TARGET,
        f"a deploy of a new commit took {ratio:.3f} x the cloud's own {median(own):.2f} s "
        f"(assets built in {median(each['assets'] for each in portal):.2f} s of it)",
        target=TARGET,
        ratio=round(ratio, 3),
        ratio_of_a_known_commit=round(median(each["seconds"] for each in again) / median(own), 3),
        portal_s=[round(each["seconds"], 2) for each in portal],
        known_commit_s=[round(each["seconds"], 2) for each in again],
        own_s=[round(each, 2) for each in own],
        steps_s=portal[-1]["steps"],
    )
    skipped = second["assets_state"] == "skipped"
    tell(
        "second sandbox",
        skipped and not sent and second["nothing_sent"],
        f"the same commit to a second sandbox: {sent} files new on the platform, "
        f"build {'skipped' if skipped else 'NOT skipped'}; “{second['said']}”",
        target=0,
        new_files=sent,
        build_skipped=skipped,
        seconds=round(second["seconds"], 2),
    )


def _portal(world: World, session: Any, name: str, ref: str) -> dict[str, Any]:
    """Click Deploy and wait for its end: seconds from the click to the end, and what its steps say."""
    from opsportal.operations.models import UNDER_WAY, Operation

    began = time.time()
    operation_id = click_deploy(session, world.portal, name, ref)
    while Operation.objects.filter(id=operation_id, state__in=UNDER_WAY).exists():
        if time.time() - began > LIMIT_S:
            raise RuntimeError("the deploy did not end")
        time.sleep(0.2)
    made = Operation.objects.get(id=operation_id)
    if made.state != "succeeded" or made.ended_at is None:
        raise RuntimeError(f"{made.headline}: {made.state} {made.problem}")
    steps = {each.name: each for each in made.steps.all()}
    said = made.output.filter(step=steps["upload"].position).values_list("text", flat=True)
    return {
        "seconds": made.ended_at.timestamp() - began,
        "steps": {name: round(each.seconds or 0.0, 2) for name, each in steps.items()},
        "assets": steps["assets"].seconds or 0.0,
        "assets_state": steps["assets"].state,
        "said": " ".join(said),
        "nothing_sent": any(text.startswith("Nothing sent") for text in said),
    }


def _directly(world: World, name: str, ref: str) -> float:
    cf = Foundation(
        api_url=str(world.facts["cloud_api"]), username=SERVICE_ACCOUNT, password=world.service_password
    )
    space = direct.spaces_of(cf, ORGANIZATION)[name]
    source = direct.Source.at(world.layout.repository, ref, _built(world, ref))
    manifest = source.manifest(name, ref)
    return direct.run(
        [lambda: direct.deploy(cf, source, space, manifest, f"getgov-{name}")], every=LOOK_S, threads=1
    )


def _built(world: World, ref: str) -> dict[str, bytes]:
    """What the repository's build command makes."""
    place = Path(tempfile.mkdtemp(prefix="opsportal-bench-build-"))
    try:
        archive = subprocess.run(
            ["git", "-C", str(world.layout.repository), "archive", f"refs/heads/{ref}", "src"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        subprocess.run(["tar", "-x", "-C", str(place)], input=archive.stdout, check=True, timeout=60)
        command = [sys.executable, "build_assets.py"]
        subprocess.run(command, cwd=place / "src", check=True, capture_output=True, timeout=60)
        made = (place / "src" / "registrar" / "assets").rglob("*")
        return {str(each.relative_to(place / "src")): each.read_bytes() for each in made if each.is_file()}
    finally:
        shutil.rmtree(place)


def _branches(world: World) -> list[str]:
    said = subprocess.run(
        ["git", "-C", str(world.layout.repository), "for-each-ref", "--format=%(refname:short)", "refs/heads"],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return [name for name in said.stdout.split() if name != "main"]


def _kept_files(world: World) -> int:
    """How many different files the platform keeps; every content that is sent adds one."""
    return sum(each.is_file() for each in (world.layout.cloud / "blobs" / "files").rglob("*"))


if __name__ == "__main__":
    main()
