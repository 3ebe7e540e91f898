"""Branches of the sample application that are not merged yet: what people would deploy to a sandbox.

Some of them are broken, each in its own way, so that every ending of a deploy can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from opsportal.demo import team
from opsportal.demo.story.changes import Edit, New
from opsportal.demo.story.entries import BASE, DOMAIN, HOME, MODELS, SETTINGS, SRC, STYLES, VIEWS, Entry

NEW_HEADLINE = "ab/friendlier-headline"
NEW_MIGRATION = "cw/name-servers"
BUILD_FAILS = "es/dark-theme"
STAGING_FAILS = "cw/registry-address"
NEVER_HEALTHY = "gd/check-login-provider"
MIGRATION_FAILS = "ky/backfill-contacts"
BAD_MANIFEST = "hotgov/memory-by-variable"
CRITICAL_FIX = "cw/BUG-4-send-invitations"
USABILITY = "nl/usability-findings"
NEW_GUNICORN = "dependencies/gunicorn-25"

FRIENDLY_HEADLINE = "Your .gov domains, in one place"


@dataclass(frozen=True)
class Branch:
    """A branch: its name, where it left main (a tag, or main itself) and what was done on it."""

    name: str
    base: str
    entries: tuple[Entry, ...]


def _migration(after: str, operation: str, says: str) -> str:
    return (
        f'"""{says}"""\n\nfrom django.db import migrations, models\n\n\n'
        "class Migration(migrations.Migration):\n"
        f'    dependencies = [("registrar", "{after}")]\n    operations = [\n        {operation},\n    ]\n'
    )


HEALTH = '''    """Alive; asks nothing of the database, which may be down while we are well."""
'''
HEALTH_WITH_LOGIN = '''    """Alive, and able to sign people in."""
    if not settings.LOGIN_PROVIDER:
        return HttpResponse("The login provider is not configured", status=503, content_type="text/plain")
'''

INVITATIONS = '''"""Invitations to manage a domain."""

from django.core.mail import send_mail


def invite(address: str, domain: str) -> None:
    """Tell somebody that they may manage a domain now. Sent at once: the queue it used to wait in is gone."""
    send_mail(f"Manage {domain}", f"You can manage {domain} now.", None, [address])
'''

BRANCHES = (
    Branch(
        NEW_HEADLINE,
        "main",
        (
            Entry(
                "2026-11-20T14:12:00-05:00",
                team.ANA,
                "Greet people with a friendlier headline",
                (Edit(HOME, "<h1>Manage your .gov domains</h1>", f"<h1>{FRIENDLY_HEADLINE}</h1>"),),
            ),
            Entry(
                "2026-11-20T15:40:00-05:00",
                team.ANA,
                "Use the headline as the page's title too",
                (Edit(BASE, "%}Manage your .gov domains{%", f"%}}{FRIENDLY_HEADLINE}{{%"),),
            ),
        ),
    ),
    Branch(
        NEW_MIGRATION,
        "main",
        (
            Entry(
                "2026-11-20T11:05:00-05:00",
                team.CLEO,
                "Keep a domain's name servers",
                (
                    New(
                        f"{SRC}/migrations/0005_domain_name_servers.py",
                        _migration(
                            "0004_domain_security_contact",
                            "migrations.AddField(\n"
                            '            model_name="domain",\n            name="name_servers",\n'
                            "            field=models.TextField(blank=True),\n        )",
                            "Where a domain's addresses are kept.",
                        ),
                    ),
                    Edit(
                        MODELS,
                        "    security_contact = models.EmailField(blank=True)\n",
                        "    security_contact = models.EmailField(blank=True)\n"
                        "    name_servers = models.TextField(blank=True)\n",
                    ),
                ),
            ),
            Entry(
                "2026-11-20T16:58:00-05:00",
                team.CLEO,
                "Show the name servers on the domain's page",
                (
                    Edit(
                        DOMAIN,
                        "</dl>",
                        '  <div><dt>Name servers</dt><dd>{{ domain.name_servers|default:"none" }}</dd></div>'
                        "\n</dl>",
                    ),
                ),
            ),
        ),
    ),
    Branch(
        BUILD_FAILS,
        "main",
        (
            Entry(
                "2026-11-19T17:33:00-05:00",
                team.ESME,
                "Begin a dark theme",
                (Edit(f"{STYLES}/styles.css", '@use "status";\n', '@use "status";\n@use "dark";\n'),),
            ),
        ),
    ),
    Branch(
        STAGING_FAILS,
        "v1.205.0",
        (
            Entry(
                "2026-11-17T10:19:00-05:00",
                team.CLEO,
                "Ask for the registry's address at start",
                (
                    Edit(
                        SETTINGS,
                        'IS_PRODUCTION = env.bool("IS_PRODUCTION", default=False)\n',
                        'IS_PRODUCTION = env.bool("IS_PRODUCTION", default=False)\n'
                        'REGISTRY_URL = env.str("REGISTRY_URL")\n',
                    ),
                ),
            ),
        ),
    ),
    Branch(
        NEVER_HEALTHY,
        "main",
        (
            Entry(
                "2026-11-20T13:26:00-05:00",
                team.GIL,
                "Be healthy only when people can sign in",
                (
                    Edit(
                        SETTINGS,
                        "DEBUG = False\n",
                        'DEBUG = False\nLOGIN_PROVIDER = env.str("OIDC_ACTIVE_PROVIDER", default="")\n',
                    ),
                    Edit(VIEWS, HEALTH, HEALTH_WITH_LOGIN),
                ),
            ),
        ),
    ),
    Branch(
        MIGRATION_FAILS,
        "main",
        (
            Entry(
                "2026-11-20T10:41:00-05:00",
                team.KOFI,
                "Fill in missing security contacts from the old table",
                (
                    New(
                        f"{SRC}/migrations/0005_backfill_contacts.py",
                        _migration(
                            "0004_domain_security_contact",
                            "migrations.RunSQL(\n"
                            '            "UPDATE registrar_domain SET security_contact = "\n'
                            '            "(SELECT email FROM registrar_contact)",\n'
                            "            migrations.RunSQL.noop,\n        )",
                            "Copies the contacts that the old table knew.",
                        ).replace("import migrations, models", "import migrations"),
                    ),
                ),
            ),
        ),
    ),
    Branch(
        BAD_MANIFEST,
        "main",
        (
            Entry(
                "2026-11-20T12:03:00-05:00",
                team.DANA,
                "Take a sandbox's memory from a variable",
                tuple(
                    Edit(f"ops/manifests/manifest-{name}.yaml", "memory: 512M", "memory: ((SANDBOX_MEMORY))")
                    for name in team.SANDBOXES
                ),
            ),
        ),
    ),
    Branch(
        CRITICAL_FIX,
        "v1.205.0",
        (
            Entry(
                "2026-11-20T16:31:00-05:00",
                team.CLEO,
                "Send an invitation as soon as it is made",
                (New(f"{SRC}/invitations.py", INVITATIONS),),
            ),
        ),
    ),
    Branch(
        USABILITY,
        "v1.203.0",
        (
            Entry(
                "2026-11-02T15:30:00-05:00",
                team.NOOR,
                "Say 'organization' instead of 'agency'",
                (Edit(HOME, '<th scope="col">Agency</th>', '<th scope="col">Organization</th>'),),
            ),
            Entry(
                "2026-11-04T09:14:00-05:00",
                team.NOOR,
                "Ask for contacts in plain words",
                (Edit(HOME, "Keep its contacts up to date.", "Please check that we can reach you."),),
            ),
        ),
    ),
    Branch(
        NEW_GUNICORN,
        "staging-254",
        (
            Entry(
                "2026-11-18T06:00:00-05:00",
                team.KOFI,
                "Require gunicorn 25",
                (Edit("src/requirements.txt", "gunicorn>=23\n", "gunicorn>=25\n"),),
            ),
        ),
    ),
)
