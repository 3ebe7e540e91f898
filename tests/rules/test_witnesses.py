"""What the three witnesses say, and how an environment is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.environments.rules import Instances, Witnesses, drift, health, kind_of, same_commit

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.mark.parametrize(
    ("seen", "drifted", "agree", "differs"),
    [
        (Witnesses(A, A, A), False, ("git", "platform", "app"), ()),
        (Witnesses(A, A, ""), False, ("git", "platform"), ()),
        (Witnesses("", "", ""), False, (), ()),
        (Witnesses(A, A[:8], A[:7]), False, ("git", "platform", "app"), ()),
        (Witnesses(A, A, B), True, ("git", "platform"), ("app",)),
        (Witnesses(A, B, B), True, ("platform", "app"), ("git",)),
        (Witnesses(A, B, A), True, ("git", "app"), ("platform",)),
        (Witnesses(A, B, C), True, (), ("git", "platform", "app")),
        (Witnesses("", A, B), True, (), ("platform", "app")),
    ],
)
def test_drift_says_which_two_agree(seen, drifted, agree, differs):
    found = drift(seen)
    assert (found.drifted, set(found.agree), set(found.differs)) == (drifted, set(agree), set(differs))
    assert bool(found.sentence) is drifted


def test_the_sentence_names_the_one_that_differs():
    assert (
        drift(Witnesses(A, A, B)).sentence
        == "Git and the platform agree on aaaaaaaa, but the application says bbbbbbbb."
    )


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (Instances(False, False, 0, 0), "not_known"),
        (Instances(True, False, 1, 0), "stopped"),
        (Instances(True, True, 0, 0), "stopped"),
        (Instances(True, True, 2, 0), "down"),
        (Instances(True, True, 2, 1), "degraded"),
        (Instances(True, True, 1, 1, "503"), "degraded"),
        (Instances(True, True, 1, 1), "healthy"),
        (Instances(True, True, 1, 2), "healthy"),
    ],
)
def test_health_is_one_word(seen, word):
    assert health(seen) == word


@given(st.text("0123456789abcdef", min_size=40, max_size=40), st.integers(0, 40))
def test_a_commit_is_the_same_when_shortened_but_not_too_much(sha, length):
    assert same_commit(sha, sha[:length]) is (length >= 7)


@pytest.mark.parametrize(("name", "kind"), [("stable", "stable"), ("staging", "staging"), ("ab", "sandbox")])
def test_the_kind_of_an_environment_is_known_by_its_name(name, kind):
    assert kind_of(name) == kind
