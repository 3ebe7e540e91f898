"""Who may do what where, as data: product.md's people, environments and operations in one table.

:mod:`opsportal.accounts.rules` answers from it. A new kind of operation is one row in :data:`GRANTS`
and one in :data:`WORDS`. What no row grants is refused.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PRODUCT_OWNER: Final = "product_owner"
PRODUCT_TEAM: Final = "product_team"
ENGINEERING_LEAD: Final = "engineering_lead"
ENGINEER: Final = "engineer"
DESIGNER: Final = "designer"
ADMIN: Final = "admin"

#: product.md, The people: each role's name and the words for it.
ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        PRODUCT_OWNER: "product owner",
        PRODUCT_TEAM: "product team",
        ENGINEERING_LEAD: "engineering lead",
        ENGINEER: "engineer",
        DESIGNER: "designer",
        ADMIN: "admin",
    }
)

# Beside roles a grant may name these two.
OWNER: Final = "owner"
PORTAL: Final = "portal"

WHO: Final[Mapping[str, str]] = MappingProxyType(
    {
        PRODUCT_OWNER: "a product owner",
        PRODUCT_TEAM: "somebody of the product team",
        ENGINEERING_LEAD: "an engineering lead",
        ENGINEER: "an engineer",
        DESIGNER: "a designer",
        ADMIN: "an admin",
        OWNER: "its owner",
    }
)
ORDER: Final = (OWNER, ENGINEER, DESIGNER, ENGINEERING_LEAD, PRODUCT_OWNER, PRODUCT_TEAM, ADMIN)

SANDBOX: Final = "sandbox"
DEVELOPMENT: Final = "development"
STAGING: Final = "staging"
STABLE: Final = "stable"
PLACES: Final = (SANDBOX, DEVELOPMENT, STAGING, STABLE)


class Permission:
    """What may be asked for. Operations are named by their kind, as product.md's table names them."""

    SEE_ENVIRONMENTS: Final = "see_environments"
    MANAGE_PEOPLE: Final = "manage_people"
    READ_AUDIT: Final = "read_audit"
    SAVE_COMMANDS: Final = "save_commands"
    MANAGE_NOTIFICATIONS: Final = "manage_notifications"
    HOLD: Final = "hold"

    REPORT_BUGS: Final = "report_bugs"
    CONSENT_TO_CRITICAL: Final = "consent_to_critical"
    ASSIGN_BUGS: Final = "assign_bugs"
    STAND_IN_FOR_LEAD: Final = "stand_in_for_lead"
    WORK_ON_BUGS: Final = "work_on_bugs"
    REVIEW_BUGS: Final = "review_bugs"
    CLOSE_BUGS: Final = "close_bugs"

    DEPLOY: Final = "deploy"
    MIGRATE: Final = "migrate"
    LOAD_FIXTURES: Final = "load_fixtures"
    CREATE_CACHE_TABLE: Final = "create_cache_table"
    CLEAR_SESSIONS: Final = "clear_sessions"
    RUN_TASK: Final = "run_task"
    RESET_DATABASE: Final = "reset_database"
    RECREATE_DATABASE: Final = "recreate_database"
    COPY_DATABASE: Final = "copy_database"
    RESTART: Final = "restart"
    RESTAGE: Final = "restage"
    SCALE: Final = "scale"
    PROMOTE: Final = "promote"
    ROLL_BACK: Final = "roll_back"
    CREATE_SANDBOX: Final = "create_sandbox"
    DESTROY_SANDBOX: Final = "destroy_sandbox"
    ROTATE_CREDENTIALS: Final = "rotate_credentials"


Grant = frozenset[str]

NEVER: Final[Grant] = frozenset()
PORTAL_ONLY: Final[Grant] = frozenset({PORTAL})


def _grant(*who: str) -> Grant:
    """Those named, and the portal itself, which carries out what people and schedules ask for."""
    return frozenset({*who, PORTAL})


_ENGINEERING = _grant(ENGINEER, ENGINEERING_LEAD, ADMIN)
_OWN_SANDBOX = _ENGINEERING | {OWNER}
_DEPLOYERS = _OWN_SANDBOX | {DESIGNER}
LEAD_OR_ADMIN = _grant(ENGINEERING_LEAD, ADMIN)
_LEAD = _grant(ENGINEERING_LEAD)
_ADMIN = _grant(ADMIN)


def _places(sandbox: Grant, development: Grant, staging: Grant, stable: Grant) -> Mapping[str, Grant]:
    return MappingProxyType({SANDBOX: sandbox, DEVELOPMENT: development, STAGING: staging, STABLE: stable})


_EVERYWHERE = _places(_OWN_SANDBOX, _ENGINEERING, _ENGINEERING, _ENGINEERING)
_STABLE_BY_LEAD = _places(_OWN_SANDBOX, _ENGINEERING, _ENGINEERING, _LEAD)
_SANDBOX_BY_ADMIN = _places(_ADMIN, NEVER, NEVER, NEVER)

