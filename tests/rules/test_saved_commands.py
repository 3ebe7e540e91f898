"""Saved commands: typed parameters, put into the line as one word each, whatever is typed."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.operations.registry import BadParameter
from opsportal.operations.saved_commands import Asked, check_command, described, line


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60))
def test_whatever_is_typed_stays_one_word_for_the_shell(typed):
    if not typed.strip() or not typed.isprintable():
        return

    made = line("python manage.py find --for {who}", [Asked("who", "Who", "text")], {"who": typed})

    assert shlex.split(made) == ["python", "manage.py", "find", "--for", typed.strip()]


@pytest.mark.parametrize(
    ("kind", "choices", "good", "bad"),
    [
        ("number", (), ["0", "-12", "999"], ["1.5", "one", "1; rm", "٣"]),
        ("date", (), ["2026-11-23"], ["2026-11-31", "23.11.2026", "20261123"]),
        ("email", (), ["ana@example.gov"], ["ana", "ana@", "a b@example.gov"]),
        ("choice", ("red", "blue"), ["red"], ["green", "red blue"]),
        ("yes_no", (), ["yes", "no"], ["maybe", "YES"]),
        ("text", (), ["anything; at all"], ["two\nlines", "x" * 301]),
    ],
)
def test_a_parameter_takes_what_its_type_says(kind, choices, good, bad):
    asked = [Asked("it", "It", kind, choices)]
    for each in good:
        assert shlex.split(line("do {it}", asked, {"it": each}))[1] == each
    for each in bad:
        with pytest.raises(BadParameter, match="It takes"):
            line("do {it}", asked, {"it": each})


def test_what_is_needed_is_asked_for_and_what_is_not_may_be_left_out():
    with pytest.raises(BadParameter, match="needed"):
        line("do {it}", [Asked("it", "It", "text")], {})

    assert line("do {it}", [Asked("it", "It", "text", required=False)], {}) == "do "


def test_parameters_are_read_one_a_line():
    read = described("who: email: Whose account\nhow: choice soft|hard: How\ncount?: number")

    assert [each["name"] for each in read] == ["who", "how", "count"]
    assert read[1]["choices"] == ["soft", "hard"]
    assert [each["required"] for each in read] == [True, True, False]


@pytest.mark.parametrize(
    "text",
    ["Who: text", "who: colour", "who: choice", "who: text a|b", "a: text\na: text", "../x: text", "who who"],
)
def test_a_line_that_cannot_be_read_is_named(text):
    with pytest.raises(BadParameter):
        described(text)


@pytest.mark.parametrize(
    "command",
    [
        "do {other}",
        "do {it",
        "do {it.__class__}",
        "do {it!r}",
        "do {0}",
        "do",
        "two\nlines {it}",
        "do {it:>9}",
    ],
)
def test_a_command_that_does_not_fit_its_parameters_is_refused(command):
    with pytest.raises(BadParameter):
        check_command(command, [{"name": "it"}])
