"""Which part of the design system's style sheet is shipped: what the pages name, with all its states."""

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "static" / "vendor" / "uswds" / "css" / "uswds.min.css"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = spec_from_loader(
        "build_assets", SourceFileLoader("build_assets", str(ROOT / "bin" / "build-assets"))
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shipped() -> str:
    """The style sheet as bin/prepare built it."""
    return SHIPPED.read_text(encoding="utf-8")


def test_only_what_our_sources_name_is_shipped(build: ModuleType, shipped: str) -> None:
    names = build.names()
    beginnings = tuple(name for name in names if name.endswith("-"))
    without_negated = re.sub(r":not\([^()]*\)", "", shipped)
    found = set(re.findall(r"\.(usa-[\w-]+)", without_negated))
    assert found
    assert {each for each in found if each not in names and not each.startswith(beginnings)} == set()


@pytest.mark.parametrize(
    "part",
    [
        "@layer uswds{",
        ".usa-button:hover",
        ".usa-button:disabled",
        ".usa-alert--error",  # its name is put together in a template
        "@media",
        "[aria-disabled=true]",
        "body{",
        "@font-face",
    ],
)
def test_what_pages_name_is_shipped_with_its_states_and_elements_as_they_are(shipped: str, part: str) -> None:
    has_it = part in shipped
    assert has_it


def test_what_no_page_names_is_not_shipped(shipped: str) -> None:
    # Said apart: pytest explains what is in half a megabyte for minutes.
    size, has_it = len(shipped), "usa-megamenu" in shipped
    assert not has_it
    assert size < 100_000  # of 527,000


def test_names_come_from_templates_scripts_and_python(build: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "page.html"
    source.write_text(
        '<p class="own usa-alert usa-alert--{{ kind }}"><i class="usa-tag{% if a %} usa-tag--big{% endif %}">'
    )
    assert build.names_in([source]) == {"usa-alert", "usa-alert--", "usa-tag", "usa-tag--big"}
