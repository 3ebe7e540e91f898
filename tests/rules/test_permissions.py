"""Who may do what where: product.md's tables, read back from the rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.accounts import grants, rules
from opsportal.accounts.rules import Actor, Permission, Place, Refused, cancelling, may, retrying

EVERYBODY = ("owner", *grants.ROLES.values(), "the portal")
ENGINEERING = {"engineer", "engineering lead", "admin"}
LEAD_OR_ADMIN = {"engineering lead", "admin"}
NOBODY: set[str] = set()

#: operation → sandbox, development, staging, stable → who may. The portal may whatever anybody may.
BY_HAND = {
    "deploy": ({"owner", "designer"} | ENGINEERING, "cd", "cd", "cd"),
    "migrate": ({"owner"} | ENGINEERING, ENGINEERING, ENGINEERING, ENGINEERING),
    "load_fixtures": ({"owner"} | ENGINEERING, ENGINEERING, ENGINEERING, NOBODY),
    "create_cache_table": ({"owner"} | ENGINEERING, ENGINEERING, ENGINEERING, ENGINEERING),
    "clear_sessions": ({"owner"} | ENGINEERING, ENGINEERING, ENGINEERING, ENGINEERING),
    "run_task": ({"owner"} | ENGINEERING, ENGINEERING, ENGINEERING, LEAD_OR_ADMIN),
    "reset_database": ({"owner"} | ENGINEERING, ENGINEERING, LEAD_OR_ADMIN, NOBODY),
    "recreate_database": ({"owner"} | ENGINEERING, NOBODY, NOBODY, NOBODY),
    "copy_database": (NOBODY, NOBODY, LEAD_OR_ADMIN, NOBODY),
    "restart": ({"owner"} | ENGINEERING, ENGINEERING, ENGINEERING, {"engineering lead"}),
    "restage": ({"owner"} | ENGINEERING, ENGINEERING, ENGINEERING, {"engineering lead"}),
    "scale": ({"owner"} | ENGINEERING, ENGINEERING, ENGINEERING, {"engineering lead"}),
    "promote": ({"owner", "designer"} | ENGINEERING, NOBODY, NOBODY, "cd"),
    "roll_back": ({"owner", "designer"} | ENGINEERING, ENGINEERING, ENGINEERING, {"engineering lead"}),
    "hold": ({"owner"} | ENGINEERING, LEAD_OR_ADMIN, LEAD_OR_ADMIN, LEAD_OR_ADMIN),
    "create_sandbox": ({"admin"}, NOBODY, NOBODY, NOBODY),
    "destroy_sandbox": ({"admin"}, NOBODY, NOBODY, NOBODY),
    "rotate_credentials": ({"admin"}, NOBODY, NOBODY, NOBODY),
}
GENERAL = {
    "see_environments": set(grants.ROLES.values()),
    "manage_people": {"admin"},
    "read_audit": LEAD_OR_ADMIN,
    "save_commands": LEAD_OR_ADMIN,
    "manage_notifications": {"admin"},
    "report_bugs": set(grants.ROLES.values()),
    "consent_to_critical": {"product owner"},
    "assign_bugs": {"engineering lead"},
    "stand_in_for_lead": {"product owner", "product team"},
    "work_on_bugs": {"engineer", "engineering lead"},
    "review_bugs": {"engineer", "engineering lead", "designer"},
    "close_bugs": {"product owner", "product team", "engineering lead"},
}
PLACES = ("sandbox", "development", "staging", "stable")


def somebody(who: str) -> Actor:
    """An actor by product.md's word. The owner of the sandbox is of the product team, so owning is all they have."""
    if who == "the portal":
        return Actor("opsportal", "The portal", frozenset(), active=True, is_service=True)
    if who == "owner":
        return Actor("ana", "Ana Alvarez", frozenset({"product_team"}), active=True)
    role = {words: name for name, words in grants.ROLES.items()}[who]
    return Actor("bo", "Bo Berg", frozenset({role}), active=True)


def place(kind: str) -> Place:
    return Place("ab" if kind == "sandbox" else kind, kind, "ana" if kind == "sandbox" else None)


ROWS = [
    pytest.param(who, kind, where, allowed[PLACES.index(where)], id=f"{who} {kind} {where}".replace(" ", "-"))
    for kind, allowed in BY_HAND.items()
    for where in PLACES
    for who in EVERYBODY
]


@pytest.mark.parametrize(("who", "kind", "where", "allowed"), ROWS)
def test_an_operation_is_for_those_the_product_names(
    who: str, kind: str, where: str, allowed: set[str] | str
) -> None:
    people = set() if allowed == "cd" else set(allowed)
    expected = bool(allowed) if who == "the portal" else who in people

    assert bool(may(somebody(who), kind, place(where))) is expected


@pytest.mark.parametrize("permission", GENERAL)
@pytest.mark.parametrize("who", EVERYBODY[1:-1])
def test_what_needs_no_place_is_for_those_the_product_names(who: str, permission: str) -> None:
    assert bool(may(somebody(who), permission)) is (who in GENERAL[permission])


def test_the_table_above_knows_every_permission_there_is() -> None:
    named = {value for name, value in vars(Permission).items() if not name.startswith("_")}

    assert named == BY_HAND.keys() | GENERAL.keys()
    assert named == grants.GRANTS.keys() | grants.GENERAL_GRANTS.keys() == grants.WORDS.keys()


