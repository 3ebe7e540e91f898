"""The rules of the house, as tests: what is easily forgotten when one more thing is added."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver

from opsportal.accounts.gates import authorisation_of
from opsportal.accounts.grants import GRANTS
from opsportal.config.environment import VARIABLES
from opsportal.operations import registry
from opsportal.operations.errors import CATALOGUE, words

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted((ROOT / "opsportal").rglob("*.py"))


def _views(resolver: URLResolver, prefix: str = ""):
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from _views(each, prefix + str(each.pattern))
        elif isinstance(each, URLPattern):
            yield prefix + str(each.pattern), each.callback


def test_every_address_is_authorised_or_on_the_reasoned_allow_list():
    bare = [
        address
        for address, view in _views(get_resolver())
        if not authorisation_of(view) and not address.startswith("admin/")  # Django's admin has its own gate
    ]
    assert bare == []


def test_the_allow_list_gives_its_reasons():
    anonymous = {
        address: authorisation_of(view)
        for address, view in _views(get_resolver())
        if authorisation_of(view).startswith("anonymous")
    }
    assert all(len(reason.removeprefix("anonymous:").split()) >= 3 for reason in anonymous.values()), (
        anonymous
    )


def _tasks():
    current_app.loader.import_default_modules()
    return {name: task for name, task in current_app.tasks.items() if not name.startswith("celery.")}


def test_every_task_has_a_queue_and_time_limits_and_takes_ids_only():
    found = _tasks()
    assert len(found) >= 6
    for name, task in found.items():
        assert task.time_limit, f"{name} has no time limit"
        assert task.soft_time_limit < task.time_limit, f"{name} has no soft time limit below its hard one"
        assert current_app.amqp.router.route({}, name)["queue"].name in {"operations", "default"}, name
        kinds = [parameter.annotation for parameter in inspect.signature(task.run).parameters.values()]
        assert all(kind in {str, int, "str", "int"} for kind in kinds), f"{name} takes more than ids"


def test_every_route_of_a_task_names_a_task():
    names = set(_tasks())
    patterns = [pattern for pattern in settings.CELERY_TASK_ROUTES if not pattern.endswith("*")]
    assert set(patterns) <= names
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= names


@pytest.mark.parametrize("kind", registry.kinds(), ids=lambda kind: kind.name)
def test_every_kind_has_words_a_permission_documentation_and_a_runbook(kind):
    assert kind.title
    assert kind.what.endswith(".")
    assert (kind.permission or kind.name) in GRANTS
    assert kind.allowed_on <= GRANTS[kind.permission or kind.name].keys()
    assert all(step.title and step.limit > 0 for step in (*kind.steps, *kind.tidy))
    assert (ROOT / kind.runbook).is_file(), f"{kind.name} has no runbook"
    assert f"`{kind.name}`" in (ROOT / "docs/operations.md").read_text()
    assert (ROOT / "opsportal/operations/kinds" / f"{kind.name}.py").is_file()


def test_every_setting_is_documented():
    text = (ROOT / "docs/settings.md").read_text()
    assert [name for name in VARIABLES if f"`{name}`" not in text] == []


def test_every_error_a_step_may_answer_is_in_the_catalogue():
    used = set()
    for path in (ROOT / "opsportal/operations").rglob("*.py"):
        used |= set(re.findall(r'(?:Fail|Unknown)\(\s*"([a-z-]+:[a-z-]+)"', path.read_text()))
    assert used
    assert used <= CATALOGUE.keys()


@pytest.mark.parametrize("error_id", CATALOGUE)
def test_an_error_says_what_happened_and_what_next_even_without_its_facts(error_id):
    said = words(error_id, {})
    assert said.problem
    assert said.remedy or error_id == "operation:cancelled"
    assert "{" not in said.problem + said.remedy


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_imports_point_down():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_nothing_in_the_code_names_a_folder_that_only_we_have():
    named = [path for path in CODE if "/work/" in path.read_text() or "../shared" in path.read_text()]
    assert named == []


def test_no_module_and_no_function_outgrows_its_reader():
    read = [path for path in CODE if not {"migrations", "sample_application"} & set(path.parts)]
    long_modules = [path.name for path in read if path.read_text().count("\n") > 450]
    long_functions = [
        f"{path.name}:{node.name}"
        for path in read
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 70
    ]
    assert (long_modules, long_functions) == ([], [])


def test_no_lock_names_a_registry():
    for name in ("requirements.txt", "requirements-dev.txt", "package-lock.json"):
        text = (ROOT / name).read_text()
        assert "--index-url" not in text, name
        assert '"resolved"' not in text, name


def test_templates_have_no_inline_script_or_style():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert not re.search(r"\sstyle=|\son[a-z]+=", text), path
