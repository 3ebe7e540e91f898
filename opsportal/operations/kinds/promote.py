"""Promote: the very droplet that runs on one environment to another, checksums compared; no rebuild (product.md)."""

from collections.abc import Mapping, Sequence
from typing import Any

from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment, EnvironmentKind, GitRef
from opsportal.operations import asking
from opsportal.operations.registry import (
    BadParameter,
    Confirm,
    Input,
    Kind,
    Parameter,
    StepDefinition,
    register,
)
from opsportal.operations.rules import Ref
from opsportal.operations.steps import common, promoting, ship, verify

#: Kind of environment → the kind that it is promoted from.
FROM = {EnvironmentKind.SANDBOX: EnvironmentKind.SANDBOX, EnvironmentKind.STABLE: EnvironmentKind.STAGING}


def sources(environment: Environment) -> Sequence[tuple[str, str]]:
    """``[(name, words)]`` of the environments that it may be promoted from and that run what the portal deployed."""
    kind = FROM.get(EnvironmentKind(environment.kind))
    rows = Environment.objects.filter(kind=kind).exclude(pk=environment.pk).exclude(deployed_commit="")
    return [(each.name, _words(each)) for each in rows if not each.drift and each.droplet_guid]


def _words(source: Environment) -> str:
    return f"{source.name}: {source.deployed_ref or 'commit'} ({source.deployed_commit[:8]})"


def clean(environment: Environment, given: Mapping[str, str]) -> dict[str, Any]:
    """``{from, droplet, commit, ref, ref_kind, migrate}``: what runs there now is what is promoted."""
    source = _source(environment, given.get("from", "").strip())
    ref, ref_kind = source.deployed_ref or source.deployed_commit, source.deployed_ref_kind or "commit"
    if environment.kind == EnvironmentKind.STABLE:
        ref, ref_kind = _tag(source, given.get("tag", "").strip()), "tag"
    always = environment.kind != EnvironmentKind.SANDBOX
    return {
        "from": source.name,
        "droplet": source.droplet_guid,
        "commit": source.deployed_commit,
        "ref": ref,
        "ref_kind": ref_kind,
        "migrate": always or asking.yes_or_no("migrate", given.get("migrate", "no")),
    }


def _source(environment: Environment, name: str) -> Environment:
    if not name:
        raise BadParameter("from", "Choose the environment whose version is to be promoted.")
    kind = FROM.get(EnvironmentKind(environment.kind))
    source = Environment.objects.filter(name=name).first()
    if source is None or source.kind != kind or source.pk == environment.pk:
        wanted = (
            f"another {kind.label.lower()}"
            if kind == environment.kind and kind
            else (kind and kind.label.lower())
        )
        raise BadParameter(
            "from", f"{environment.name} takes what runs on {wanted or 'no other environment'} alone."
        )
    if not source.deployed_commit or not source.droplet_guid:
        raise BadParameter("from", f"The portal has deployed nothing to {name} that still runs there.")
    if source.drift:
        raise BadParameter("from", f"What runs on {name} is not what was deployed there. {source.drift}")
    return source


def _tag(source: Environment, tag: str) -> str:
    """Stable runs a release: the tag that names the very commit of the source."""
    if not tag:
        raise BadParameter("tag", "Say which release this is: its v tag.")
    row = GitRef.objects.filter(kind="tag", name=tag).first()
    if row is None:
        raise BadParameter("tag", f"The repository has no tag {tag}.")
    if row.commit != source.deployed_commit:
        runs = source.deployed_commit[:8]
        raise BadParameter("tag", f"{tag} is {row.commit[:8]}, but {source.name} runs {runs}.")
    return tag


PROMOTE = register(
    Kind(
        name="promote",
        title="Promote",
        what="Takes the very droplet that runs on another environment: no new build, seconds instead of minutes.",
        permission=Permission.PROMOTE,
        group="deploy",
        confirm=Confirm.UNDO,
        allowed_on=frozenset(FROM),
        parameters=(
            Parameter(
                "from",
                "From",
                "The environment whose version is taken; it must run what the portal deployed there.",
                required=True,
                input=Input.ENVIRONMENT,
                choices=sources,
                nothing="No environment that this one may take from runs what the portal deployed there, unchanged. "
                "Deploy to one first, then promote it.",
            ),
            Parameter(
                "migrate",
                "Migrate afterwards",
                "Always done on stable; a database that was never migrated has no tables.",
                input=Input.YES_NO,
                default=lambda environment: "yes" if not environment.app_commit else "no",
            ),
            Parameter("tag", "Release", "On stable: the v tag that names the very commit.", in_form=False),
        ),
        clean=clean,
        headline=lambda environment, params: (
            f"Promote {params['ref']} ({params['commit'][:8]}) from {params['from']}"
        ),
        ref=lambda params: Ref(params["ref_kind"], params["ref"], params["commit"]),
        steps=(
            common.CHECK,
            StepDefinition("source", "Find what runs there", promoting.find_source, limit=120),
            StepDefinition("take", "Take the manifest at its commit", promoting.take_manifest, limit=180),
            StepDefinition("copy", "Copy the droplet", promoting.copy_droplet, limit=3600),
            StepDefinition("manifest", "Apply the manifest", ship.apply_manifest, limit=300),
            common.ROLL_OUT,
            common.MIGRATE_IF_ASKED,
            StepDefinition("verify", "Verify", verify.verify, limit=300),
            StepDefinition("record", "Record", verify.record, limit=120),
        ),
        tidy=common.KEEP_THE_OLD,
        runbook="docs/runbooks/promote.md",
    )
)
