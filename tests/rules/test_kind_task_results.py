"""How a task ended, from the platform's words: status, signal, memory, timeout and cancel told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.operations.errors import CATALOGUE
from opsportal.operations.task_results import ERRORS, Ending, task_result

SAID = [
    ("Exited with status 1", Ending.STATUS, 1, ""),
    ("APP/TASK/migrate-1a2b: Exited with status 7", Ending.STATUS, 7, ""),
    ("exited with STATUS 3", Ending.STATUS, 3, ""),
    ("Exited with status 128", Ending.STATUS, 128, ""),
    ("Exited with status 255", Ending.STATUS, 255, ""),
    ("Exited with status 143", Ending.SIGNAL, 143, "SIGTERM"),
    ("Exited with status 137", Ending.SIGNAL, 137, "SIGKILL"),
    ("Exited with status 139", Ending.SIGNAL, 139, "SIGSEGV"),
    ("APP/TASK/load: Exited with status 137 (out of memory)", Ending.MEMORY, 137, "SIGKILL"),
    ("OOM killed", Ending.MEMORY, None, ""),
    ("task was cancelled", Ending.CANCELLED, None, ""),
    ("Task expired in PENDING state", Ending.NEVER_STARTED, None, ""),
    ("Unable to request task to be run", Ending.NEVER_STARTED, None, ""),
    ("insufficient resources: memory", Ending.NEVER_STARTED, None, ""),
    ("Interrupted by a restart of the platform", Ending.INTERRUPTED, None, ""),
    ("something nobody has seen before", Ending.UNKNOWN, None, ""),
    ("", Ending.UNKNOWN, None, ""),
    (None, Ending.UNKNOWN, None, ""),
]


@pytest.mark.parametrize(("said", "ending", "status", "signal"), SAID)
def test_a_failed_tasks_words_are_told_apart(said, ending, status, signal):
    result = task_result("FAILED", said)
    assert (result.ending, result.status, result.signal) == (ending, status, signal)


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "CANCELING", "NEW STATE"])
def test_a_task_that_has_not_ended_has_no_result(state):
    assert task_result(state, None) is None


def test_a_task_that_succeeded_has_status_0_even_if_it_was_told_to_stop():
    assert task_result("SUCCEEDED", None, stopped="cancelled").ending is Ending.SUCCEEDED


@pytest.mark.parametrize(
    "said", ["task was cancelled", "Exited with status 143", "Exited with status 137 (out of memory)"]
)
@pytest.mark.parametrize(
    ("stopped", "ending"), [("timeout", Ending.TIMEOUT), ("cancelled", Ending.CANCELLED)]
)
def test_what_we_stopped_ourselves_is_told_by_why_we_did(said, stopped, ending):
    assert task_result("FAILED", said, stopped=stopped).ending is ending


def test_a_kill_without_a_word_of_memory_says_what_it_most_often_is():
    assert "too much memory" in task_result("FAILED", "Exited with status 137").words


@given(st.text())
def test_any_words_of_a_platform_give_a_result_with_words(said):
    result = task_result("FAILED", said)
    assert result.words
    assert result.ending in ERRORS


def test_every_bad_ending_has_its_words_in_the_catalogue():
    assert set(Ending) - {Ending.SUCCEEDED} == ERRORS.keys()
    assert set(ERRORS.values()) <= CATALOGUE.keys()
