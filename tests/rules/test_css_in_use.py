"""Which part of the design system's style sheet is shipped: what the pages name, with all its states."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def css() -> ModuleType:
    spec = importlib.util.spec_from_file_location("css_in_use", ROOT / "bin" / "css_in_use.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


USED = {"usa-button", "usa-alert--"}


@pytest.mark.parametrize(
    ("sheet", "kept"),
    [
        (".usa-button{color:red}", ".usa-button{color:red}"),
        (".usa-card{color:red}", ""),
        ("p{color:red}", "p{color:red}"),
        (".usa-card,.usa-button:hover{a:b}", ".usa-button:hover{a:b}"),
        (".usa-button .usa-card{a:b}", ""),
        (".usa-button:not(.usa-card){a:b}", ".usa-button:not(.usa-card){a:b}"),
        (
            "[type=checkbox]:checked,.usa-button:disabled{a:b}",
            "[type=checkbox]:checked,.usa-button:disabled{a:b}",
        ),
        (".usa-alert--error{a:b}.usa-alert{a:b}", ".usa-alert--error{a:b}"),
        ("@media (min-width:40em){.usa-card{a:b}}", ""),
        (
            "@media (min-width:40em){.usa-card{a:b}.usa-button{a:b}}",
            "@media (min-width:40em){.usa-button{a:b}}",
        ),
        ('.usa-button:before{content:"}{"}.usa-card{a:b}', '.usa-button:before{content:"}{"}'),
        ('@charset "utf-8";/* {never} */p{a:b}', "p{a:b}"),
        (
            "@font-face{font-family:Seen;src:url(a)}@font-face{font-family:Never;src:url(b)}p{font-family:Seen}",
            "@font-face{font-family:Seen;src:url(a)}p{font-family:Seen}",
        ),
        (
            "@keyframes turn{to{a:b}}@keyframes never{to{a:b}}p{animation:turn 1s}",
            "@keyframes turn{to{a:b}}p{animation:turn 1s}",
        ),
    ],
)
def test_what_pages_name_stays_and_the_rest_goes(css: ModuleType, sheet: str, kept: str) -> None:
    assert css.in_use(sheet, USED) == kept


def test_a_font_that_only_our_own_style_sheet_names_stays(css: ModuleType) -> None:
    sheet = "@font-face{font-family:Mono;src:url(a)}"
    assert css.in_use(sheet, USED, "code{font:1rem Mono}") == sheet


def test_a_broken_style_sheet_is_refused(css: ModuleType) -> None:
    with pytest.raises(ValueError, match="never closed"):
        css.in_use("p{a:b", USED)


def test_names_come_from_templates_scripts_and_python(css: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "page.html"
    source.write_text(
        '<p class="own usa-alert usa-alert--{{ kind }}"><i class="usa-tag{% if a %} usa-tag--big{% endif %}">'
    )
    assert css.names_in([source]) == {"usa-alert", "usa-alert--", "usa-tag", "usa-tag--big"}
