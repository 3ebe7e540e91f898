"""Deploy: from a branch, tag or commit to running instances that report it (product.md, Deploy)."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment, EnvironmentKind, GitCommit, GitRef
from opsportal.operations.registry import BadParameter, Input, Kind, Parameter, StepDefinition, register
from opsportal.operations.rules import Ref
from opsportal.operations.steps import common, prepare, rollout, ship, verify

_REF_LENGTH = 300
_NAMED = ("branch", "tag", "commit")
_SHA = re.compile(r"[0-9a-fA-F]{7,40}")
_YES, _NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0", ""}


def clean(environment: Environment, given: Mapping[str, str]) -> dict[str, Any]:
    """``{ref, ref_kind, commit, migrate}``. The commit is the one the mirror shows now: what was seen is deployed.

    ``ref_kind`` is ``any`` when the repository has no such name; a commit the mirror does not hold has an empty
    ``commit`` and is looked for by the worker.
    """
    ref, wanted_kind = _asked_for(given)
    if len(ref) > _REF_LENGTH:
        raise BadParameter("ref", f"A branch or tag name has at most {_REF_LENGTH} characters.")
    if not ref.isprintable():
        raise BadParameter("ref", "A branch or tag name has no control characters.")
    kind, commit = _find(ref, wanted_kind)
    always = environment.kind != EnvironmentKind.SANDBOX
    migrate = always or _yes_or_no("migrate", given.get("migrate", "no"))
    return {"ref": ref, "ref_kind": kind, "commit": commit, "migrate": migrate}


def _asked_for(given: Mapping[str, str]) -> tuple[str, str]:
    """The ref and, where it is said, what it is: ``ref`` (with ``ref_kind``), or ``branch``, ``tag`` or ``commit``."""
    said = [(given[name].strip(), name) for name in _NAMED if given.get(name, "").strip()]
    ref = given.get("ref", "").strip()
    if ref:
        said.append((ref, given.get("ref_kind", "").strip()))
    if not said:
        raise BadParameter("ref", "Choose a branch, tag or commit.")
    if len(said) > 1:
        raise BadParameter("ref", "Choose one branch, tag or commit, not several.")
    return said[0]


def _find(ref: str, kind: str) -> tuple[str, str]:
    if kind not in {"", "branch", "tag", "commit"}:
        raise BadParameter("ref_kind", "It is a branch, a tag or a commit.")
    rows = GitRef.objects.filter(name=ref, **({"kind": kind} if kind in {"branch", "tag"} else {}))
    found = list(rows) if kind != "commit" else []
    if len({row.commit for row in found}) > 1:
        raise BadParameter(
            "ref_kind", f"“{ref}” is both a branch and a tag, at different commits: say which is meant."
        )
    if found:
        return found[0].kind, found[0].commit
    if kind in {"", "commit"} and _SHA.fullmatch(ref):
        return "commit", _commit(ref.lower())
    other = GitRef.objects.filter(name=ref).values_list("kind", flat=True).first() if kind else None
    if other:
        raise BadParameter("ref_kind", f"“{ref}” is a {other}, not a {kind}.")
    return "any", ""


def _commit(prefix: str) -> str:
    known = set(GitCommit.objects.filter(sha__startswith=prefix).values_list("sha", flat=True)[:2])
    if len(known) > 1:
        raise BadParameter("ref", f"“{prefix}” is the beginning of several commits: give more of it.")
    return known.pop() if known else (prefix if len(prefix) == 40 else "")


def _yes_or_no(name: str, text: str) -> bool:
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise BadParameter(name, "Answer yes or no.")
    return word in _YES


def headline(environment: Environment, params: Mapping[str, Any]) -> str:
    """``Deploy ab/new-headline (1a2b3c4d)``."""
    ref, commit = str(params["ref"]), str(params["commit"])
    if params["ref_kind"] == "commit":
        return f"Deploy {(commit or ref)[:8]}"
    return f"Deploy {ref} ({commit[:8]})" if commit else f"Deploy {ref}"


DEPLOY = register(
    Kind(
        name="deploy",
        title="Deploy",
        what="Takes a branch, tag or commit to the environment without downtime, and checks that it runs.",
        permission=Permission.DEPLOY,
        group="deploy",
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(
            Parameter("ref", "Branch, tag or commit", "What to deploy.", required=True),
            Parameter(
                "ref_kind",
                "Which it is",
                "Needed only when a name is both.",
                in_form=False,
                words=("branch", "tag", "commit"),
            ),
            Parameter("branch", "Branch", "Instead of ref: a branch.", in_form=False),
            Parameter("tag", "Tag", "Instead of ref: a tag.", in_form=False),
            Parameter(
                "commit",
                "Commit",
                "Instead of ref: a commit, whole or its first seven characters or more.",
                in_form=False,
            ),
            Parameter(
                "migrate",
                "Migrate afterwards",
                "Always done outside sandboxes; safe to repeat.",
                input=Input.YES_NO,
            ),
        ),
        clean=clean,
        headline=headline,
        ref=lambda params: Ref(params["ref_kind"], params["ref"], params["commit"]),
        steps=(
            common.CHECK,
            StepDefinition("source", "Take the source at the commit", prepare.take_source, limit=300),
            StepDefinition(
                "assets", "Build the assets", prepare.build_assets, limit=settings.ASSET_BUILD_SECONDS + 300
            ),
            StepDefinition("upload", "Upload what is missing", ship.upload, limit=1200),
            StepDefinition("manifest", "Apply the manifest", ship.apply_manifest, limit=300),
            StepDefinition(
                "stage", "Stage", rollout.stage, limit=settings.STAGING_SECONDS + 240, resume_at="manifest"
            ),
            common.ROLL_OUT,
            common.MIGRATE_IF_ASKED,
            StepDefinition("verify", "Verify", verify.verify, limit=300),
            StepDefinition("record", "Record", verify.record, limit=120),
        ),
        tidy=common.KEEP_THE_OLD,
        runbook="docs/runbooks/deploy.md",
    )
)
