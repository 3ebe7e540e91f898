"""The rules, asked again: when an operation starts, and right before it changes the platform."""

from opsportal.operations import queries
from opsportal.operations.outcomes import Done, Fail, Outcome
from opsportal.operations.rules import RULES_AT_START, findings, refusals
from opsportal.operations.run import Run


def check_rules(run: Run) -> Outcome:
    """Ask the rules again with what is true now."""
    return refused(run) or Done("The rules allow it")


def refused(run: Run) -> Fail | None:
    """The refusal, if the rules no longer allow the operation."""
    facts = queries.facts_of_operation(run.operation)
    closed = refusals(findings(facts, RULES_AT_START))
    if not closed:
        return None
    first = closed[0]
    return Fail("operation:refused", {"reason": first.reason, "remedy": first.remedy, "rule": first.rule})
