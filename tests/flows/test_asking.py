"""Asking for an operation on its page: what will happen, the confirmation that fits the harm, ten seconds to undo."""

from dataclasses import replace

import pytest
from django.test import Client
from django.utils import timezone

from opsportal.environments import actions as environments
from opsportal.environments.models import Environment
from opsportal.operations import asking, queries, registry, saved_commands
from opsportal.operations.models import Operation, SavedCommand, Schedule, State
from opsportal.operations.registry import BadParameter, Confirm, Needs, Parameter
from opsportal.operations.rules import RULES_AT_START, findings, refusals
from tests.support.engine import ask_for, kind_of_steps, succeed
from tests.support.people import environment, person

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MIGRATE = "/environments/ab/do/migrate"


def clean(place, given):
    if given.get("what") == "bad":
        raise BadParameter("what", "Anything but that.")
    return dict(given)


@pytest.fixture(autouse=True)
def kind():
    with kind_of_steps(succeed) as made:
        yield change(made, clean=clean, confirm=Confirm.UNDO)


def change(kind, **values):
    return registry.register(replace(kind, **values))


@pytest.fixture
def ab():
    return environment("ab", owner="ana")


def client_of(username):
    made = Client()
    made.force_login(person(username), backend="django.contrib.auth.backends.ModelBackend")
    return made


def text_of(answer):
    return " ".join(answer.content.decode().split())


def test_one_click_asks_for_it_and_leaves_ten_seconds_to_undo(ab):
    answer = client_of("ana").post(MIGRATE)

    operation = Operation.objects.get()
    assert answer.url == f"/operations/{operation.id}/"
    assert operation.can_be_undone
    client_of("ana").post(f"/operations/{operation.id}/cancel")
    operation.refresh_from_db()
    assert operation.state == State.CANCELLED


def test_what_cannot_be_undone_says_what_is_lost_and_wants_the_name(ab, kind):
    change(kind, confirm=Confirm.TYPED, loses=lambda place, params: ["All rows of its database."])
    shown = text_of(client_of("ana").get(MIGRATE))
    assert "All rows of its database." in shown

    refused = client_of("ana").post(MIGRATE, {"confirmed": "ba"})
    assert refused.status_code == 409
    assert "is not the environment" in text_of(refused)
    assert not Operation.objects.exists()

    assert client_of("ana").post(MIGRATE, {"confirmed": "ab"}).status_code == 302


def looked_at(ab, **there):
    Environment.objects.filter(pk=ab.pk).update(refreshed_at=timezone.now(), **there)


def test_where_nothing_is_deployed_the_button_says_so_and_the_click_is_refused(ab, kind):
    change(kind, needs=Needs.VERSION)
    looked_at(ab, app_guid="a-1")
    shown = text_of(client_of("ana").get(MIGRATE))
    assert "Nothing is deployed to ab yet." in shown
    assert 'aria-disabled="true"' in shown
    assert "Nothing is deployed here yet: deploy first." in text_of(client_of("ana").get("/environments/ab/"))

    assert client_of("ana").post(MIGRATE).status_code == 409
    assert not Operation.objects.exists()
    change(kind, needs=Needs.APP)
    assert client_of("ana").post(MIGRATE).status_code == 302


def test_what_waits_behind_the_first_deploy_may_be_asked_for(ab, kind):
    change(kind, needs=Needs.VERSION)
    looked_at(ab)
    Operation.objects.create(kind="deploy", environment=ab, environment_kind="sandbox", state=State.RUNNING)
    assert client_of("ana").post(MIGRATE).status_code == 302


def test_the_worker_asks_again_whether_anything_is_deployed(ab, kind):
    change(kind, needs=Needs.VERSION)
    asked = ask_for(ab, person("ana"))
    looked_at(ab)
    closed = refusals(findings(queries.facts_of_operation(asked), RULES_AT_START))
    assert [each.rule for each in closed] == ["deployed"]


