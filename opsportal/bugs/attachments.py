"""Files kept with a ticket: held in the database, typed by content, given out as downloads only."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from opsportal.accounts.queries import Person
from opsportal.bugs import file_types
from opsportal.bugs.changing import Change, changing
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Attachment, Ticket
from opsportal.kit import wording

MOST: Final = 20


@dataclass(frozen=True)
class LookedAt:
    """A file that may be kept."""

    sort: file_types.Sort
    content: bytes


def attach(*, ticket: Ticket, by: Person, name: str, content: bytes) -> Attachment:
    """Keep a picture or a plain text with a ticket. The same file again is the one that is there.

    Raises Refused, or BadTicket for what is too large, too many, or neither picture nor text.
    """
    with changing(ticket, by, "attach") as change:
        return put(change, by, look_at(name, content))


def look_at(name: str, content: bytes) -> LookedAt:
    """Whether a file may be kept, by size and content. Raises BadTicket."""
    largest = int(settings.ATTACHMENT_MB * 1_000_000)
    if len(content) > largest:
        raise BadTicket(
            {
                "files": f"{_short(name)}: at most {wording.size(largest)}; this has {wording.size(len(content))}."
            }
        )
    try:
        return LookedAt(file_types.sort_of(name, content), content)
    except file_types.BadFile as bad:
        raise BadTicket({"files": f"{_short(name)}: {bad}"}) from None


def look_at_all(files: Sequence[tuple[str, bytes]]) -> list[LookedAt]:
    """Several files at once. Raises BadTicket that names every one that cannot be kept."""
    if len(files) > MOST:
        raise BadTicket({"files": f"A ticket keeps at most {MOST} files."})
    good, bad = [], []
    for name, content in files:
        try:
            good.append(look_at(name, content))
        except BadTicket as error:
            bad.append(error.fields["files"])
    if bad:
        raise BadTicket({"files": " ".join(bad)})
    return good


def put(change: Change, by: Person, file: LookedAt) -> Attachment:
    """Keep a file inside a change that is under way. Raises BadTicket when there are too many."""
    digest = hashlib.sha256(file.content).hexdigest()
    here = change.ticket.attachments.defer("data")
    same = here.filter(sha256=digest).first()
    if same is not None:
        change.nothing = change.action == "attach"
        return same
    if here.count() >= MOST:
        raise BadTicket({"files": f"A ticket keeps at most {MOST} files."})
    made = Attachment.objects.create(
        ticket=change.ticket, name=file.sort.name, content_type=file.sort.content_type, size=len(file.content),
        sha256=digest, data=file.content, by=by, at=change.now,
    )  # fmt: skip
    change.event("attached", {"attachment": made.pk, "name": made.name})
    if change.action == "attach":
        change.details = {"attachment": made.pk, "name": made.name, "sha256": digest}
    return made


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"
