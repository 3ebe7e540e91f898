"""Examples for the components page: every piece in every state, so that a change of look is seen at once."""

import json
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator

OPERATION_STATES = ("waiting", "running", "needs_you", "succeeded", "failed", "cancelled", "unknown")
STEP_STATES = ("pending", "skipped")
ENVIRONMENT_STATES = ("healthy", "degraded", "down", "stopped", "not_known", "held", "drifted")
SHA = "926cd59e0f5b3a7c1d2e4f60718293a4b5c6d7e8"


class ExampleForm(forms.Form):
    """Each kind of field once."""

    name = forms.CharField(help_text="Lower case letters, digits and hyphens.")
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    kind = forms.ChoiceField(choices=[("branch", "Branch"), ("tag", "Tag")])
    when = forms.ChoiceField(choices=[("now", "Now"), ("later", "Tonight")], widget=forms.RadioSelect)
    migrate = forms.BooleanField(label="Migrate afterwards", required=False, help_text="Safe to repeat.")


def examples(now: datetime) -> dict[str, Any]:
    """Everything the template of the components page shows."""
    pages = Paginator(range(240), 20)
    return {
        "operation_states": OPERATION_STATES,
        "step_states": STEP_STATES,
        "environment_states": ENVIRONMENT_STATES,
        "sha": SHA,
        "moments": [now - timedelta(seconds=each) for each in (2, 90, 7_200, 200_000, 9_000_000)],
        "soon": now + timedelta(hours=3),
        "seconds": (8, 84, 7_530, 270_000),
        "form": ExampleForm(),
        "wrong_form": ExampleForm({"name": "", "kind": "branch"}),
        "buttons": BUTTONS,
        "trail": [("Home", "/"), ("ab", "/environments/ab/")],
        "findings": FINDINGS,
        "steps": steps(now),
        "timeline": timeline(now),
        "page": pages.page(6),
        "page_range": pages.get_elided_page_range(6),
        "lines": "cf login -a https://api.example.gov --sso\ncf target -s ab\ncf app getgov-ab",
        "output": output(now),
    }


BUTTONS: list[dict[str, str]] = [
    {"label": "Deploy", "href": "#buttons"},
    {"label": "Show the log", "href": "#buttons", "look": "outline"},
    {"label": "Destroy", "href": "#buttons", "look": "secondary"},
    {
        "label": "Consent",
        "name": "consent",
        "reason": "Only the product owner may consent to Critical. Who can: Petra Pohl.",
    },
]

FINDINGS: list[dict[str, Any]] = [
    {"ok": True, "reason": "The tag is the next one in its series."},
    {
        "ok": False,
        "reason": "It has been on staging for four days, not seven.",
        "remedy": "Wait until 25 November, 10:04.",
        "who": ("product owner",),
    },
]


def steps(now: datetime) -> list[dict[str, Any]]:
    """A step in each state, with and without an estimate."""
    done = {"state": "succeeded", "attempt": 1, "seconds": 12.0, "usual": 11, "usual_words": "11 s"}
    return [
        {**done, "position": 1, "title": "Check the rules", "detail": "All 9 rules are met."},
        {
            "position": 2,
            "title": "Build the assets",
            "state": "skipped",
            "attempt": 1,
            "detail": "Built before.",
        },
        {
            "position": 3,
            "title": "Stage",
            "state": "running",
            "attempt": 2,
            "is_moving": True,
            "started_at": now - timedelta(seconds=31),
            "share": 62,
            "left": "about 20 s left",
            "usual": 50,
            "usual_words": "50 s",
            "detail": "The platform installs the requirements.",
        },
        {**done, "position": 4, "title": "Roll out", "state": "failed", "detail": "crashed: exit status 1"},
        {
            "position": 5,
            "title": "Verify",
            "state": "unknown",
            "attempt": 1,
            "detail": "No answer came back.",
        },
        {
            "position": 6,
            "title": "Ask",
            "state": "needs_you",
            "attempt": 1,
            "detail": "Go on without migrating?",
        },
        {"position": 7, "title": "Migrate", "state": "cancelled", "attempt": 1},
        {"position": 8, "title": "Record", "state": "pending", "attempt": 1},
    ]


def timeline(now: datetime) -> list[dict[str, Any]]:
    """Three entries of a history."""
    return [
        {
            "text": "Deploy main (926cd59e)",
            "state": "running",
            "who": "Ana Alvarez",
            "at": now,
            "href": "#timeline",
        },
        {"text": "Migrate", "state": "failed", "who": "Cleo Chu", "at": now - timedelta(hours=3)},
        {"text": "Deploy staging-254", "state": "succeeded", "at": now - timedelta(days=6)},
    ]


def output(now: datetime) -> dict[str, Any]:
    """Lines of each kind, with a heading, as :mod:`opsportal.operations.output` would give them."""
    texts = [
        ("note", "Staging with python_buildpack"),
        ("out", "-----> Installing python 3.11.7"),
        ("err", "WARNING: a package asks for a newer pip"),
        ("out", "   " + "a long line that goes on and on, " * 12),
        ("out", "Uploading droplet, build artifacts cache…"),
    ]
    lines = [
        {
            "number": n,
            "at": now.isoformat(),
            "stream": stream,
            "step": 3,
            "text": text,
            "heading": "3. Stage" * (n == 1),
        }
        for n, (stream, text) in enumerate(texts, start=1)
    ]
    return {
        "lines": lines,
        "last": len(lines),
        "total": len(lines),
        "url": "#output",
        "download": "#output",
        "titles": json.dumps({3: "3. Stage"}),
        "follow": False,
        "search": "",
    }
