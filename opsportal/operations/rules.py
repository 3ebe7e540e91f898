"""The rules of operations, pure: facts in, findings out. The page shows them, the worker asks them again.

Neither Django nor the clock is known here (architecture.md).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

#: How many operations may wait behind the one that runs on an environment.
QUEUE_LIMIT = 5


@dataclass(frozen=True)
class Finding:
    """One rule's answer. A no always has its reason and its remedy; ``who`` can change it where somebody can.

    ``url``: where what stands in the way can be seen, and ``link`` the words of the link to it.
    """

    rule: str
    ok: bool
    reason: str
    remedy: str = ""
    who: tuple[str, ...] = ()
    url: str = ""
    link: str = ""

    @property
    def words(self) -> str:
        """Reason and remedy as one text."""
        return f"{self.reason} {self.remedy}".strip()


@dataclass(frozen=True)
class Ref:
    """What is to be deployed: ``kind`` is branch, tag or commit; ``commit`` is empty until it is resolved."""

    kind: str
    name: str
    commit: str = ""


@dataclass(frozen=True)
class Hold:
    """A hold on the environment, as the rules see it. ``words``: who, why and until when.

    ``may_pass``: the hold lets this person pass; ``passed``: they said that they do. ``who``: who may pass.
    """

    words: str
    may_pass: bool = False
    passed: bool = False
    may_release: bool = False
    who: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything a rule may look at, gathered by a query before the rules are asked."""

    kind: str
    kind_title: str
    allowed_on: frozenset[str]
    environment: str
    environment_kind: str
    permitted: bool
    permission_reason: str = ""
    who_can: tuple[str, ...] = ()
    by_portal: bool = False
    in_repository: bool = True
    manifest_problem: str = ""
    ref: Ref | None = None
    ref_exists: bool = True
    deployed: bool = True
    duplicate: str = ""
    duplicate_url: str = ""
    waiting: int = 0
    needs_reason: bool = False
    reason: str = ""
    needs_name: bool = False
    typed_name: str = ""
    hold: "Hold | None" = None
    gate: tuple[Finding, ...] | None = None
    extra: tuple[Finding, ...] = field(default=())


def permitted(facts: Facts) -> Finding:
    """Whether this person may ask for this kind here (product.md, The people)."""
    if facts.permitted:
        return Finding("permitted", True, "You may do this here.")
    helpers = set(facts.who_can) - {"nobody", "the portal"}
    alone = "The portal does it by itself." if "the portal" in facts.who_can else "Choose something else."
    remedy = "Ask one of those who can." if helpers else alone
    return Finding("permitted", False, facts.permission_reason, remedy, facts.who_can)


def kind_fits(facts: Facts) -> Finding:
    """Whether this kind of operation exists on this kind of environment (product.md, Operations)."""
    if facts.environment_kind in facts.allowed_on:
        return Finding("kind", True, f"{facts.kind_title} is allowed on {facts.environment_kind}.")
    return Finding(
        "kind",
        False,
        f"{facts.kind_title} is never done on {facts.environment_kind}.",
        f"It is done on {', '.join(sorted(facts.allowed_on)) or 'no environment'} only.",
    )


def environment_known(facts: Facts) -> Finding:
    """Whether the environment still has a readable manifest in the repository."""
    if facts.in_repository and not facts.manifest_problem:
        return Finding("environment", True, f"{facts.environment} has a manifest in the repository.")
    why = facts.manifest_problem or f"The repository has no manifest for {facts.environment}."
    return Finding("environment", False, why, "Add or mend its manifest on the default branch.")


def something_deployed(facts: Facts) -> Finding:
    """What works on the application needs one; ``deployed`` is true for every other kind."""
    return deployed(facts.environment, is_there=facts.deployed)


def deployed(environment: str, *, is_there: bool) -> Finding:
    """The same for whoever knows nothing else yet."""
    if is_there:
        return Finding("deployed", True, "What it works on is there.")
    return Finding("deployed", False, f"Nothing is deployed to {environment} yet.", "Deploy first.")


_ALLOWED_REFS = {
    "development": ("branch", r"main", "main"),
    "staging": ("tag", r"staging-[1-9][0-9]*", "a staging-<n> tag"),
    "stable": (
        "tag",
        r"v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)",
        "a v<major>.<minor>.<patch> tag",
    ),
}


def ref_fits(facts: Facts) -> Finding:
    """What may be deployed where (product.md, Environments)."""
    if facts.ref is None:
        return Finding("ref", True, "Nothing is chosen to deploy.")
    if facts.environment_kind == "sandbox":
        return Finding("ref", True, "A sandbox takes any branch, tag or commit.")
    kind, pattern, wanted = _ALLOWED_REFS[facts.environment_kind]
    if facts.ref.kind == kind and re.fullmatch(pattern, facts.ref.name):
        return Finding("ref", True, f"{facts.ref.name} may go to {facts.environment_kind}.")
    return Finding(
        "ref",
        False,
        f"{facts.environment_kind.capitalize()} takes only {wanted}, not the {facts.ref.kind} {facts.ref.name}.",
        "Deploy it to a sandbox, or cut a release.",
    )


