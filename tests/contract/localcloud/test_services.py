"""Service instances, bindings and keys: made by jobs, in their states, with real credentials, and gone afterwards."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from .control_plane import Account, to, unique, until


def managed(cloud, space="ab", offering="aws-rds", plan="micro-psql", **more):
    found = cloud.admin.guid(f"/v3/service_plans?names={plan}&service_offering_names={offering}")
    relationships = to("space", cloud.space(space)) | to("service_plan", found)
    return {"type": "managed", "name": unique("service"), "relationships": relationships, **more}


def create(cloud, body):
    """Create a managed instance; its guid."""
    job = cloud.admin.done("POST", "/v3/service_instances", body)
    return job["links"]["service_instances"]["href"].rsplit("/", 1)[1]


def user_provided(cloud, credentials, space="ab"):
    relationships = to("space", cloud.space(space))
    body = {"type": "user-provided", "name": unique("ups"), "relationships": relationships}
    return cloud.admin.make("/v3/service_instances", body | {"credentials": credentials})["guid"]


def app(cloud, space="ab"):
    body = {"name": unique("app"), "relationships": to("space", cloud.space(space))}
    return cloud.admin.make("/v3/apps", body)["guid"]


def binding(instance, app_guid=None, **more):
    relationships = to("service_instance", instance) | (to("app", app_guid) if app_guid else {})
    return {"type": "app" if app_guid else "key", "relationships": relationships, **more}


def bind(cloud, body):
    job = cloud.admin.done("POST", "/v3/service_credential_bindings", body)
    return job["links"]["service_credential_binding"]["href"].rsplit("/", 1)[1]


def details(cloud, guid):
    return cloud.admin.get(f"/v3/service_credential_bindings/{guid}/details")


def test_the_marketplace_shows_plans_with_offering_and_broker(cloud):
    path = (
        "/v3/service_plans?available=true&include=service_offering&per_page=5000"
        f"&fields[service_offering.service_broker]=name,guid&space_guids={cloud.space('ab')}"
    )
    shown = cloud.account("developer").get(path)
    assert {"micro-psql", "space-deployer"} <= {one["name"] for one in shown["resources"]}
    offerings = {one["name"]: one for one in shown["included"]["service_offerings"]}
    assert set(offerings) == {"aws-rds", "cloud-gov-service-account"}
    broker = offerings["aws-rds"]["relationships"]["service_broker"]["data"]["guid"]
    brokers = {one["guid"]: one["name"] for one in shown["included"]["service_brokers"]}
    assert brokers[broker] == "rds-broker"


def test_a_database_goes_from_initial_through_in_progress_to_succeeded(cloud, boss):
    cloud.knobs(service_seconds=1, job_seconds=0.3)
    body = managed(cloud)
    answer = boss.call("POST", "/v3/service_instances", body)
    guid = boss.guid(f"/v3/service_instances?names={body['name']}")
    path = f"/v3/service_instances/{guid}"
    assert boss.get(path)["last_operation"]["state"] == "initial"
    assert boss.get(answer.headers["Location"])["state"] == "PROCESSING"
    until(lambda: boss.get(path)["last_operation"]["state"] == "in progress")
    assert until(lambda: boss.get(answer.headers["Location"])["state"] == "POLLING")
    assert boss.job(answer)["operation"] == "service_instance.create"
    last = boss.get(path)["last_operation"]
    assert (last["type"], last["state"]) == ("create", "succeeded")


def test_a_database_binding_opens_a_real_database_that_ends_with_the_instance(cloud, boss):
    instance = create(cloud, managed(cloud))
    first = details(cloud, bind(cloud, binding(instance, app(cloud))))["credentials"]
    second = details(cloud, bind(cloud, binding(instance, app(cloud))))["credentials"]
    assert first == second
    assert set(first) == {"uri", "host", "port", "username", "password", "db_name", "name"}
    path = Path(first["uri"].removeprefix("sqlite:///"))
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    assert path.is_absolute()
    boss.done("DELETE", f"/v3/service_instances/{instance}")
    assert not path.exists()
    assert boss.call("GET", f"/v3/service_instances/{instance}").status_code == 404
    left = boss.get(f"/v3/service_credential_bindings?service_instance_guids={instance}")
    assert left["resources"] == []


def test_a_service_accounts_key_is_a_user_who_may_deploy_to_the_space(cloud, boss):
    account = managed(cloud, offering="cloud-gov-service-account", plan="space-deployer")
    instance = create(cloud, account)
    key = bind(cloud, binding(instance, name="deployer"))
    held = details(cloud, key)["credentials"]
    deployer = cloud.sign_in(held["username"], held["password"])
    assert deployer.names("/v3/spaces") == ["ab"]
    deployer.make("/v3/apps", {"name": unique("app"), "relationships": to("space", cloud.space("ab"))})
    boss.done("DELETE", f"/v3/service_credential_bindings/{key}")
    assert cloud.token(held["username"], held["password"]).status_code == 401
    assert deployer.names("/v3/spaces") == []


def test_an_auditors_key_reads_and_changes_nothing(cloud):
    body = managed(cloud, offering="cloud-gov-service-account", plan="space-auditor")
    held = details(cloud, bind(cloud, binding(create(cloud, body), name="watcher")))["credentials"]
    auditor = cloud.sign_in(held["username"], held["password"])
    assert auditor.names("/v3/spaces") == ["ab"]
    assert (
        auditor.refusal("POST", "/v3/apps", {"name": "x", "relationships": to("space", cloud.space("ab"))})[0]
        == 403
    )


def test_a_user_provided_service_is_bound_at_once_and_updated_in_its_bindings(cloud, boss):
    instance = user_provided(cloud, {"KEY": "one", "OLD": "x"})
    made = boss.make("/v3/service_credential_bindings", binding(instance, app(cloud), name="files"))
    assert (made["name"], made["last_operation"]["state"]) == ("files", "succeeded")
    answer = boss.call("PATCH", f"/v3/service_instances/{instance}", {"credentials": {"KEY": "two"}})
    assert answer.status_code == 200
    assert boss.get(f"/v3/service_instances/{instance}/credentials") == {"KEY": "two"}
    assert details(cloud, made["guid"])["credentials"] == {"KEY": "two"}
    path = f"/v3/service_credential_bindings/{made['guid']}"
    assert boss.call("DELETE", path).status_code == 204
    assert boss.call("DELETE", f"/v3/service_instances/{instance}").status_code == 204


def test_a_name_is_taken_once_in_a_space(cloud, boss):
    body = managed(cloud, name="database")
    assert boss.refusal("POST", "/v3/service_instances", body) == (
        422,
        "CF-UnprocessableEntity",
        "The service instance name is taken: database.",
    )
    other = user_provided(cloud, {})
    refusal = boss.refusal("PATCH", f"/v3/service_instances/{other}", {"name": "database"})
    assert refusal[2] == "The service instance name is taken: database."


def test_an_app_is_bound_once(cloud, boss):
    instance, app_guid = user_provided(cloud, {}), app(cloud)
    boss.make("/v3/service_credential_bindings", binding(instance, app_guid))
    refusal = boss.refusal("POST", "/v3/service_credential_bindings", binding(instance, app_guid))
    assert refusal[::2] == (422, "The app is already bound to the service instance")


def test_what_is_under_way_cannot_be_bound_or_changed(cloud, boss):
    cloud.knobs(service_seconds=30)
    body = managed(cloud)
    job = boss.call("POST", "/v3/service_instances", body)
    instance = boss.guid(f"/v3/service_instances?names={body['name']}")
    assert boss.refusal("POST", "/v3/service_credential_bindings", binding(instance, app(cloud)))[::2] == (
        422,
        "There is an operation in progress for the service instance.",
    )
    refusal = boss.refusal("PATCH", f"/v3/service_instances/{instance}", {"tags": ["x"]})
    assert refusal[:2] == (409, "CF-AsyncServiceInstanceOperationInProgress")
    cloud.knobs(service_seconds=0)
    boss.done("DELETE", f"/v3/service_instances/{instance}")
    assert boss.get(job.headers["Location"])["state"] in {"POLLING", "PROCESSING", "FAILED"}


def test_a_failed_creation_leaves_an_instance_that_can_only_be_deleted(cloud, boss):
    body = managed(cloud)
    cloud.knobs(service_failure=f"create service_instance {body['name']}")
    job = boss.job(boss.call("POST", "/v3/service_instances", body))
    assert job["state"] == "FAILED"
    assert job["errors"][0]["title"] == "CF-ServiceBrokerRequestRejected"
    instance = boss.guid(f"/v3/service_instances?names={body['name']}")
    assert boss.get(f"/v3/service_instances/{instance}")["last_operation"]["state"] == "failed"
    assert boss.refusal("POST", "/v3/service_credential_bindings", binding(instance, app(cloud)))[0] == 422
    boss.done("DELETE", f"/v3/service_instances/{instance}")


def test_credentials_of_a_binding_that_failed_are_not_found(cloud, boss):
    body = managed(cloud)
    instance = create(cloud, body)
    cloud.knobs(service_failure=f"create service_credential_binding {body['name']}")
    answer = boss.call("POST", "/v3/service_credential_bindings", binding(instance, name="key"))
    assert boss.job(answer)["state"] == "FAILED"
    key = boss.guid(f"/v3/service_credential_bindings?service_instance_guids={instance}")
    assert boss.refusal("GET", f"/v3/service_credential_bindings/{key}/details")[0] == 404


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"type": "imaginary"}, "Type must be one of 'managed', 'user-provided'"),
        ({"name": ""}, "Name can't be blank"),
        ({"name": 7}, "Name must be a string"),
        ({"credentials": {}}, "Unknown field(s): 'credentials'"),
        ({"tags": "db"}, "Tags must be an array of strings"),
        ({"parameters": []}, "Parameters must be an object"),
        ({"relationships": None}, "Relationships 'relationships' is not an object"),
    ],
)
def test_a_malformed_instance_is_refused_with_every_reason(cloud, boss, change, text):
    status, title, detail = boss.refusal("POST", "/v3/service_instances", managed(cloud) | change)
    assert (status, title) == (422, "CF-UnprocessableEntity")
    assert text in detail


def test_a_key_of_a_user_provided_service_is_refused(cloud, boss):
    body = binding(user_provided(cloud, {}), name="key")
    assert boss.refusal("POST", "/v3/service_credential_bindings", body)[0] == 422


def test_a_shared_database_can_be_bound_in_the_other_space_until_it_is_not(cloud, boss):
    both, other = cloud.account("developer-of-both"), cloud.space("cw")
    instance = create(cloud, managed(cloud))
    app_guid = app(cloud, "cw")
    refused = boss.refusal("POST", "/v3/service_credential_bindings", binding(instance, app_guid))
    assert refused[::2] == (422, "The service instance and the app are in different spaces")
    path = f"/v3/service_instances/{instance}/relationships/shared_spaces"
    assert both.make(path, {"data": [{"guid": other}]}, 200)["data"] == [{"guid": other}]
    assert instance in [
        one["guid"]
        for one in cloud.account("stranger").get(f"/v3/service_instances?space_guids={other}")["resources"]
    ]
    bind(cloud, binding(instance, app_guid))
    assert both.get(f"{path}/usage_summary")["usage_summary"] == [
        {"space": {"guid": other}, "bound_app_count": 1}
    ]
    assert cloud.account("stranger").refusal("DELETE", f"/v3/service_instances/{instance}")[0] in {403, 404}
    assert both.call("DELETE", f"{path}/{other}").status_code == 204
    assert boss.get(f"/v3/service_credential_bindings?app_guids={app_guid}")["resources"] == []


def test_user_provided_services_cannot_be_shared(cloud, boss):
    path = f"/v3/service_instances/{user_provided(cloud, {})}/relationships/shared_spaces"
    refusal = boss.refusal("POST", path, {"data": [{"guid": cloud.space("cw")}]})
    assert refusal[::2] == (422, "User-provided services cannot be shared.")


def test_reading_credentials_is_noted(cloud, boss):
    guid = bind(cloud, binding(create(cloud, managed(cloud)), name="noted"))
    details(cloud, guid)
    events = boss.get(f"/v3/audit_events?target_guids={guid}")["resources"]
    assert [one["type"] for one in events] == [
        "audit.service_key.start_create",
        "audit.service_key.create",
        "audit.service_key.show",
    ]
    assert "password" not in str(events)


def test_fields_bring_space_organization_plan_offering_and_broker(cloud):
    query = "&".join(
        f"fields[{key}]=name,guid"
        for key in (
            "space",
            "space.organization",
            "service_plan",
            "service_plan.service_offering",
            "service_plan.service_offering.service_broker",
        )
    )
    developer: Account = cloud.account("developer")
    shown = developer.get(f"/v3/service_instances?names=database&space_guids={cloud.space('ab')}&{query}")
    assert {key: one[0]["name"] for key, one in shown["included"].items()} == {
        "spaces": "ab",
        "organizations": "gov",
        "service_plans": "micro-psql",
        "service_offerings": "aws-rds",
        "service_brokers": "rds-broker",
    }
    assert set(shown["included"]["spaces"][0]) == {"guid", "name"}


def test_a_binding_takes_its_time_and_shows_it(cloud, boss):
    instance, used_by = create(cloud, managed(cloud)), app(cloud)
    cloud.knobs(binding_seconds=0.5)
    answer = boss.call("POST", "/v3/service_credential_bindings", binding(instance, used_by))
    guid = boss.guid(f"/v3/service_credential_bindings?app_guids={used_by}")
    path = f"/v3/service_credential_bindings/{guid}"
    until(lambda: boss.get(path)["last_operation"]["state"] == "in progress")
    assert until(lambda: boss.get(answer.headers["Location"])["state"] == "POLLING")
    assert boss.refusal("GET", f"{path}/details")[0] == 404
    again = boss.refusal("POST", "/v3/service_credential_bindings", binding(instance, used_by))
    assert again[2] == "There is an operation in progress for the service binding."
    assert boss.job(answer)["state"] == "COMPLETE"
    assert boss.get(path)["last_operation"]["state"] == "succeeded"
    gone = boss.call("DELETE", path)
    assert boss.get(path)["last_operation"]["type"] == "delete"
    assert boss.job(gone)["operation"] == "service_bindings.delete"
    assert boss.call("GET", path).status_code == 404


def test_a_manifest_waits_for_its_bindings(cloud, boss):
    body = managed(cloud)
    create(cloud, body)
    cloud.knobs(binding_seconds=0.3)
    text = f"applications: [{{name: {unique('app')}, services: [{body['name']}]}}]"
    path = f"/v3/spaces/{cloud.space('ab')}/actions/apply_manifest"
    headers = {"Content-Type": "application/x-yaml"}
    job = boss.job(boss.call("POST", path, data=text, headers=headers))
    assert job["state"] == "COMPLETE", job
    found = boss.get(f"/v3/service_credential_bindings?service_instance_names={body['name']}")["resources"]
    assert [one["last_operation"]["state"] for one in found] == ["succeeded"]


def test_two_databases_of_two_spaces_meet_in_one_app_when_one_is_shared(cloud, boss):
    shared, own, used_by = create(cloud, managed(cloud, "cw")), create(cloud, managed(cloud)), app(cloud)
    where = {"data": [{"guid": cloud.space("ab")}]}
    boss.make(f"/v3/service_instances/{shared}/relationships/shared_spaces", where, 200)
    addresses = [details(cloud, bind(cloud, binding(one, used_by)))["credentials"] for one in (own, shared)]
    assert len({one["uri"] for one in addresses}) == 2
    path = f"/v3/service_instances/{shared}/relationships/shared_spaces/{cloud.space('ab')}"
    assert boss.call("DELETE", path).status_code == 204
    left = boss.get(f"/v3/service_credential_bindings?app_guids={used_by}")["resources"]
    assert [one["relationships"]["service_instance"]["data"]["guid"] for one in left] == [own]