def test_where_nothing_can_be_chosen_the_button_says_why(ab, kind):
    what = Parameter(
        "what", "What", "", required=True, choices=lambda place: [], nothing="Deploy another first."
    )
    change(kind, parameters=(what,))
    shown = text_of(client_of("ana").get(MIGRATE))
    assert "Deploy another first." in shown
    assert 'aria-disabled="true"' in shown
    assert "Deploy another first." in text_of(client_of("ana").get("/environments/ab/"))


def test_a_second_click_leads_to_the_operation_under_way(ab):
    client_of("ana").post(MIGRATE, {"what": "good"})
    first = Operation.objects.get()
    again = client_of("ana").post(MIGRATE, {"what": "good"})
    assert again.status_code == 409
    assert f'<a class="usa-link" href="/operations/{first.id}/">Open it</a>' in text_of(again)


def test_a_refusal_because_of_a_hold_leads_to_the_hold(ab):
    environments.hold(environment=ab, reason="Demo.", by=person("lee"), passes="nobody")
    refused = client_of("ana").post(MIGRATE)
    assert refused.status_code == 409
    assert '<a class="usa-link" href="/environments/ab/hold">The hold</a>' in text_of(refused)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("99999999999999", "too large: it is at most 100"),
        ("-3", "too small: it is at least 1"),
        ("0", "too small: it is at least 1"),
        ("many", "give a whole number"),
    ],
)
def test_a_number_out_of_bounds_is_told_which_way(typed, said):
    with pytest.raises(BadParameter, match=said):
        asking.number("instances", typed, "Instances", least=1, most=100)


def test_nobody_gets_round_the_name_by_asking_elsewhere(ab, kind):
    change(kind, confirm=Confirm.TYPED)

    assert client_of("ana").post(MIGRATE).status_code == 422


def test_a_bad_parameter_is_told_at_its_field_and_nothing_typed_is_lost(ab):
    answer = client_of("ana").post(MIGRATE, {"what": "bad"})

    assert answer.status_code == 422
    assert "Anything but that." in text_of(answer)
    assert 'value="bad"' in text_of(answer)


def test_the_outlook_follows_what_is_typed_before_anything_is_asked_for(ab, kind):
    change(kind, preview=lambda place, params: [f"With {params.get('what', 'nothing')}."])

    answer = client_of("ana").get(
        MIGRATE, {"what": "salt"}, headers={"HX-Request": "true", "HX-Target": "outlook"}
    )

    assert "With salt." in text_of(answer)
    assert "<h1" not in text_of(answer)
    assert not Operation.objects.exists()


def test_on_stable_it_asks_for_a_reason_where_one_is_needed(kind):
    environment("stable")
    change(kind, reason_on=frozenset({"stable"}))

    assert client_of("lee").post("/environments/stable/do/migrate", {"reason": ""}).status_code == 422
    assert client_of("lee").post("/environments/stable/do/migrate", {"reason": "500s"}).status_code == 302
    assert Operation.objects.get().reason == "500s"


def test_who_may_not_is_told_why_and_who_can(ab):
    answer = client_of("pam").post(MIGRATE)

    assert answer.status_code == 409
    assert "may migrate the sandbox ab" in text_of(answer)


def test_a_held_environment_offers_its_hold_to_pass_only_to_those_it_lets(ab):
    environments.hold(environment=ab, reason="The demo is on", by=person("lee"))

    assert "Pass the hold" not in text_of(client_of("ana").get(MIGRATE))
    refused = client_of("ana").post(MIGRATE, {"passes_hold": "on"})
    assert refused.status_code == 409
    assert "The demo is on" in text_of(refused)

    assert client_of("lee").post(MIGRATE).status_code == 409
    assert client_of("lee").post(MIGRATE, {"passes_hold": "on"}).status_code == 302


@pytest.mark.parametrize("path", ["/environments/none/do/migrate", "/environments/ab/do/nothing"])
def test_what_does_not_exist_is_not_found(ab, path):
    assert client_of("ana").get(path).status_code == 404


