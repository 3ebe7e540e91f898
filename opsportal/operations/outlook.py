"""What would happen if it were asked for now: read beforehand, on every page that has the button."""

from collections.abc import Mapping
from typing import Any

from opsportal.accounts.models import Person
from opsportal.environments.models import Environment
from opsportal.kit import wording
from opsportal.operations import equal_lines, queries, report
from opsportal.operations.registry import BadParameter, Kind
from opsportal.operations.rules import Finding, deployed

#: Findings that the form itself settles: they are no reason to refuse the button beforehand.
SETTLED_HERE = frozenset({"reason", "confirmed"})
#: Findings that nothing typed into the form changes: the button says no at once, and why.
FIXED = frozenset({"permitted", "kind", "environment", "deployed", "queue", "hold", "choices"})


def of(
    kind: Kind,
    environment: Environment,
    given: Mapping[str, str],
    person: Person,
    *,
    passes_hold: bool = False,
) -> dict[str, Any]:
    """What it would do with what stands in the form: findings, what is lost, how long, by hand; for a template.

    ``passes_hold``: the form lets this person pass the hold. ``blocked``: whatever is typed, it would be refused.
    """
    if closed := _nothing_there(kind, environment):
        return {"findings": [], "closed": [closed], "blocked": True, "params": None}
    try:
        params = kind.clean(environment, given)
    except BadParameter as bad:
        return unclear(str(bad))
    found = queries.findings_for(kind=kind, environment=environment, params=params, by=person)
    shown = [each for each in found if each.rule not in SETTLED_HERE or each.ok]
    no = [each for each in shown if not each.ok and not (passes_hold and each.rule == "hold")]
    usual = report.usual_total(kind.name, dict(params))
    return {
        "params": params,
        "headline": kind.headline(environment, params),
        "findings": shown,
        "closed": no,
        "blocked": any(each.rule in FIXED for each in no),
        "loses": kind.loses(environment, params),
        "preview": kind.preview(environment, params),
        "usual": wording.duration(usual) if usual else "",
        "lines": "\n".join(equal_lines.for_operation(kind.name, environment, params)),
    }


def unclear(words: str) -> dict[str, Any]:
    """The same where what is typed cannot be used yet."""
    return {"unclear": words, "findings": [], "closed": [], "blocked": False, "params": None}


def _nothing_there(kind: Kind, environment: Environment) -> Finding | None:
    """Why it cannot be asked for whatever is typed: what it works on is not there, or nothing can be chosen."""
    if not queries.is_deployed(kind, environment):
        return deployed(environment.name, is_there=False)
    missing = kind.nothing_to_choose(environment)
    return Finding("choices", False, missing) if missing else None
