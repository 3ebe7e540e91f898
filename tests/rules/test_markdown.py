"""What people write is shown, never obeyed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.kit.markdown import safe_html

KEYS = re.compile(r"BUG-\d+")


def shown(text: str) -> str:
    return str(safe_html(text, KEYS, lambda key: f"/tickets/{key[4:]}" if key != "BUG-404" else ""))


@pytest.mark.parametrize(
    ("written", "there"),
    [
        ("**loud** and `code`", "<strong>loud</strong> and <code>code</code>"),
        ("one\ntwo", "one<br>"),
        ("see BUG-7.", '<a class="usa-link" href="/tickets/7"'),
        ("see BUG-404.", "<p>see BUG-404.</p>"),
        ("`BUG-7`", "<code>BUG-7</code>"),
        ("at https://example.gov/a?b=1&c=2, there", 'href="https://example.gov/a?b=1&amp;c=2"'),
        ("# Loud", "<h4>Loud</h4>"),
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        ("[words](https://example.gov)", 'rel="noopener noreferrer nofollow">words</a>'),
    ],
)
def test_what_is_written_is_shown_as_meant(written: str, there: str) -> None:
    assert there in shown(written)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<img src=x onerror=alert(1)>",
        "![x](https://elsewhere.example/pixel.png)",
        '[x](https://example.gov "onmouseover=alert(1)")',
        'https://example.gov/"onmouseover="alert(1)',
        "BUG-7<script>",
    ],
)
def test_nothing_hostile_comes_through(hostile: str) -> None:
    found = re.findall(r"<(\w+)([^>]*)>", shown(hostile))
    assert {tag for tag, _ in found} <= {"p", "a"}
    assert all(re.fullmatch(r'( (class|href|rel)="[^"]*")*', attributes) for _, attributes in found)
    assert not re.search(r'href="(?!https?://|/tickets/)', shown(hostile))


@given(st.text(alphabet=st.sampled_from("<>&\"'`*_[]()!#-~: \n/ahtpsjv.BUG7\\")))
def test_whatever_is_written_only_known_tags_come_out(text: str) -> None:
    known = {"p", "ul", "ol", "li", "blockquote", "hr", "br", "strong", "em", "s", "a", "code", "pre", "h4"}
    assert set(re.findall(r"<(\w+)", shown(text))) <= known