def test_holding_and_releasing_on_the_page(ab):
    lee = client_of("lee")
    assert lee.post("/environments/ab/hold", {"reason": "", "passes": "lead"}).status_code == 422
    lee.post("/environments/ab/hold", {"reason": "The demo is on", "passes": "nobody", "hours": "4"})
    assert "Held by Lee Lindqvist until" in text_of(lee.get("/environments/ab/"))
    assert "ab is held" in text_of(lee.get("/"))

    assert client_of("dee").post("/environments/ab/release").status_code == 403
    lee.post("/environments/ab/release", {"reason": "Over"})

    assert "Held by" not in text_of(lee.get("/environments/ab/"))


def test_a_schedule_is_set_up_shown_and_switched_on_the_page(ab):
    ana = client_of("ana")
    asked = {"kind": "migrate", "environment": "ab", "weekdays": ["0", "2"], "times": "06:30"}
    assert "Monday and Wednesday" not in text_of(ana.get("/schedules/"))
    assert ana.post("/schedules/new", {**asked, "times": "noon"}).status_code == 422
    ana.post("/schedules/new", asked)

    assert "on Monday and Wednesday at 06:30" in text_of(ana.get("/schedules/"))
    row = Schedule.objects.get()
    assert client_of("pam").post(f"/schedules/{row.pk}/switch", {"turn": "off"}).status_code == 403
    ana.post(f"/schedules/{row.pk}/switch", {"turn": "off"})
    assert "switched off" in text_of(ana.get("/schedules/"))
    ana.post(f"/schedules/{row.pk}/remove")
    assert not Schedule.objects.exists()


def command(place, given):
    if not given.get("command"):
        raise BadParameter("command", "Say which command to run.")
    return dict(given)


@pytest.fixture
def run_task(kind):
    parameters = (Parameter("command", "Command", "Any.", required=True),)
    before = registry.kind("run_task")
    registry.register(replace(kind, name="run_task", title="Run task", parameters=parameters, clean=command))
    yield
    registry._kinds.pop("run_task")
    if before:
        registry.register(before)


def test_a_saved_command_is_filled_in_quoted_and_run(ab, run_task):
    saved = saved_commands.save(
        title="Find a user", what="", command="python manage.py find {who}", asked="who: text: Who",
        roles=["engineer"], places=[], by=person("lee"),
    )  # fmt: skip
    path = f"/environments/ab/commands/{saved.pk}"
    assert "Find a user" in text_of(client_of("ana").get("/environments/ab/do/run_task"))
    assert client_of("dee").get(path).status_code == 404

    assert client_of("ana").post(path, {"p_who": ""}).status_code == 422
    client_of("ana").post(path, {"p_who": "x; rm -rf /"})

    assert Operation.objects.get().params == {"command": "python manage.py find 'x; rm -rf /'"}


@pytest.fixture
def find_a_user():
    return saved_commands.save(
        title="Find a user", what="", command="python manage.py find {who} --now", asked="who: text: Who",
        roles=[], places=[], by=person("lee"),
    )  # fmt: skip


def test_a_saved_command_keeps_its_title_and_shows_beforehand_what_will_be_run(ab, find_a_user):
    path, ana = f"/environments/ab/commands/{find_a_user.pk}", client_of("ana")
    looked = text_of(ana.post(path, {"p_who": "a b"}, headers={"HX-Request": "true", "HX-Target": "outlook"}))
    assert "Find a user: python manage.py find &#x27;a b&#x27; --now" in looked
    assert not Operation.objects.exists()

    ana.post(path, {"p_who": "a b"})
    made = Operation.objects.get()
    assert made.headline == "Find a user: python manage.py find 'a b' --now"
    assert "Find a user: python manage.py" in text_of(ana.get("/operations/"))


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("python manage.py find x --now", "Find a user"),
        ("python manage.py find x --later", ""),
        ("python manage.py flush --now", ""),
        ("python manage.py find --now", ""),
    ],
)
def test_a_title_stays_with_what_its_command_can_make_alone(find_a_user, line, title):
    assert saved_commands.title_of("Find a user", line) == title
    assert saved_commands.title_of("No such", line) == ""


