"""Every query that the client's commands, and their options, may ask: one unknown parameter would answer 400."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from . import cf_cli
from .conftest import RunningCloud
from .wire import Cf, query_text

PAGE = "per_page=5000"
INSTANCE_FIELDS = "&".join(
    f"fields[{name}]={values}"
    for name, values in (
        ("space", "guid,name,relationships.organization"),
        ("space.organization", "guid,name"),
        ("service_plan", "guid,name,relationships.service_offering"),
        (
            "service_plan.service_offering",
            "guid,name,description,documentation_url,tags,relationships.service_broker",
        ),
        ("service_plan.service_offering.service_broker", "guid,name"),
    )
)
QUERIES = [
    f"apps?{PAGE}&order_by=name&names=a&guids=b&space_guids=c&organization_guids=d",
    "apps?stacks=cflinuxfs4&lifecycle_type=buildpack&label_selector=a&include=space.organization",
    "apps?order_by=-state&include=space&page=1",
    f"apps/{{app}}/processes?{PAGE}&types=web",
    "apps/{app}?include=space.organization",
    "apps/{app}/processes/web/stats",
    f"apps/{{app}}/routes?{PAGE}",
    f"apps/{{app}}/tasks?{PAGE}&order_by=-created_at&states=RUNNING,PENDING&sequence_ids=1&names=a",
    "apps/{app}/packages?per_page=1&order_by=-created_at&states=READY&types=bits",
    "apps/{app}/droplets?order_by=-created_at&states=STAGED&current=true",
    "apps/{app}/builds?states=STAGED&per_page=1&order_by=-created_at",
    f"apps/{{app}}/revisions?{PAGE}&order_by=-created_at&versions=1&deployable=true&label_selector=a",
    f"apps/{{app}}/revisions/deployed?{PAGE}",
    "apps/{app}/features/ssh",
    "apps/{app}/ssh_enabled",
    "apps/{app}/manifest",
    f"processes?{PAGE}&app_guids={{app}}&types=web&space_guids=a&organization_guids=b",
    f"processes/{{app}}/sidecars?{PAGE}",
    f"routes?{PAGE}&app_guids=a&space_guids=b&organization_guids=c&hosts=d&paths=&domain_guids=e",
    "routes?ports=1&include=domain,space,space.organization&label_selector=a&order_by=created_at",
    f"domains?{PAGE}&names=a&guids=b&organization_guids=c&label_selector=d",
    "domains/{domain}/route_reservations?host=a&path=%2Fb",
    f"organizations?{PAGE}&order_by=name&names=a&guids=b&label_selector=c",
    f"organizations/{{organization}}/domains?{PAGE}&names=a",
    "organizations/{organization}/domains/default",
    f"organizations/{{organization}}/users?{PAGE}",
    "organizations/{organization}/relationships/default_isolation_segment",
    f"spaces?{PAGE}&order_by=name&names=a&guids=b&organization_guids=c&include=organization&label_selector=d",
    f"spaces/{{space}}/running_security_groups?{PAGE}&names=a",
    f"spaces/{{space}}/staging_security_groups?{PAGE}&order_by=created_at",
    "spaces/{space}/relationships/isolation_segment",
    "spaces/{space}/features/ssh",
    f"roles?{PAGE}&types=space_developer&space_guids=a&user_guids=b&include=user,space,organization",
    f"roles?{PAGE}&organization_guids=a&include=user&order_by=created_at",
    f"users?{PAGE}&usernames=a&origins=uaa",
    f"users?{PAGE}&guids=a&label_selector=b",
    f"security_groups?{PAGE}&names=a&globally_enabled_running=true&globally_enabled_staging=false",
    "security_groups?running_space_guids=a&staging_space_guids=b&order_by=created_at",
    f"service_plans?{PAGE}&include=service_offering&fields[service_offering.service_broker]=name,guid",
    "service_plans?available=true&space_guids=a&organization_guids=b&names=c&service_offering_names=d",
    "service_plans?service_offering_guids=a&service_broker_names=b&service_broker_guids=c&order_by=name",
    "service_plans?include=space.organization,service_offering&service_instance_guids=a",
    f"service_offerings?{PAGE}&names=a&available=true&fields[service_broker]=name,guid&space_guids=b",
    "service_offerings?service_broker_names=a&service_broker_guids=b&organization_guids=c&order_by=name",
    f"service_brokers?{PAGE}&names=a&order_by=name",
    f"service_instances?{PAGE}&names=a&space_guids=b&organization_guids=c&type=managed&order_by=name",
    f"service_instances?{INSTANCE_FIELDS}",
    f"service_credential_bindings?{PAGE}&include=app,service_instance&service_instance_guids=a&app_guids=b",
    "service_credential_bindings?type=key&names=a&service_instance_names=b&app_names=c&order_by=created_at",
    f"service_route_bindings?{PAGE}&include=service_instance,route&route_guids=a&service_instance_names=b",
    f"isolation_segments?{PAGE}&organization_guids=a&names=b&order_by=name",
    f"organization_quotas?{PAGE}&names=a&order_by=name",
    f"space_quotas?{PAGE}&names=a&organization_guids=b&space_guids=c&order_by=name",
    f"buildpacks?{PAGE}&names=a&stacks=b&order_by=position&label_selector=c",
    f"stacks?{PAGE}&names=a&order_by=name&label_selector=b",
    f"feature_flags?{PAGE}",
    f"audit_events?{PAGE}&order_by=-created_at&target_guids={{app}}&types=audit.app.create",
    "audit_events?created_ats[gt]=2020-01-01T00:00:00Z&space_guids=a&target_guids[not]=b",
    "builds?app_guids={app}&package_guids=a&states=STAGED&per_page=1&order_by=-created_at",
    "packages?app_guids={app}&order_by=-created_at&per_page=1",
    "packages?app_guids={app}&states=READY&types=bits&order_by=-created_at",
    "droplets?app_guids={app}&states=STAGED&order_by=-created_at&per_page=1",
    "deployments?app_guids={app}&order_by=-created_at&per_page=1&status_values=ACTIVE",
    "deployments?states=DEPLOYED&status_reasons=DEPLOYING&label_selector=a",
    f"tasks?{PAGE}&app_guids={{app}}&names=a&states=RUNNING&order_by=created_at&label_selector=b",
    "environment_variable_groups/running",
    "environment_variable_groups/staging",
]
Places = dict[str, str]


@pytest.fixture(scope="module")
def clerk(cloud: RunningCloud) -> Iterator[Cf]:
    """An admin, signed in once for all queries."""
    person = cloud.person("admin", space="dev")
    person.signed_in()
    yield person
    person.close()


@pytest.fixture(scope="module")
def places(clerk: Cf) -> Places:
    """The guids that stand in the queries."""
    body = {"name": "queried", "relationships": {"space": {"data": {"guid": clerk.space["guid"]}}}}
    app = clerk.json({"guid": str}, "POST", clerk.v3("apps"), body)
    domain = clerk.pages({"guid": str}, clerk.v3("domains"))[0]
    return {
        "app": app["guid"],
        "space": clerk.space["guid"],
        "organization": clerk.org["guid"],
        "domain": domain["guid"],
    }


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_the_client_is_answered(clerk: Cf, places: Places, query: str) -> None:
    answer = clerk.send("GET", f"{clerk.api}/v3/{query.format(**places)}")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", ["a,b", "ä ö 100%", "plus+and&amp", "-leading", "'quoted\"", "x" * 200])
def test_an_app_is_found_by_whatever_name_it_has(clerk: Cf, name: str) -> None:
    body = {"name": name, "relationships": {"space": {"data": {"guid": clerk.space["guid"]}}}}
    made = clerk.json({"guid": str}, "POST", clerk.v3("apps"), body)
    url = clerk.v3("apps", names=[name, "another"], space_guids=clerk.space["guid"])
    assert [one["guid"] for one in clerk.pages({"guid": str}, url)] == [made["guid"]]
    cf_cli.delete(clerk, name)


def test_a_list_keeps_its_query_from_page_to_page(clerk: Cf) -> None:
    query: dict[str, Any] = {"names": ["micro-psql", "small-psql", "medium-psql"], "per_page": 1}
    query["fields[service_offering.service_broker]"] = ["guid", "name"]
    plans, beside = clerk.pages(
        {"name": str}, clerk.v3("service_plans", **query), {"service_brokers": {"name": str}}
    )
    assert {one["name"] for one in plans} == set(query["names"])
    assert {one["name"] for one in beside["service_brokers"]} == {"rds-broker"}


def test_a_comma_inside_a_value_is_escaped_twice() -> None:
    assert query_text({"names": ["a,b", "c"]}) == f"names={quote('a%2Cb,c')}"
