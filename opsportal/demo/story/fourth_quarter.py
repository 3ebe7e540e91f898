"""What the team did in October and November 2026, oldest first, on main."""

from opsportal.demo import team
from opsportal.demo.story.changes import Edit, FixtureField, New
from opsportal.demo.story.entries import (
    DOMAIN,
    DOMAINS,
    HOME,
    MODELS,
    SETTINGS,
    SRC,
    STYLES,
    URLS,
    Entry,
    sandbox,
)

CONTACTS: dict[int, str | None] = {
    **dict.fromkeys(range(1, 9), ""),
    1: "security@maplefalls.gov",
    2: "it@harborcounty.gov",
    4: "soc@riversafety.gov",
    5: "soc@riversafety.gov",
    7: "help@northernlakes-nsn.gov",
}


OCTOBER_TO_NOVEMBER = (
    Entry(
        "2026-10-05T14:28:00-04:00",
        team.KOFI,
        "Add a page for one domain",
        (
            New(DOMAIN),
            Edit(
                URLS,
                '    path("health"',
                '    path("domains/<str:name>", views.domain, name="domain"),\n    path("health"',
            ),
            Edit(
                HOME,
                '<th scope="row">{{ domain.name }}</th>',
                '<th scope="row"><a href="{% url \'domain\' domain.name %}">{{ domain.name }}</a></th>',
            ),
        ),
        3398,
        ("staging-248", "v1.200.0"),
    ),
    Entry(
        "2026-10-08T11:16:00-04:00",
        team.CLEO,
        "Ignore spaces around the log settings",
        (
            Edit(SETTINGS, 'default="INFO"),', 'default="INFO").strip(),'),
            Edit(SETTINGS, 'default="console"),', 'default="console").strip(),'),
        ),
        3402,
    ),
    sandbox("2026-10-13T09:31:00-04:00", team.DANA, "rh", ("staging-249", "v1.201.0")),
    Entry(
        "2026-10-15T15:09:00-04:00",
        team.ANA,
        "Start without compiled styles",
        (
            Edit(
                SETTINGS,
                'STATICFILES_DIRS = [BASE_DIR / "registrar" / "assets"]\n',
                'STATICFILES_DIRS = [folder for folder in [BASE_DIR / "registrar" / "assets"] '
                "if folder.is_dir()]\n",
            ),
        ),
        3411,
    ),
    Entry(
        "2026-10-20T12:52:00-04:00",
        team.MARTA,
        "Answer an unknown address with a page that leads back",
        (New(f"{SRC}/templates/404.html"),),
        3417,
        ("staging-250", "v1.202.0"),
    ),
    Entry(
        "2026-10-22T16:36:00-04:00",
        team.THEO,
        "Load the State Library's domain too",
        (
            Edit(
                DOMAINS,
                '"expires_on": "2027-09-23"}}\n]',
                '"expires_on": "2027-09-23"}},\n  {"model": "registrar.domain", "pk": 8, "fields": '
                '{"name": "statelibrary.gov", "agency": 6, "status": "dns needed", "expires_on": null}}\n]',
            ),
        ),
    ),
    sandbox("2026-10-27T10:18:00-04:00", team.GIL, "za", ("staging-251", "v1.203.0")),
    Entry(
        "2026-10-29T13:03:00-04:00",
        team.ROSA,
        "Give log lines milliseconds",
        (Edit(f"{SRC}/config/logs.py", "UTC).isoformat()", 'UTC).isoformat(timespec="milliseconds")'),),
        3426,
    ),
    Entry(
        "2026-11-03T17:27:00-05:00",
        team.CLEO,
        "Add a page that fails on purpose, to try the logs",
        (
            Edit(
                URLS,
                'name="version"),\n',
                'name="version"),\n    path("raise", views.raise_error, name="raise"),\n',
            ),
            New(f"{SRC}/templates/500.html"),
        ),
        3433,
        ("staging-252", "v1.204.0"),
    ),
    Entry(
        "2026-11-05T11:41:00-05:00",
        team.NOOR,
        "Run two instances of staging, as stable does",
        (Edit("ops/manifests/manifest-staging.yaml", "  instances: 1\n", "  instances: 2\n"),),
        3437,
    ),
    Entry(
        "2026-11-10T15:58:00-05:00",
        team.ESME,
        "Darken the header for contrast",
        (Edit(f"{STYLES}/_tokens.css", "$primary-dark: #1a4480;", "$primary-dark: #162e51;"),),
        3442,
        ("staging-253", "v1.205.0"),
    ),
    Entry(
        "2026-11-12T10:22:00-05:00",
        team.ANA,
        "Know whom to tell about a weakness in a domain",
        (
            New(f"{SRC}/migrations/0004_domain_security_contact.py"),
            Edit(
                MODELS,
                "expires_on = models.DateField(null=True, blank=True)\n",
                "expires_on = models.DateField(null=True, blank=True)\n"
                "    security_contact = models.EmailField(blank=True)\n",
            ),
            FixtureField(DOMAINS, "security_contact", CONTACTS),
            Edit(
                DOMAIN,
                "</dl>",
                '  <div><dt>Security contact</dt><dd>{{ domain.security_contact|default:"none" }}</dd>'
                "</div>\n</dl>",
            ),
        ),
        3446,
    ),
    Entry(
        "2026-11-17T14:49:00-05:00",
        team.KOFI,
        "Show an agency's city on its domain's page",
        (
            Edit(
                DOMAIN,
                "{{ domain.agency }}</dd>",
                "{{ domain.agency }}{% if domain.agency.city %}, {{ domain.agency.city }}{% endif %}</dd>",
            ),
        ),
        3451,
        ("staging-254",),
    ),
    Entry(
        "2026-11-18T16:07:00-05:00",
        team.THEO,
        "Explain in the README how a sandbox is added",
        (
            Edit(
                "README.md",
                "A new sandbox starts from the template.\n",
                "A new sandbox starts from `manifest-sandbox-template.yaml`,\n"
                "with `ENVIRONMENT` replaced by its name.\n",
            ),
        ),
    ),
    Entry(
        "2026-11-19T12:30:00-05:00",
        team.CLEO,
        "Keep styles' sources out of what is uploaded",
        (Edit("src/.cfignore", "*.sqlite3\n", "*.sqlite3\nregistrar/styles/\n"),),
        3455,
    ),
    Entry(
        "2026-11-20T09:47:00-05:00",
        team.ESME,
        "Set the text a little larger",
        (Edit(f"{STYLES}/_base.css", "font: 1rem/1.5", "font: 1.06rem/1.5"),),
        3458,
    ),
)
