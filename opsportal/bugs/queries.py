"""What is read of tickets, by pages and by other packages."""

from opsportal.bugs.clocks import Clock, Clocks, clock_summary, clocks
from opsportal.bugs.comments import may_edit as may_edit_comment
from opsportal.bugs.duplicates import Likely, duplicates
from opsportal.bugs.filters import Filters
from opsportal.bugs.lists import (
    Column,
    board,
    for_refinement,
    github_trouble,
    known,
    ticket,
    tickets,
    waiting_consents,
)
from opsportal.bugs.needs import Need, candidates_engineer, candidates_reviewer, needs
from opsportal.bugs.standing import facts, lead_due, lead_is_late, may
from opsportal.bugs.timeline import Item, timeline

__all__ = [
    "Clock",
    "Clocks",
    "Column",
    "Filters",
    "Item",
    "Likely",
    "Need",
    "board",
    "candidates_engineer",
    "candidates_reviewer",
    "clock_summary",
    "clocks",
    "duplicates",
    "facts",
    "for_refinement",
    "github_trouble",
    "known",
    "lead_due",
    "lead_is_late",
    "may",
    "may_edit_comment",
    "needs",
    "ticket",
    "tickets",
    "timeline",
    "waiting_consents",
]
