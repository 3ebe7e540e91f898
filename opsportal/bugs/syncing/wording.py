"""How a ticket and its comments read on GitHub: Markdown with a link into the portal, and nothing that pings anybody.

What the portal gathered as evidence, and files, stay in the portal: the repository may be public.
"""

import hashlib
import re

from django.conf import settings

from opsportal.bugs.models import Comment, Priority, Ticket

PRIORITY_LABEL = "priority: "
#: Colours of the labels, by priority.
COLOURS = {"critical": "b50909", "high": "e5a000", "medium": "2e6276", "low": "71767a"}
_MENTION = re.compile(r"(?<![\w`])@(?=[A-Za-z0-9])")


def title(ticket: Ticket) -> str:
    """``BUG-12: Nobody can submit``."""
    return f"{ticket.key}: {ticket.title}"


def label(priority: str) -> str:
    """``priority: high``."""
    return f"{PRIORITY_LABEL}{priority}"


def described(priority: str) -> str:
    """What the label says of itself."""
    return f"{Priority(priority).label}, as the ops portal has it"


def body(ticket: Ticket) -> str:
    """The ticket's fields, who reported it, and where it is in the portal."""
    parts = [
        ("What happens", ticket.happens),
        ("What should happen", ticket.should),
        ("Steps", ticket.steps),
        ("Environment", ticket.environment),
    ]
    said = [f"### {name}\n\n{_harmless(text)}" for name, text in parts if text]
    users = "Users see it. " if ticket.user_facing else ""
    found = f"{users}Found by {ticket.get_found_by_display().lower()}, reported by {_harmless(str(ticket.reporter))}."
    link = f"[{ticket.key} in the ops portal]({settings.PUBLIC_URL.rstrip('/')}/tickets/{ticket.pk})"
    closing = f"Title, state and comments follow {link}; everything else is changed there."
    return "\n\n".join([*said, "---", found, closing])


def comment(said: Comment) -> str:
    """What was said, and who said it."""
    return f"**{_harmless(said.author_name)}** wrote in the portal:\n\n{_harmless(said.body)}"


def ticket_mark(ticket: Ticket) -> str:
    """The mark of a ticket's issue."""
    return ticket.key


def comment_mark(said: Comment, key: str) -> str:
    """The mark of a comment of ours."""
    return f"{key}/comment-{said.pk}"


def fingerprint(text: str) -> str:
    """By which a text is known again."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _harmless(text: str) -> str:
    """People's text on GitHub: it names nobody there, and hides nothing that follows it."""
    return _MENTION.sub("@\u200b", text.replace("<!--", "&lt;!--"))
