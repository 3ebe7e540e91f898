"""Finding tickets: search, board, likely duplicates, clocks (issue 4)."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.http import QueryDict

from opsportal.bugs import actions, queries
from opsportal.bugs.filters import Filters
from opsportal.bugs.models import Consent, Reached, Stage, Ticket
from tests.support import bugs

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def some():
    """Five tickets, by what is special about them."""
    closed = actions.close(ticket=bugs.ticket(title="Old 100% glitch"), by=bugs.person("tom"), reason="Gone.")
    return {
        "critical": bugs.critical(title="Nobody can sign in"),
        "mine": bugs.assigned(title="Domain names are cut", environment="ab", by="lee"),
        "low": bugs.ticket(title="A wrong colour", priority="low", by="dee", steps="Open the header_menu"),
        "asked": bugs.proposed(title="Requests are lost", environment="stable", by="eve"),
        "closed": closed,
    }


def found(some, query):
    wanted = Filters.read(QueryDict(query))
    names = {ticket.pk: name for name, ticket in some.items()}
    return [names[each.pk] for each in queries.tickets(wanted)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["critical", "asked", "mine", "low"]),
        ("sort=new", ["asked", "low", "mine", "critical"]),
        ("sort=old", ["critical", "mine", "low", "asked"]),
        ("stage=closed", ["closed"]),
        ("stage=all&sort=old", ["closed", "critical", "mine", "low", "asked"]),
        ("stage=assigned", ["mine"]),
        ("priority=low", ["low"]),
        ("environment=stable", ["asked"]),
        ("engineer=ana", ["mine"]),
        ("reviewer=EVE", ["mine"]),
        ("reporter=dee", ["low"]),
        ("text=names+domain", ["mine"]),
        ("text=HEADER_menu", ["low"]),
        ("text=header%25menu", []),
        ("text=100%25&stage=all", ["closed"]),
        ("text=nothing+like+it", []),
        ("text=%00", ["critical", "asked", "mine", "low"]),
        ("stage=shipped&priority=urgent&sort=x&page=-3", ["critical", "asked", "mine", "low"]),
        ("page=999", ["critical", "asked", "mine", "low"]),
    ],
)
def test_a_list_holds_what_is_asked_for(some, query, expected):
    assert found(some, query) == expected


def test_a_key_or_a_number_finds_its_ticket(some):
    ticket = some["mine"]

    for text in (ticket.key, ticket.key.lower(), f"%23{ticket.pk}"):
        assert found(some, f"text={text}") == ["mine"]


def test_an_address_and_its_filters_say_the_same():
    query = "text=a+b&priority=low&stage=all&engineer=ana&sort=new"

    read = Filters.read(QueryDict(query))

    assert Filters.read(QueryDict(read.query_string())) == read
    assert Filters().query_string() == ""
    assert Filters().query_string(page=3) == "page=3"
    assert read.narrows
    assert not Filters(sort="new").narrows


def test_the_list_and_the_board_cost_the_same_few_queries_however_long(django_assert_max_num_queries):
    for number in range(8):
        bugs.assigned(title=f"Ticket {number}")

    with django_assert_max_num_queries(8):
        for each in queries.tickets(Filters()):
            assert [str(one.person) for one in each.reviewers.all()] == ["Cleo Chu", "Eve Evans"]
            assert str(each.engineer) == "Ana Alvarez"
            assert queries.facts(each).waiting is None
    with django_assert_max_num_queries(8):
        assert sum(len(column.tickets) for column in queries.board()) == 8


def test_the_board_has_a_column_for_each_stage_with_the_most_urgent_first(some):
    bugs.ticket(title="Refined too", priority="low")

    columns = {each.stage: each for each in queries.board()}

    assert list(columns) == [stage.value for stage in Stage if stage != Stage.CLOSED]
    assert [each.title for each in columns["triaged"].tickets] == ["Refined too", "A wrong colour"]
    assert columns["triaged"].total == 2
    assert [each.title for each in columns["refined"].tickets] == ["Nobody can sign in"]
    only = {each.stage: each.total for each in queries.board(Filters(engineer="ana"))}
    assert {stage: number for stage, number in only.items() if number} == {"assigned": 1}


def test_refinement_begins_with_what_is_most_urgent_and_leaves_out_what_is_critical(some):
    high = bugs.ticket(title="Later, but higher")

    assert list(queries.for_refinement()) == [high, some["low"]]


# --- likely duplicates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nobody can sign in any more", "critical"),
        ("Signing: NOBODY can sign", "critical"),
        ("domain name is cut off", "mine"),
        ("requests lost", "asked"),
        ("the footer is missing", None),
        ("the and of", None),
        ("", None),
        ("' OR 1=1 --", None),
    ],
)
def test_likely_duplicates_share_the_rarer_words(some, text, expected):
    likely = queries.duplicates(text, "")

    assert (likely[0].ticket if likely else None) == some.get(expected)


def test_of_two_alike_the_one_on_the_same_environment_comes_first():
    bugs.ticket(title="Uploads fail", environment="ab")
    here = bugs.ticket(title="Uploads fail sometimes", environment="stable")
    bugs.ticket(title="Uploads fail", environment="cw")

    assert queries.duplicates("uploads fail often", "stable")[0].ticket == here


def test_duplicates_are_one_query_among_ten_thousand_tickets(django_assert_num_queries):
    ana = bugs.person("ana")
    words = [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "theta",
        "kappa",
        "lambda",
        "sigma",
        "omega",
    ]
    Ticket.objects.bulk_create(
        (
            Ticket(
                title=f"{words[n % 11]} {words[n * 7 % 10]} fails {n}", happens="x", should="y", reporter=ana,
                priority="low",
            )
            for n in range(10_000)
        ),
        batch_size=1_000,
    )  # fmt: skip
    wanted = bugs.ticket(title="Certificates of registrars expire silently")

    with django_assert_num_queries(1):
        likely = queries.duplicates("registrar certificate expires and alpha fails", "")

    assert likely[0].ticket == wanted
    assert len(likely) <= 5


# --- clocks -------------------------------------------------------------------------------------------------------

FRIDAY = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)  # 16:00 where the team works; an hour is left of the day
MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 10:00 there


@pytest.fixture
def _hours(settings):
    settings.TIME_ZONE = "America/New_York"


def at(ticket, **stages):
    """The ticket reached these stages then."""
    for stage, moment in stages.items():
        Reached.objects.update_or_create(ticket=ticket, stage=stage, defaults={"at": moment, "by": "lee"})
    return bugs.again(ticket)


@pytest.mark.usefixtures("_hours")
def test_a_weekend_is_no_working_time_but_users_wait_through_it():
    ticket = bugs.assigned()
    Ticket.objects.update(reported_at=FRIDAY)

    ticket = at(
        ticket, refined=FRIDAY, assigned=MONDAY, in_review=MONDAY + timedelta(hours=3), on_stable=MONDAY
    )
    clocks = queries.clocks(ticket)

    assert clocks.to_assignment.took == timedelta(hours=2)
    assert clocks.to_review.took == timedelta(hours=3)
    assert clocks.to_stable.took == MONDAY - FRIDAY
    assert clocks.to_consent.took is None
    assert not any(each.runs for each in clocks.all)


@pytest.mark.usefixtures("_hours")
def test_a_clock_that_runs_says_since_when_and_how_long_so_far():
    ticket = bugs.proposed()
    Consent.objects.update(proposed_at=FRIDAY)
    Ticket.objects.update(reported_at=FRIDAY)

    with time_machine.travel(MONDAY, tick=False):
        clocks = queries.clocks(bugs.again(ticket))

    assert (clocks.to_consent.took, clocks.to_consent.running_since) == (timedelta(hours=2), FRIDAY)
    assert clocks.to_stable.runs
    assert clocks.to_assignment.took is None


def test_the_clocks_of_a_closed_ticket_stand():
    ticket = actions.close(ticket=bugs.assigned(), by=bugs.person("tom"), reason="Gone.")

    clocks = queries.clocks(ticket)

    assert clocks.to_assignment.took is not None
    assert [each.name for each in clocks.all if each.runs] == []


def test_a_fact_told_out_of_order_takes_no_time():
    ticket = at(bugs.assigned(), assigned=MONDAY, in_review=FRIDAY)

    assert queries.clocks(ticket).to_review.took == timedelta()


@pytest.mark.usefixtures("_hours")
def test_the_sum_says_how_long_half_and_nine_of_ten_took(django_assert_max_num_queries):
    for hours in range(1, 8):
        ticket = bugs.refined()
        at(ticket, refined=MONDAY, assigned=MONDAY + timedelta(hours=hours - 1))
    bugs.refined()
    bugs.refined(priority="low")
    Ticket.objects.filter(pk=bugs.refined().pk).update(reported_at=FRIDAY - timedelta(days=100))

    with django_assert_max_num_queries(3):
        summed = queries.clock_summary(FRIDAY - timedelta(days=90))

    rows = {(each.priority, each.clock): each for each in summed}
    assert len(summed) == 16
    high = rows["high", "to_assignment"]
    assert (high.number, high.running) == (7, 1)
    assert (high.median, high.p90) == (timedelta(hours=3), timedelta(hours=6))
    low = rows["low", "to_assignment"]
    assert (low.number, low.running, low.median, low.p90) == (0, 1, None, None)
