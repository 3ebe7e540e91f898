"""What one thing done to the sample application is made of, and the files that most of them touch."""

from __future__ import annotations

from dataclasses import dataclass

from opsportal.demo import team
from opsportal.demo.story.changes import Change, New

SRC = "src/registrar"
SETTINGS = f"{SRC}/config/settings.py"
URLS = f"{SRC}/config/urls.py"
VIEWS = f"{SRC}/views.py"
MODELS = f"{SRC}/models.py"
HOME = f"{SRC}/templates/registrar/home.html"
BASE = f"{SRC}/templates/registrar/base.html"
DOMAIN = f"{SRC}/templates/registrar/domain.html"
STYLES = f"{SRC}/styles"
AGENCIES = f"{SRC}/fixtures/agencies.json"
DOMAINS = f"{SRC}/fixtures/domains.json"
GUNICORN = "src/gunicorn.conf.py"
MANIFESTS = "ops/manifests/manifest-*.yaml"


@dataclass(frozen=True)
class Entry:
    """One thing done: when (ISO, with zone), by whom, what it is called, and what it changed."""

    at: str
    author: team.Member
    subject: str
    changes: tuple[Change, ...] = ()
    pull_request: int = 0
    tags: tuple[str, ...] = ()


def sandbox(at: str, author: team.Member, name: str, tags: tuple[str, ...] = ()) -> Entry:
    """A new sandbox is a new manifest, made from the template."""
    return Entry(
        at, author, f"Add the sandbox {name}", (New(f"ops/manifests/manifest-{name}.yaml"),), tags=tags
    )
