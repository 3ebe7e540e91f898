"""What the team did from July to September 2026, oldest first, on main; then the hotfix that followed.

Entries with a pull request get a commit on a branch and a merge; the rest went straight to main. Tags stand
on what was released: every Wednesday staging got the head of main, and stable the commit that staging had got
the week before. Some tags are as people really typed them.
"""

from opsportal.demo import team
from opsportal.demo.story.changes import Edit, FixtureField, New
from opsportal.demo.story.entries import (
    AGENCIES,
    BASE,
    DOMAINS,
    GUNICORN,
    HOME,
    MANIFESTS,
    MODELS,
    SETTINGS,
    SRC,
    STYLES,
    Entry,
    sandbox,
)

EXPIRES = {
    1: "2027-03-31",
    2: "2027-06-12",
    4: "2026-12-19",
    5: "2026-10-01",
    6: "2027-01-08",
    7: "2027-09-23",
}
CITIES = {
    1: "Maple Falls",
    2: "Port Linden",
    3: "Cedar Bend",
    4: "Quail Hollow",
    5: "Birch Point",
    6: "Capital City",
}

JULY_TO_SEPTEMBER = (
    Entry(
        "2026-07-20T09:30:00-04:00", team.DANA, "Start the registrar: agencies, domains, health and version"
    ),
    Entry(
        "2026-07-21T14:05:00-04:00",
        team.ANA,
        "Show what to do when the database has no tables yet",
        (
            Edit(
                HOME,
                "{% if not domains %}",
                '{% if not migrated %}\n<p class="alert" role="status">The database has no tables yet. '
                "Run the migrations, then load the example records.</p>\n{% elif not domains %}",
            ),
        ),
        3301,
    ),
    Entry(
        "2026-07-23T10:48:00-04:00",
        team.ESME,
        "Give statuses and alerts a look of their own",
        (
            New(f"{STYLES}/_status.css"),
            Edit(f"{STYLES}/styles.css", '@use "table";\n', '@use "table";\n@use "status";\n'),
        ),
        3304,
    ),
    sandbox("2026-07-24T09:12:00-04:00", team.ANA, "ab"),
    sandbox("2026-07-24T09:40:00-04:00", team.CLEO, "cw"),
    Entry(
        "2026-07-28T16:31:00-04:00",
        team.CLEO,
        "Answer on 127.0.0.1, where the health check knocks",
        (Edit(SETTINGS, '".localhost"]', '".localhost", "127.0.0.1"]'),),
        3310,
        ("staging-238", "v1.190.0"),
    ),
    sandbox("2026-07-30T11:00:00-04:00", team.DANA, "dk"),
    Entry(
        "2026-08-04T15:22:00-04:00",
        team.ANA,
        "Record when a domain expires",
        (
            New(f"{SRC}/migrations/0002_domain_expires_on.py"),
            Edit(
                MODELS,
                "default=Status.DNS_NEEDED)\n",
                "default=Status.DNS_NEEDED)\n    expires_on = models.DateField(null=True, blank=True)\n",
            ),
            FixtureField(DOMAINS, "expires_on", EXPIRES),
            Edit(
                HOME,
                "<td><span",
                '<td>{{ domain.expires_on|date:"j F Y" }}</td>\n      <td><span',
            ),
            Edit(HOME, '<th scope="col">Status', '<th scope="col">Expires</th><th scope="col">Status'),
        ),
        3316,
        ("staging-239", "v1.191.0"),
    ),
    Entry(
        "2026-08-07T13:18:00-04:00",
        team.ESME,
        "Let long commits wrap on a phone",
        (Edit(f"{STYLES}/_base.css", "font-size: 0.9em; }", "font-size: 0.9em; overflow-wrap: anywhere; }"),),
    ),
    sandbox("2026-08-11T09:25:00-04:00", team.ESME, "es", ("staging-240", "v1.192.0", "v.1.192.0")),
    Entry(
        "2026-08-13T17:02:00-04:00",
        team.KOFI,
        "Stop gunicorn within five seconds",
        (Edit(GUNICORN, "timeout = 60\n", "timeout = 60\ngraceful_timeout = 5\n"),),
        3327,
    ),
    sandbox("2026-08-14T10:10:00-04:00", team.KOFI, "ky"),
    Entry(
        "2026-08-18T11:45:00-04:00",
        team.THEO,
        "Say on the front page what the registrar is for",
        (
            Edit(
                HOME,
                "</h1>\n",
                '</h1>\n<p class="intro">Every domain below belongs to a real government service. '
                "Keep its contacts up to date.</p>\n",
            ),
        ),
        3331,
        ("staging-241", "v1.193.0"),
    ),
    Entry(
        "2026-08-20T14:37:00-04:00",
        team.CLEO,
        "Keep a traceback inside its JSON record",
        (
            Edit(
                f"{SRC}/config/logs.py",
                "        return json.dumps(entry)",
                "        if record.exc_info:\n"
                '            entry["exception"] = self.formatException(record.exc_info)\n'
                "        return json.dumps(entry)",
            ),
        ),
        3338,
    ),
    sandbox("2026-08-25T09:05:00-04:00", team.GIL, "gd", ("staging-242", "v1.194.0", "v.1.194.0")),
    Entry(
        "2026-08-27T16:20:00-04:00",
        team.ANA,
        "Give the platform 40 seconds for a health check",
        (
            Edit(
                MANIFESTS,
                "  health-check-http-endpoint: /health\n",
                "  health-check-http-endpoint: /health\n  health-check-invocation-timeout: 40\n",
            ),
        ),
        3342,
    ),
    sandbox("2026-08-31T12:00:00-04:00", team.DANA, "hotgov"),
    Entry(
        "2026-09-01T18:11:00-04:00",
        team.MARTA,
        "Speak English only, and start faster for it",
        (Edit(SETTINGS, 'TIME_ZONE = "UTC"\n', 'TIME_ZONE = "UTC"\nUSE_I18N = False\n'),),
        3347,
        ("Staging-243", "v1.195.0"),
    ),
    Entry(
        "2026-09-04T10:33:00-04:00",
        team.ROSA,
        "Count the domains in the table's caption",
        (
            Edit(HOME, "<caption>Domains</caption>", "<caption>{{ domains|length }} domains</caption>"),
            Edit(
                f"{STYLES}/_table.css",
                "th, td {",
                "caption { text-align: left; font-weight: 700; padding: 0.5rem 0; }\nth, td {",
            ),
        ),
        3353,
    ),
    sandbox("2026-09-08T09:50:00-04:00", team.MARTA, "ms", ("staging-244", "v1.196.0", "testing-double-tag")),
    Entry(
        "2026-09-10T15:44:00-04:00",
        team.NOOR,
        "Know the city of an agency",
        (
            New(f"{SRC}/migrations/0003_agency_city.py"),
            Edit(
                MODELS,
                "name = models.CharField(max_length=200, unique=True)\n",
                "name = models.CharField(max_length=200, unique=True)\n"
                "    city = models.CharField(max_length=100, blank=True)\n",
            ),
            FixtureField(AGENCIES, "city", CITIES),
        ),
        3360,
    ),
    sandbox("2026-09-15T11:29:00-04:00", team.NOOR, "nl", ("staging-245", "v1.197.0")),
    Entry(
        "2026-09-17T13:56:00-04:00",
        team.CLEO,
        "Log JSON on stable and staging, for Kibana",
        (
            Edit("ops/manifests/manifest-sta*.yaml", "DJANGO_LOG_FORMAT: console", "DJANGO_LOG_FORMAT: json"),
            Edit(
                "README.md",
                "\nEach environment",
                "\nStable and staging log JSON, the others text.\n\nEach environment",
            ),
        ),
        3366,
    ),
    Entry(
        "2026-09-22T17:15:00-04:00",
        team.ANA,
        "Let a slow start take three minutes",
        (Edit(MANIFESTS, "  timeout: 60\n", "  timeout: 180\n"),),
        3374,
        ("staging-246", "v1.198.0"),
    ),
    sandbox("2026-09-24T10:04:00-04:00", team.ROSA, "rb"),
    Entry(
        "2026-09-29T16:42:00-04:00",
        team.ESME,
        "Put the environment's name in the header",
        (
            Edit(
                BASE,
                '<a href="/">get.gov</a>\n',
                '<a href="/">get.gov</a>\n      <span class="badge">{{ environment }}</span>\n',
            ),
            Edit(
                f"{STYLES}/_layout.css",
                "text-decoration: none; }\n",
                "text-decoration: none; }\n"
                ".badge { margin-left: auto; padding: 0 0.5rem; "
                "border: 1px solid $paper; border-radius: 4px; }\n",
            ),
        ),
        3385,
        ("staging-247", "v1.199.0"),
    ),
)

HOTFIX = Entry(
    "2026-10-01T11:20:00-04:00",
    team.CLEO,
    "Say 'not yet' for a domain that has no expiration date",
    (Edit(HOME, 'date:"j F Y" }}', 'date:"j F Y"|default:"not yet" }}'),),
    pull_request=3391,
)
"""A Critical fix: branched off v1.198.0, released to stable and staging, and only then merged to main."""