@pytest.mark.parametrize("follow_up", [cancelling, retrying])
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("kind", BY_HAND)
def test_cancel_and_retry_belong_to_those_who_may_run_it(follow_up, where: str, kind: str) -> None:
    allowed = BY_HAND[kind][PLACES.index(where)]
    people = LEAD_OR_ADMIN if allowed == "cd" else allowed

    may_follow_up = {who for who in EVERYBODY if may(somebody(who), follow_up(kind), place(where))}

    assert may_follow_up == (people | {"the portal"} if people else set())


@pytest.mark.parametrize(
    ("who", "permission", "where", "reason"),
    [
        (
            "designer",
            "migrate",
            "sandbox",
            "Only its owner, an engineer, an engineering lead or an admin may migrate the sandbox ab.",
        ),
        ("engineer", "restart", "stable", "Only an engineering lead may restart stable."),
        (
            "engineer",
            "deploy",
            "staging",
            "Only the portal may deploy to staging, when a release is tagged; "
            "cutting releases is not part of the portal yet.",
        ),
        (
            "admin",
            "deploy",
            "development",
            "Only the portal may deploy to development, on every push to main: merge your change to main.",
        ),
        (
            "admin",
            "reset_database",
            "stable",
            "The database of stable is never reset, by anyone, by any path.",
        ),
        (
            "the portal",
            "load_fixtures",
            "stable",
            "Nobody may load fixtures on stable: it is never done on stable.",
        ),
        ("engineer", "paint", "sandbox", "The portal knows no permission “paint”, so nobody has it."),
        (
            "engineer",
            cancelling("deploy"),
            "staging",
            "Only an engineering lead or an admin may cancel an operation that is to deploy to staging.",
        ),
    ],
)
def test_a_refusal_says_why_in_plain_words(who: str, permission: str, where: str, reason: str) -> None:
    assert may(somebody(who), permission, place(where)).reason == reason


def test_owning_a_sandbox_gives_nothing_in_another_one() -> None:
    assert may(somebody("owner"), "deploy", Place("ab", "sandbox", "ana"))
    assert not may(somebody("owner"), "deploy", Place("cw", "sandbox", "cleo"))
    assert not may(somebody("owner"), "deploy", Place("gd", "sandbox", None))


def test_an_owner_who_lost_every_role_may_no_longer_do_anything() -> None:
    verdict = may(Actor("ana", "Ana", frozenset(), active=True), "deploy", place("sandbox"))

    assert verdict.reason == "Ana has no role in the portal yet. An admin can give one."


def test_an_operation_without_a_place_is_refused() -> None:
    assert "needs an environment" in may(somebody("admin"), "deploy").reason


def test_the_last_active_admin_stays_one() -> None:
    assert rules.keeps_an_admin(frozenset({"ana", "bo"}), "ana")
    verdict = rules.keeps_an_admin(frozenset({"ana"}), "ana")

    assert (bool(verdict), verdict.who_can) == (False, ("admin",))


def test_a_refused_action_carries_the_verdict_and_its_words() -> None:
    verdict = rules.Verdict(False, "Only an admin may.", ("admin",), "Ana and Bo")

    assert str(Refused(verdict)) == "Only an admin may. Who can: Ana and Bo."


# --- whatever is asked ----------------------------------------------------------------------------

known = sorted(grants.WORDS)
permissions = st.one_of(
    st.sampled_from([*known, *map(cancelling, known), *map(retrying, known)]), st.text(max_size=30)
)
names = st.sampled_from(["ana", "bo", "cleo"])
actors = st.builds(
    Actor,
    username=names,
    name=names,
    roles=st.frozensets(st.one_of(st.sampled_from(sorted(grants.ROLES)), st.text(max_size=8))),
    active=st.booleans(),
    is_service=st.booleans(),
)
places = st.none() | st.builds(
    Place,
    environment=st.text(min_size=1, max_size=8),
    kind=st.sampled_from([*PLACES, "qa", ""]),
    owner=st.none() | names,
)


@given(actors, permissions, places)
def test_a_refusal_always_says_why_and_who_can(actor: Actor, permission: str, where: Place | None) -> None:
    verdict = may(actor, permission, where)

    assert verdict.allowed or (verdict.reason and verdict.who_can and all(verdict.who_can))


@given(actors, permissions, places)
def test_whose_account_is_switched_off_may_do_nothing(
    actor: Actor, permission: str, where: Place | None
) -> None:
    assert not may(Actor(actor.username, actor.name, actor.roles, active=False), permission, where)


@given(actors, st.text(max_size=30).filter(lambda text: text.split(":")[-1] not in known), places)
def test_what_is_not_in_the_table_is_refused(actor: Actor, permission: str, where: Place | None) -> None:
    assert not may(actor, permission, where)


@given(
    actors, permissions, st.builds(Place, st.text(max_size=8), st.sampled_from(["qa", "", "Stable"]), names)
)
def test_an_unknown_kind_of_environment_is_never_changed(actor: Actor, permission: str, where: Place) -> None:
    assert not may(actor, permission, where) or permission in grants.GENERAL_GRANTS


@given(actors, st.text(max_size=10), st.sampled_from(["", "cancel:", "retry:"]))
def test_nobody_ever_resets_the_database_of_stable(actor: Actor, name: str, follow_up: str) -> None:
    assert not may(actor, f"{follow_up}reset_database", Place(name, "stable", actor.username))
