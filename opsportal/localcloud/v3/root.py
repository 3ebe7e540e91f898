"""``GET /``, ``GET /v3`` and what tells of the platform itself (platform API §1)."""

from __future__ import annotations

from typing import Any

from ..errors import not_found
from ..usage import usage_summary
from ..web import Answer, ApiRequest, listing, require_admin, route

VERSION = "3.228.0"
NO_HOST_KEY = "A" * 43  # of the form of a fingerprint; no host has it
RESOURCES = (
    "app_usage_events",
    "apps",
    "audit_events",
    "buildpacks",
    "builds",
    "deployments",
    "domains",
    "droplets",
    "environment_variable_groups",
    "feature_flags",
    "info",
    "isolation_segments",
    "organizations",
    "organization_quotas",
    "packages",
    "processes",
    "resource_matches",
    "roles",
    "routes",
    "security_groups",
    "service_brokers",
    "service_instances",
    "service_credential_bindings",
    "service_offerings",
    "service_plans",
    "service_route_bindings",
    "service_usage_events",
    "spaces",
    "space_quotas",
    "stacks",
    "tasks",
    "users",
)


@route("GET", "/", auth="none")
def root(request: ApiRequest) -> Answer:
    """Where everything is; one address serves it all. Nobody answers at ``app_ssh``: ssh is off everywhere."""
    here = request.href("")
    return {
        "links": {
            "self": here,
            "cloud_controller_v3": {**request.href("/v3"), "meta": {"version": VERSION}},
            "network_policy_v0": request.href("/networking/v0/external"),
            "network_policy_v1": request.href("/networking/v1/external"),
            "login": here,
            "uaa": here,
            "credhub": None,
            "routing": None,
            "logging": None,
            "log_cache": here,
            "log_stream": None,
            "app_ssh": {
                "href": "127.0.0.1:2222",
                "meta": {"host_key_fingerprint": NO_HOST_KEY, "oauth_client": "ssh-proxy"},
            },
        }
    }


@route("GET", "/v3", auth="none")
def v3_root(request: ApiRequest) -> Answer:
    """Every resource's address."""
    links = {"self": request.href("/v3")}
    return {"links": links | {name: request.href(f"/v3/{name}") for name in RESOURCES}}


@route("GET", "/v3/info", auth="none")
def info(request: ApiRequest) -> Answer:
    """What this platform is, and its rate limits."""
    limits = request.context.knobs.rate_limit
    return {
        "build": "local",
        "cli_version": {"minimum": "", "recommended": ""},
        "custom": {"local_cloud": True},
        "description": "A small Cloud Foundry on this machine",
        "name": "Local cloud",
        "version": 0,
        "osbapi_version": "2.15",
        "rate_limits": {
            "enabled": limits.limit > 0,
            "general_limit": limits.limit,
            "reset_interval_in_minutes": max(1, limits.window // 60),
        },
        "links": {"self": request.href("/v3/info"), "support": {"href": ""}},
    }


@route("GET", "/v3/info/usage_summary")
def platform_usage(request: ApiRequest) -> Answer:
    """What all spaces use together; for admins."""
    require_admin(request)
    spaces = [one["guid"] for one in request.context.store.find("space")]
    links = {"self": request.href("/v3/info/usage_summary")}
    return {"usage_summary": usage_summary(request.context, spaces), "links": links}


@route("GET", "/v3/app_usage_events")
@route("GET", "/v3/service_usage_events")
@route("GET", "/v3/isolation_segments")
@route("GET", "/v3/service_route_bindings")
def nothing_of_the_kind(request: ApiRequest) -> Answer:
    """Lists of what a local cloud never has."""
    empty: list[dict[str, Any]] = []
    for name in list(request.params):
        if name.endswith(("guid", "guids", "names", "types")) or name in {"include", "label_selector"}:
            request.params.pop(name)
    order = ("created_at", "updated_at", "name")
    return listing(request, empty, lambda _, document: document, labels=False, guids=False, order_by=order)


@route("GET", "/v3/isolation_segments/<guid>")
def no_isolation_segment(request: ApiRequest, guid: str) -> Answer:
    """There is none."""
    raise not_found("Isolation segment")
