"""What is done with tickets: each in one transaction, permitted, kept in timeline and trail, told to whom it concerns.

``by``: a person. Refused: who may not, and who can. BadTicket: what cannot be kept, by field; NotNow: the ticket is
not so, or somebody was first, and who. Stale: edited since the form was opened.
"""

from opsportal.bugs.assigning import assign, look_after_leads, take, take_review
from opsportal.bugs.attachments import attach
from opsportal.bugs.changing import refuse
from opsportal.bugs.comments import comment, comment_from_github, edit_comment
from opsportal.bugs.errors import BadTicket, NotNow, Stale
from opsportal.bugs.mirroring import comment_mirrored, issue_mirrored
from opsportal.bugs.path import close, reopen, tell, tell_not
from opsportal.bugs.priorities import consent, decline, propose_critical, refine, set_priority, withdraw
from opsportal.bugs.pull_requests import pull_request_seen
from opsportal.bugs.reporting import edit, report

__all__ = [
    "BadTicket",
    "NotNow",
    "Stale",
    "assign",
    "attach",
    "close",
    "comment",
    "comment_from_github",
    "comment_mirrored",
    "consent",
    "decline",
    "edit",
    "edit_comment",
    "issue_mirrored",
    "look_after_leads",
    "propose_critical",
    "pull_request_seen",
    "refine",
    "refuse",
    "reopen",
    "report",
    "set_priority",
    "take",
    "take_review",
    "tell",
    "tell_not",
    "withdraw",
]