#: Permission → kind of environment → who. product.md, Environments and Operations.
GRANTS: Final[Mapping[str, Mapping[str, Grant]]] = MappingProxyType(
    {
        Permission.DEPLOY: _places(_DEPLOYERS, PORTAL_ONLY, PORTAL_ONLY, PORTAL_ONLY),
        Permission.MIGRATE: _EVERYWHERE,
        Permission.LOAD_FIXTURES: _places(_OWN_SANDBOX, _ENGINEERING, _ENGINEERING, NEVER),
        Permission.CREATE_CACHE_TABLE: _EVERYWHERE,
        Permission.CLEAR_SESSIONS: _EVERYWHERE,
        Permission.RUN_TASK: _places(_OWN_SANDBOX, _ENGINEERING, _ENGINEERING, LEAD_OR_ADMIN),
        Permission.RESET_DATABASE: _places(_OWN_SANDBOX, _ENGINEERING, LEAD_OR_ADMIN, NEVER),
        Permission.RECREATE_DATABASE: _places(_OWN_SANDBOX, NEVER, NEVER, NEVER),
        Permission.COPY_DATABASE: _places(NEVER, NEVER, LEAD_OR_ADMIN, NEVER),
        Permission.RESTART: _STABLE_BY_LEAD,
        Permission.RESTAGE: _STABLE_BY_LEAD,
        Permission.SCALE: _STABLE_BY_LEAD,
        Permission.PROMOTE: _places(_DEPLOYERS, NEVER, NEVER, PORTAL_ONLY),
        Permission.ROLL_BACK: _places(_DEPLOYERS, _ENGINEERING, _ENGINEERING, _LEAD),
        Permission.HOLD: _places(_OWN_SANDBOX, LEAD_OR_ADMIN, LEAD_OR_ADMIN, LEAD_OR_ADMIN),
        Permission.CREATE_SANDBOX: _SANDBOX_BY_ADMIN,
        Permission.DESTROY_SANDBOX: _SANDBOX_BY_ADMIN,
        Permission.ROTATE_CREDENTIALS: _SANDBOX_BY_ADMIN,
    }
)

#: What needs no place.
GENERAL_GRANTS: Final[Mapping[str, Grant]] = MappingProxyType(
    {
        Permission.SEE_ENVIRONMENTS: _grant(*ROLES),
        Permission.MANAGE_PEOPLE: _ADMIN,
        Permission.READ_AUDIT: LEAD_OR_ADMIN,
        Permission.SAVE_COMMANDS: LEAD_OR_ADMIN,
        Permission.MANAGE_NOTIFICATIONS: _ADMIN,
        # product.md, Bug tickets. Only a product owner's word makes a bug Critical: not the portal's, not an admin's.
        Permission.REPORT_BUGS: _grant(*ROLES),
        Permission.CONSENT_TO_CRITICAL: frozenset({PRODUCT_OWNER}),
        Permission.ASSIGN_BUGS: frozenset({ENGINEERING_LEAD}),
        Permission.STAND_IN_FOR_LEAD: frozenset({PRODUCT_OWNER, PRODUCT_TEAM}),
        Permission.WORK_ON_BUGS: frozenset({ENGINEER, ENGINEERING_LEAD}),
        Permission.REVIEW_BUGS: frozenset({ENGINEER, ENGINEERING_LEAD, DESIGNER}),
        Permission.CLOSE_BUGS: _grant(PRODUCT_OWNER, PRODUCT_TEAM, ENGINEERING_LEAD),
    }
)

#: "Only … may <words>".
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Permission.SEE_ENVIRONMENTS: "see the environments",
        Permission.MANAGE_PEOPLE: "manage people and their roles",
        Permission.READ_AUDIT: "read the audit trail",
        Permission.SAVE_COMMANDS: "keep commands for everybody",
        Permission.MANAGE_NOTIFICATIONS: "manage what is told where",
        Permission.REPORT_BUGS: "report bugs and say what they think of them",
        Permission.CONSENT_TO_CRITICAL: "consent to Critical",
        Permission.ASSIGN_BUGS: "assign bugs",
        Permission.STAND_IN_FOR_LEAD: "assign a Critical bug in the lead's place",
        Permission.WORK_ON_BUGS: "take a bug",
        Permission.REVIEW_BUGS: "review a fix",
        Permission.CLOSE_BUGS: "close a bug",
        Permission.DEPLOY: "deploy to {where}",
        Permission.MIGRATE: "migrate {where}",
        Permission.LOAD_FIXTURES: "load fixtures on {where}",
        Permission.CREATE_CACHE_TABLE: "create the cache table on {where}",
        Permission.CLEAR_SESSIONS: "clear the sessions on {where}",
        Permission.RUN_TASK: "run a task on {where}",
        Permission.RESET_DATABASE: "reset the database of {where}",
        Permission.RECREATE_DATABASE: "recreate the database of {where}",
        Permission.COPY_DATABASE: "copy stable's data to {where}",
        Permission.RESTART: "restart {where}",
        Permission.RESTAGE: "restage {where}",
        Permission.SCALE: "scale {where}",
        Permission.PROMOTE: "promote to {where}",
        Permission.ROLL_BACK: "roll back {where}",
        Permission.HOLD: "hold {where}",
        Permission.CREATE_SANDBOX: "create {where}",
        Permission.DESTROY_SANDBOX: "destroy {where}",
        Permission.ROTATE_CREDENTIALS: "rotate the credentials of {where}",
    }
)
