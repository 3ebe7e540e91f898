"""Earlier versions of an application that the platform still has: what can be rolled back to (product.md, Roll back)."""

from collections.abc import Mapping, Sequence
from typing import Any

from opsportal.adapters.cloudfoundry import Droplet, Foundation, NotFound, Revision

#: Labels and annotations of a droplet: whose operation, which commit; the name it was deployed by, by whom, and when
#: it was found good.
OPERATION_LABEL, COMMIT_LABEL = "opsportal-operation", "opsportal-commit"
REF_NOTE, BY_NOTE, SERVED_NOTE = "opsportal-ref", "opsportal-by", "opsportal-served-at"
#: Versions kept on an environment's row.
MOST = 20

Version = dict[str, Any]


def read(cf: Foundation, app_guid: str, current: str, known: Sequence[Mapping[str, Any]]) -> list[Version]:
    """The versions of an app as the platform has them now, newest first. Raises CloudFoundryError."""
    try:
        return earlier(cf.revisions(app_guid), cf.droplets(app_guid), current, known)
    except NotFound:
        return []


def earlier(
    revisions: Sequence[Revision],
    droplets: Sequence[Droplet],
    current: str,
    known: Sequence[Mapping[str, Any]] = (),
) -> list[Version]:
    """Every droplet that ran before, once, newest first, without the ``current`` one.

    A droplet of the portal's own that was never found good is left out. What the platform has removed stays, as not
    deployable, with what was ``known`` of it.
    """
    there = {each.guid: each for each in droplets}
    before = {str(each.get("droplet")): each for each in known}
    found: dict[str, Version] = {}
    for revision in sorted(revisions, key=lambda each: each.version, reverse=True):
        guid = revision.droplet_guid
        if not guid or guid == current or guid in found:
            continue
        droplet = there.get(guid)
        if droplet is not None and not _was_good(droplet):
            continue
        if droplet is None and guid not in before:
            continue
        found[guid] = _version(revision, droplet, before.get(guid, {}))
    return list(found.values())[:MOST]


def _was_good(droplet: Droplet) -> bool:
    """Whether it served well, as far as can be told: what somebody else pushed carries no word of ours."""
    return OPERATION_LABEL not in droplet.labels or SERVED_NOTE in droplet.annotations


def _version(revision: Revision, droplet: Droplet | None, known: Mapping[str, Any]) -> Version:
    labels = droplet.labels if droplet else {}
    notes = droplet.annotations if droplet else {}
    made = revision.created_at.isoformat() if revision.created_at else ""
    return {
        "number": revision.version,
        "revision": revision.guid,
        "droplet": revision.droplet_guid,
        "commit": labels.get(COMMIT_LABEL) or str(known.get("commit", "")),
        "ref": notes.get(REF_NOTE) or str(known.get("ref", "")),
        "at": notes.get(SERVED_NOTE) or str(known.get("at", "")) or made,
        "by": notes.get(BY_NOTE) or str(known.get("by", "")),
        "deployable": revision.deployable and droplet is not None and droplet.staged,
        "operation": labels.get(OPERATION_LABEL) or str(known.get("operation", "")),
    }