def ref_exists(facts: Facts) -> Finding:
    """Whether the repository has what was chosen."""
    if facts.ref is None or facts.ref_exists:
        return Finding("exists", True, "The repository has it.")
    name = f"“{facts.ref.name}”"
    # "any": it was looked for as what it was asked as, or as all three where nothing was said.
    missing = f"branch, tag or commit {name}, or none of the kind that was asked for"
    return Finding(
        "exists",
        False,
        f"The repository has no {missing if facts.ref.kind == 'any' else f'{facts.ref.kind} {name}'}.",
        "Choose one of the list, or push it first: the portal sees new refs within seconds.",
    )


def not_twice(facts: Facts) -> Finding:
    """A second click while the same thing waits or runs is refused with a link, not queued."""
    if not facts.duplicate:
        return Finding("once", True, "The same thing is not under way already.")
    return Finding(
        "once", False, f"The same is under way already: {facts.duplicate}.", "Follow that one.",
        url=facts.duplicate_url, link="Open it",
    )  # fmt: skip


def queue_has_room(facts: Facts) -> Finding:
    """Only one operation at a time changes an environment; a few may wait behind it, in sight."""
    if facts.waiting < QUEUE_LIMIT:
        return Finding("queue", True, "There is room in the queue.")
    return Finding(
        "queue",
        False,
        f"{facts.waiting} operations wait for {facts.environment} already.",
        "Wait, or cancel one of them.",
    )


def reason_given(facts: Facts) -> Finding:
    """Some operations need a reason (stable)."""
    if facts.reason.strip() or not facts.needs_reason:
        return Finding("reason", True, "A reason is given or not needed.")
    return Finding("reason", False, "This needs a reason.", "Say why; it is kept in the audit trail.")


def name_typed(facts: Facts) -> Finding:
    """What cannot be undone asks for the environment's name to be typed (pages.md: confirmations scale with harm)."""
    if not facts.needs_name or facts.typed_name.strip() == facts.environment:
        return Finding("confirmed", True, "It is confirmed, or needs no confirmation.")
    typed = f"“{facts.typed_name.strip()[:63]}” is not" if facts.typed_name.strip() else "Nothing typed is"
    return Finding(
        "confirmed",
        False,
        f"{facts.kind_title} cannot be undone. {typed} the environment's name.",
        f"Type {facts.environment} to confirm.",
    )


def not_held(facts: Facts) -> Finding:
    """Nothing changes an environment that is held, but for those whom the hold lets pass and who say that they do."""
    hold = facts.hold
    if hold is None:
        return Finding("hold", True, f"Nobody holds {facts.environment}.")
    if hold.may_pass and hold.passed:
        return Finding("hold", True, f"{hold.words} You may pass, and do.")
    if hold.may_pass:
        remedy = "You may pass it: say so below."
    else:
        remedy = (
            "You may release it, though not pass it." if hold.may_release else "Wait, or ask for its release."
        )
    return Finding("hold", False, hold.words, remedy, hold.who, url=hold.url, link="The hold")


def gate_open(facts: Facts) -> Finding:
    """Stable is guarded by the release rules. A deploy to stable that finds no gate is refused (architecture.md)."""
    if facts.environment_kind != "stable" or facts.kind not in {"deploy", "promote"}:
        return Finding("gate", True, "No gate is needed here.")
    if facts.gate is None:
        return Finding(
            "gate", False, "The release rules are not installed, so nothing goes to stable.", "Tell an admin."
        )
    closed = [finding for finding in facts.gate if not finding.ok]
    if closed:
        return closed[0]
    return Finding("gate", True, "The release rules allow it.")


Rule = Callable[[Facts], Finding]

#: Asked in this order: first who, then where, then what, then whether now.
RULES: tuple[Rule, ...] = (
    permitted,
    kind_fits,
    environment_known,
    something_deployed,
    ref_fits,
    ref_exists,
    gate_open,
    not_held,
    reason_given,
    name_typed,
    not_twice,
    queue_has_room,
)

#: Asked again when it starts and before what cannot be undone; who waits behind it no longer matters then.
RULES_AT_START: tuple[Rule, ...] = (
    permitted,
    kind_fits,
    something_deployed,
    ref_fits,
    gate_open,
    not_held,
    reason_given,
)


def findings(facts: Facts, rules: tuple[Rule, ...] = RULES) -> list[Finding]:
    """Every rule's answer, in order."""
    return [rule(facts) for rule in rules] + list(facts.extra)


def refusals(answers: list[Finding]) -> list[Finding]:
    """Those that say no."""
    return [finding for finding in answers if not finding.ok]


# --- pacing -------------------------------------------------------------------------------------------------

#: Seconds of looking that each operation under way may cost per second of waiting: keeps the platform unhurried.
_LOOK_COST = 0.02
#: With few under way nobody waits longer than this for a line that the platform has printed.
_LIVE = 0.5


def pace(elapsed: float, usual: float | None, under_way: int) -> float:
    """How long to wait before looking again at what takes time on the platform, in seconds.

    Near the usual end it looks often; with many operations under way it waits for the usual end and looks less
    often after it. ``elapsed``: since the wait began; ``usual``: median of earlier runs, if known.
    """
    crowd = under_way * _LOOK_COST
    if usual is not None and elapsed < usual * 0.85:
        return min(max(0.1, usual * 0.9 - elapsed), max(_LIVE, crowd * 2))
    # About as long as it usually takes to tell one run from another: a hundredth of it.
    wait = max(0.1, 0.012 * usual) + max(0.0, elapsed - usual) * 0.03 if usual else 0.1 + elapsed * 0.03
    return min(max(wait, crowd), max(_LIVE, crowd))
