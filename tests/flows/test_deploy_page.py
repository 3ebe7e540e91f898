"""What the form of a deploy says before the button: whose sandbox it is, whether to migrate, what is not there."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from opsportal.accounts.models import Person, Role
from opsportal.adapters.git import Repository
from opsportal.environments import mirror
from opsportal.environments.models import Comparison, GitRef
from opsportal.kit.templatetags.portal import commit as commit_tag
from opsportal.operations.models import State, Step, StepState
from opsportal.operations.ref_search import search
from tests.support import estate
from tests.support.repositories import SourceRepository

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def ana() -> Person:
    estate.repository()
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


def page(person: Person, ref: str = "main", kind: str = "branch") -> str:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client.get("/environments/ab/deploy", {"ref": ref, "ref_kind": kind}).content.decode()


def migrates(text: str) -> bool:
    """Whether the box is ticked; the lines to do the same by hand must agree."""
    box = re.search(r'<input[^>]*name="migrate"[^>]*>', text)
    assert box is not None
    ticked = " checked" in box[0]
    assert ticked == ("--name migrate" in text)
    return ticked


def compared(*migrations: str) -> None:
    Comparison.objects.create(
        base=estate.OLDER,
        head=estate.HEAD,
        environment="ab",
        answered_at=timezone.now(),
        resolved_head=estate.HEAD,
        migrations=list(migrations),
    )


def test_a_first_deploy_begins_with_migrating(ana: Person) -> None:
    nothing = dict.fromkeys(("app_commit", "platform_commit", "deployed_commit"), "")
    estate.environment("ab", owner=ana, **nothing)
    said = page(ana)
    assert migrates(said)
    assert "its database has no tables" in said


def test_migrations_between_begin_with_migrating(ana: Person) -> None:
    estate.environment("ab", owner=ana)
    compared("registrar/migrations/0002_more.py")
    said = page(ana)
    assert migrates(said)
    assert "1 migration lies between" in said


def test_after_a_failed_migration_the_next_deploy_begins_with_migrating(ana: Person) -> None:
    before = estate.operation(estate.environment("ab", owner=ana), ana, State.FAILED)
    Step.objects.filter(operation=before, name="migrate").update(state=StepState.FAILED)
    compared()
    assert migrates(page(ana))


def test_who_clicks_before_the_commits_are_known_migrates(ana: Person) -> None:
    estate.environment("ab", owner=ana)
    said = page(ana)
    assert migrates(said)
    assert "not known yet whether migrations lie between" in said


def test_each_commit_says_which_migrations_it_brings(tmp_path: Path, ana: Person) -> None:
    source = SourceRepository(tmp_path / "source.git")
    base = source.commit({"src/app.py": "one"})
    brings = source.commit({"src/app.py": "one", "src/registrar/migrations/0002_more.py": "more"})
    head = source.commit({"src/app.py": "two", "src/registrar/migrations/0002_more.py": "more"})
    repository = Repository(tmp_path / "clone.git", source.url)
    repository.refresh()
    made = Comparison.objects.create(base=base, head=head, environment="ab")
    mirror.answer(made, repository)
    assert {each["sha"]: each.get("migrations", []) for each in made.commits} == {
        head: [],
        brings: ["src/registrar/migrations/0002_more.py"],
    }


def test_the_list_of_commits_marks_the_one_that_brings_a_migration(ana: Person) -> None:
    estate.environment("ab", owner=ana)
    compared("registrar/migrations/0002_more.py")
    commits = [
        {
            "sha": estate.HEAD,
            "subject": "Say more",
            "author": "Ana",
            "migrations": ["registrar/migrations/0002_more.py"],
        },
        {"sha": "3" * 40, "subject": "Say less", "author": "Ana"},
    ]
    Comparison.objects.update(commits=commits, ahead=2)
    more, less = re.findall(r"<li>(<span class=\"commit\">.*?)</li>", page(ana))
    assert "migration</span>" in more
    assert "migration</span>" not in less


def test_a_commit_links_to_where_commits_are_shown(ana: Person, settings: Any) -> None:
    settings.COMMIT_URL = "https://git.example.gov/getgov/commit/{commit}"
    assert f'href="https://git.example.gov/getgov/commit/{estate.HEAD}"' in commit_tag(estate.HEAD)
    assert 'href="https://git.example.gov/getgov/commit/%22%3E"' in commit_tag('">')
    settings.COMMIT_URL = ""
    assert "href" not in commit_tag(estate.HEAD)


def test_without_migrations_between_nobody_has_to_migrate(ana: Person) -> None:
    estate.environment("ab", owner=ana)
    compared()
    assert not migrates(page(ana))


def test_a_name_that_is_not_there_is_not_promised_to_run(ana: Person) -> None:
    estate.environment("ab", owner=ana)
    said = page(ana, "nope")
    assert "The repository has no branch, tag or commit “nope”." in said
    assert "will run" not in said.split('id="chosen"')[1].split("</section>")[0].replace("what will run", "")


def test_the_sandbox_of_somebody_else_says_so(ana: Person) -> None:
    estate.environment("ab", owner=estate.person("cleo", "Cleo Chu", Role.ENGINEER))
    assert "It belongs to Cleo Chu; a deploy replaces what they have there." in page(ana)


def test_ones_own_sandbox_is_not_warned_of(ana: Person) -> None:
    estate.environment("ab", owner=ana)
    assert "Not your sandbox" not in page(ana)


def test_ones_own_branches_stand_first_and_old_tags_do_not(ana: Person) -> None:
    GitRef.objects.create(kind="tag", name="v0.1.0", commit=estate.OLDER, author="Ana Alvarez")
    GitRef.objects.create(kind="branch", name="ana/try", commit=estate.OLDER, author="Ana Alvarez")
    names = [each.name for each in search("", ana)]
    assert names[0] == "ana/try"
    assert names.index("main") < names.index("v0.1.0")
