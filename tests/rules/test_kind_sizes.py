"""What another size costs in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.operations.sizes import Allowance, Size, cost, excess, megabytes

SIZES = st.builds(Size, st.integers(0, 100), st.integers(1, 70_000))


def test_the_cost_is_told_per_instance_in_all_and_against_the_quota():
    said = cost(Size(2, 512), Size(3, 1024), Allowance(8192, 2048, 4096))
    assert said == [
        "Now: 2 instances of 512 MB, 1 GB in all.",
        "Then: 3 instances of 1 GB, 3 GB in all.",
        "That is 2 GB more.",
        "The organization would use 6 GB of its 8 GB.",
    ]


@pytest.mark.parametrize(
    ("allowance", "said"),
    [
        (Allowance(8192, 512, 0), "at most 512 MB"),
        (Allowance(1024, None, 1000), "24 MB are left"),
        (Allowance(1024, None, 2000), "0 MB are left"),
    ],
)
def test_what_does_not_fit_is_said(allowance, said):
    assert any(said in each for each in cost(Size(1, 512), Size(1, 1024), allowance))


@pytest.mark.parametrize(
    "allowance", [None, Allowance(), Allowance(None, None, 500), Allowance(500, None, None)]
)
def test_where_no_quota_is_known_nothing_is_said_of_one(allowance):
    assert len(cost(Size(1, 512), Size(1, 1024), allowance)) == 3


@given(SIZES, SIZES, st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_does_not_grow_never_exceeds_the_total(before, after, total, used):
    if after.total_mb <= before.total_mb:
        assert excess(before, after, Allowance(total, None, used)) == []


@given(st.integers(0, 10**7))
def test_an_amount_of_memory_has_a_unit_and_no_needless_zeros(amount):
    text = megabytes(amount)
    assert text.endswith((" MB", " GB"))
    assert ".0" not in text or not text.split(" ")[0].endswith("0")
