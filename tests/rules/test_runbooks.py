"""Runbooks: names are filled in and stay names, whatever they are; Markdown becomes harmless HTML."""

import shlex
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsportal.runbooks import filling, rendering
from opsportal.runbooks.filling import PLACEHOLDERS, Part, Sort
from opsportal.runbooks.rendering import Button, Filling, render

SOURCE = """# About {environment}

For **{app}** and _{space}_, see [its page]({route}/x?y={environment} "not shown") or `cf app {app}`.

## Then {environment}

| who | {organization} |
|---|---|
| {database} | [button: migrate] |

1. Type

       cf push {app} --var X={space}

```
cf login -a {api}
```
"""
HOSTILE = [
    "<script>alert(1)</script>",
    '<p><a href="//evil.example">ab</a></p>',
    "</code></pre><h2 id=main>",
    '"><img src=x onerror=alert(1)>',
    "**bold** [x](javascript:alert(1)) `code`",
    "]: http://evil.example\n\n# heading\n\n| a | b |\n|---|---|",
    "{app}",
    "[button: reset_database]",
    "'; rm -rf / #",
    "$(reboot)",
    "&lt;b&gt;",
    "\x00\r\n\t",
]


class Shape(HTMLParser):
    """The elements of a page with the names of their attributes, and separately its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.said = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = [(name, value) for name, value in attrs if name not in {"href", "data-copy"}]
        names = tuple(sorted(f"{name}={value}" for name, value in shown))
        self.elements.append((tag, names))

    def handle_data(self, data: str) -> None:
        self.said += data


def filled(value: str, source: str = SOURCE) -> rendering.Rendered:
    """The source with every name being ``value``."""
    names = dict.fromkeys(PLACEHOLDERS, value)
    return render(source, Filling(names=names, button=lambda kind: Button(f"Migrate on {value}", "/do")))


@settings(deadline=None)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1)))
def test_no_name_however_hostile_adds_or_changes_an_element(value: str) -> None:
    hostile, plain = Shape(filled(value).html), Shape(filled("ab").html)
    # A link whose address came out as none of a web page's loses its address, and nothing else changes.
    assert hostile.elements == plain.elements


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="\r\x00", codec="utf-8"), min_size=1))
def test_a_name_is_read_as_it_is(value: str) -> None:
    assert value in Shape(filled(value, "So {environment} is.").html).said.replace(
        "\n\n", value[:0] or "\n\n"
    )


@settings(deadline=None)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1)))
def test_a_name_in_a_command_is_one_word_of_it(value: str) -> None:
    assert shlex.split(filling.fill_commands("cf app {app}", {"app": value})) == ["cf", "app", value]


@settings(deadline=None)
@given(st.text())
def test_whatever_is_in_a_file_can_be_shown(source: str) -> None:
    assert "<script" not in render(source, Filling(names={"app": "getgov-ab"})).html.lower()


@settings(deadline=None)
@given(st.text(), st.dictionaries(st.sampled_from(sorted(PLACEHOLDERS)), st.text()))
def test_the_parts_of_a_text_are_the_whole_text(text: str, names: dict[str, str]) -> None:
    written = {Sort.BUTTON: "[button: {}]", Sort.PAGE: "[page: {}]"}
    found = list(filling.parts(text, {}))
    if not any(part.sort in written for part in found):
        assert "".join(part.text for part in found) == text
    assert all(part.sort != Sort.VALUE or part.text in names.values() for part in filling.parts(text, names))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{app}", [Part(Sort.VALUE, "getgov-ab")]),
        ("getgov-{environment}!", [Part(Sort.WORDS, "getgov-"), Part(Sort.BLANK, "{environment}"), Part(Sort.WORDS, "!")]),
        ("{colour}", [Part(Sort.UNKNOWN, "{colour}")]),
        ("{route}", [Part(Sort.BLANK, "{route}")]),
        ("${app}", [Part(Sort.WORDS, "${app}")]),
        ('{"a": 1}', [Part(Sort.WORDS, '{"a": 1}')]),
        ("{ app }", [Part(Sort.WORDS, "{ app }")]),
        ("[button: roll_back]", [Part(Sort.BUTTON, "roll_back")]),
        ("[page: logs]", [Part(Sort.PAGE, "logs")]),
        ("[button: ]", [Part(Sort.WORDS, "[button: ]")]),
    ],
)  # fmt: skip
def test_what_is_filled_in(text: str, expected: list[Part]) -> None:
    assert list(filling.parts(text, {"app": "getgov-ab", "route": ""})) == expected


def test_a_value_that_reads_like_a_placeholder_is_not_filled_in_again() -> None:
    assert filling.fill("{environment}", {"environment": "{app}", "app": "getgov-ab"}) == "{app}"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<b onclick=x>bold</b>", "<p>&lt;b onclick=x&gt;bold&lt;/b&gt;</p>"),
        ("{colour} [button: juggle] [page: moon]", "<p>{colour} [button: juggle] [page: moon]</p>"),
        ("`[button: migrate]`", "<p><code>[button: migrate]</code></p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x]({app})", "<p><a>x</a></p>"),
        ("![x](http://elsewhere.example/x.png)", "<p></p>"),
        ("{space}", "<p><var>{space}</var></p>"),
    ],
)
def test_what_is_not_allowed_or_not_known_is_shown_as_written(source: str, shown: str) -> None:
    given_names = Filling(
        names={"app": "javascript:alert(1)"}, link=lambda href: href if ":" not in href else ""
    )
    assert render(source, given_names).html.strip().replace(' rel="noopener"', "") == shown


def test_an_address_that_is_none_of_a_web_page_is_not_linked_even_when_nobody_looked_at_it() -> None:
    html = render("[x]({app})", Filling(names={"app": "javascript:alert(1)"})).html
    assert "javascript" not in html


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("1. Migrate", "1-migrate"),
        ("Is it well?", "is-it-well"),
        ("By hand, if the portal is down", "by-hand-if-the-portal-is-down"),
        ("`cf` & you", "cf--you"),
        ("Größe", "größe"),
    ],
)
def test_an_anchor_is_made_as_code_hosts_make_it(heading: str, anchor: str) -> None:
    assert rendering.anchors(f"# T\n\n## {heading}\n") == {"t", anchor}


def test_equal_headings_have_anchors_of_their_own() -> None:
    rendered = render("# T\n\n## Then\n\n## Then\n\n### Not listed\n", Filling())
    assert rendered.contents == (("then", "Then"), ("then-1", "Then"))
    assert 'id="then-1"' in rendered.html


def test_the_title_is_the_first_heading_and_not_repeated_below() -> None:
    rendered = render("# Reset {environment}\n\nWords.\n", Filling(names={"environment": "ab"}))
    assert rendered.title == "Reset ab"
    assert "Reset" not in rendered.html


def test_an_anchor_does_not_move_with_the_environment() -> None:
    rendered = render("# T\n\n## On {environment}\n", Filling(names={"environment": "ab"}))
    assert rendered.contents == (("on-environment", "On ab"),)


def test_a_cell_knows_its_column_so_that_a_phone_can_show_it() -> None:
    html = render("| it says | what to do |\n|---|:-:|\n| no | yes |\n", Filling()).html
    assert '<td data-label="it says"><span class="cell">no</span></td>' in html
    assert '<td data-label="what to do"><span class="cell">yes</span></td>' in html
    assert 'scope="col"' in html
    assert "style" not in html


def test_commands_can_be_copied_filled_in() -> None:
    html = render("    cf app {app}\n", Filling(names={"app": "getgov-ab"})).html
    assert 'data-copy="cf app getgov-ab"' in html