def test_a_parameter_left_out_at_the_end_takes_no_title_away():
    saved_commands.save(
        title="Show",
        what="",
        command="manage.py show {app}",
        asked="app?: text",
        roles=[],
        places=[],
        by=person("lee"),
    )
    assert saved_commands.title_of("Show", "manage.py show") == "Show"
    assert saved_commands.title_of("Show", "manage.py show x") == "Show"


def test_a_saved_command_can_be_scheduled(ab, find_a_user):
    path, ana = f"/environments/ab/commands/{find_a_user.pk}", client_of("ana")
    shown = text_of(ana.post(path, {"p_who": "x", "schedule": "yes"}))
    assert 'value="python manage.py find x --now"' in shown
    given = {"command": "python manage.py find x --now", "saved": "Find a user"}
    ana.post(
        "/schedules/new", {"kind": "run_task", "environment": "ab", "weekdays": "1", "times": "6:30", **given}
    )
    assert Schedule.objects.get().given == given


def test_whom_a_hold_lets_pass_may_pass_it_with_a_saved_command(ab, find_a_user):
    environments.hold(environment=ab, reason="Demo.", by=person("ana"), passes="holder")
    path, ana = f"/environments/ab/commands/{find_a_user.pk}", client_of("ana")
    assert ana.post(path, {"p_who": "x"}).status_code == 409
    assert ana.post(path, {"p_who": "x", "passes_hold": "on"}).status_code == 302


def test_what_was_undone_is_offered_again_with_what_was_typed(ab):
    ana = client_of("ana")
    ana.post(MIGRATE, {"what": "good"})
    made = Operation.objects.get()
    ana.post(f"/operations/{made.id}/cancel")
    shown = text_of(ana.get(f"/operations/{made.id}/"))
    assert f'href="{MIGRATE}?again={made.id}">Again…</a>' in shown
    assert "Retry from this step" not in shown
    assert 'value="good"' in text_of(ana.get(f"{MIGRATE}?again={made.id}"))
    assert ana.get(f"{MIGRATE}?again=nonsense").status_code == 200


def test_what_failed_is_offered_again_with_changes(ab):
    made = ask_for(ab, person("ana"), what="good")
    Operation.objects.filter(pk=made.pk).update(state=State.FAILED)
    assert "Run again with changes…" in text_of(client_of("ana").get(f"/operations/{made.id}/"))


def test_a_scheduled_run_is_not_shown_as_a_click(ab):
    made = ask_for(ab, person("ana"))
    Operation.objects.filter(pk=made.pk).update(via="schedule")
    for page in (f"/operations/{made.id}/", "/operations/", "/environments/ab/"):
        assert "chedule of Ana Alvarez" in text_of(client_of("ana").get(page))


def test_only_what_is_possible_there_is_offered_for_a_schedule(ab):
    shown = text_of(client_of("ana").get("/schedules/new?environment=stable"))
    assert 'name="environment"' in shown
    environment("stable")
    shown = text_of(client_of("ana").get("/schedules/new?environment=stable"))
    assert '<option value="migrate">' in shown
    assert "reset_database" not in shown
    assert "What you may not schedule there" in shown


def test_commands_are_kept_by_leads_and_admins_only(run_task):
    asked = {"title": "T", "command": "do {it}", "parameters": "it: text"}
    assert client_of("ana").post("/commands/new", asked).status_code == 403
    assert client_of("lee").post("/commands/new", {**asked, "command": "do {that}"}).status_code == 422
    client_of("lee").post("/commands/new", asked)
    saved = SavedCommand.objects.get()
    client_of("ada").post(f"/commands/{saved.pk}", {**asked, "title": "Better"})
    assert "Better" in text_of(client_of("pam").get("/commands/"))
    client_of("ada").post(f"/commands/{saved.pk}/remove")
    assert not SavedCommand.objects.exists()
