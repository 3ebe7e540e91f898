"""Which earlier versions are on offer, from the platform's revisions and droplets."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from opsportal.adapters.cloudfoundry import Droplet, Metadata, Revision
from opsportal.environments.versions import earlier
from opsportal.operations.going_back import label, not_undone

AT = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)


def revision(version: int, droplet: str, deployable: bool = True) -> Revision:
    """A revision of an app."""
    return Revision(f"r{version}", version, droplet, "", deployable, {}, "app", Metadata(), AT)


def droplet(guid: str, *, state: str = "STAGED", ours: bool = True, good: bool = True) -> Droplet:
    """A droplet, of the portal's own unless told otherwise."""
    labels = {"opsportal-operation": "op", "opsportal-commit": f"commit-of-{guid}"} if ours else {}
    notes = {"opsportal-ref": "main", "opsportal-by": "Ana"} if ours else {}
    notes |= {"opsportal-served-at": AT.isoformat()} if ours and good else {}
    return Droplet(
        guid, state, None, "c", "sha256", (), None, {}, "app", None, Metadata(labels, notes), AT, AT
    )


def test_each_droplet_that_ran_stands_once_newest_first_without_the_current_one():
    found = earlier(
        [revision(4, "d3"), revision(3, "d2"), revision(2, "d1"), revision(1, "d1")],
        [droplet("d3"), droplet("d2"), droplet("d1")],
        "d3",
    )
    assert [(each["number"], each["droplet"], each["commit"]) for each in found] == [
        (3, "d2", "commit-of-d2"),
        (2, "d1", "commit-of-d1"),
    ]
    assert label(found[0]) == "3: main (commit-o), 20 Nov 2026, 09:05:00 EST by Ana"


def test_what_never_served_well_is_left_out_but_not_what_somebody_else_pushed():
    found = earlier(
        [revision(3, "now"), revision(2, "bad"), revision(1, "foreign")],
        [droplet("now"), droplet("bad", good=False), droplet("foreign", ours=False)],
        "now",
    )
    assert [each["droplet"] for each in found] == ["foreign"]
    assert "somebody else" in label(found[0])


def test_what_the_platform_has_removed_stays_in_sight_with_what_was_known_of_it():
    before = earlier([revision(2, "now"), revision(1, "old")], [droplet("now"), droplet("old")], "now")
    (after,) = earlier(
        [revision(2, "now"), revision(1, "old", deployable=False)], [droplet("now")], "now", before
    )
    assert (after["commit"], after["by"], after["deployable"]) == ("commit-of-old", "Ana", False)
    (expired,) = earlier(
        [revision(2, "now"), revision(1, "old")], [droplet("now"), droplet("old", state="EXPIRED")], "now"
    )
    assert expired["deployable"] is False


@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from("abcdef"), st.booleans()), max_size=60))
def test_whatever_the_platform_lists_no_droplet_stands_twice_and_the_current_one_never(rows):
    found = earlier([revision(*row) for row in rows], [droplet(each) for each in "abcdef"], "a")
    droplets = [each["droplet"] for each in found]
    assert len(droplets) == len(set(droplets))
    assert "a" not in droplets
    assert [each["number"] for each in found] == sorted((each["number"] for each in found), reverse=True)


def test_many_migrations_are_named_up_to_a_bound_and_the_rest_counted():
    (said,) = not_undone([f"things/migrations/{number:04}_x.py" for number in range(1, 12)])
    assert said.startswith("11 migrations lie between")
    assert said.count(".py") == 8
    assert "and 3 more" in said
    assert not_undone([]) == ["No migrations lie between."]
