"""What the witnesses say: how an environment is, and whether what runs is what should. Pure."""

from dataclasses import dataclass

KINDS = {"stable": "stable", "staging": "staging", "development": "development"}


def kind_of(name: str) -> str:
    """The kind of an environment by its name: three have names of their own, the rest are sandboxes (product.md)."""
    return KINDS.get(name, "sandbox")


def variables(commit: str, ref: str) -> dict[str, str]:
    """What manifests may ask for: the commit and the name it is deployed by, as ``cf push --var`` gave them."""
    return {"GIT_COMMIT_SHA": commit, "GIT_BRANCH": ref, "GIT_TAG": ref}


@dataclass(frozen=True)
class Instances:
    """What the platform says of an application: desired state, instances wanted and running, any that crashed."""

    app_exists: bool
    started: bool
    wanted: int
    running: int
    app_answers_badly: str = ""


def health(seen: Instances) -> str:
    """One word for how it is: healthy, degraded, down, stopped or not_known."""
    if not seen.app_exists:
        return "not_known"
    if not seen.started or seen.wanted == 0:
        return "stopped"
    if seen.running == 0:
        return "down"
    if seen.running < seen.wanted or seen.app_answers_badly:
        return "degraded"
    return "healthy"


@dataclass(frozen=True)
class Witnesses:
    """What each says is there: a commit, or empty when it says nothing.

    ``git``: what the portal last deployed, as it stands in Git. ``platform``: the droplet's label or the
    environment variable. ``app``: the application's own ``/version``.
    """

    git: str = ""
    platform: str = ""
    app: str = ""


@dataclass(frozen=True)
class Drift:
    """Whether the witnesses differ, which agree, and the whole as a sentence (empty without drift)."""

    drifted: bool
    agree: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    sentence: str = ""


_NAMES = {"git": "Git", "platform": "the platform", "app": "the application"}


def same_commit(one: str, other: str) -> bool:
    """Whether two commits are the same, either possibly shortened (seven characters at least)."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    return len(short) >= 7 and long.startswith(short)


def drift(seen: Witnesses) -> Drift:
    """Compare the three witnesses. One that is silent is not counted against the others."""
    said = {name: commit for name, commit in vars(seen).items() if commit}
    groups: list[list[str]] = []
    for name, commit in said.items():
        for group in groups:
            if same_commit(said[group[0]], commit):
                group.append(name)
                break
        else:
            groups.append([name])
    if len(groups) < 2:
        return Drift(drifted=False, agree=tuple(said))
    groups.sort(key=len, reverse=True)
    pair = groups[0] if len(groups[0]) > 1 else []
    others = [name for group in groups if group is not pair for name in group]
    words = [f"{_NAMES[name]} says {said[name][:8]}" for name in others]
    if pair:
        together = " and ".join(_NAMES[name] for name in pair)
        sentence = f"{together} agree on {said[pair[0]][:8]}, but {' and '.join(words)}."
    else:
        sentence = f"{', '.join(words)}: none agree."
    return Drift(True, tuple(pair), tuple(others), sentence[:1].upper() + sentence[1:])


def may_pass_hold(passes: str, set_by: str, username: str, roles: frozenset[str]) -> bool:
    """Whether a hold lets somebody pass. ``passes``: nobody, holder (who set it) or lead (leads and admins)."""
    if passes == "holder":
        return username == set_by
    return passes == "lead" and bool(roles & {"engineering_lead", "admin"})
