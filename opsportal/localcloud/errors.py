"""The platform's errors, ready to raise: status, code and title of its error catalogue, and the text."""

from collections.abc import Iterable
from typing import Any


class ApiError(Exception):
    """What the platform answers instead of a result: one entry of ``{"errors": [...]}``, and a status."""

    def __init__(self, status: int, code: int, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers: dict[str, str] = {}
        self.content_type = "application/json; charset=utf-8"

    def body(self) -> dict[str, Any]:
        """The JSON body; other services than the platform's API have forms of their own."""
        return {"errors": self.entries()}

    def entries(self) -> list[dict[str, Any]]:
        """The error objects of the answer, also kept in a failed job."""
        return [{"code": self.code, "title": self.title, "detail": self.detail}]


class ApiErrors(ApiError):
    """Several errors of one kind in one answer, such as each fault of a manifest."""

    def __init__(self, errors: list[ApiError]) -> None:
        first = errors[0]
        super().__init__(first.status, first.code, first.title, "; ".join(one.detail for one in errors))
        self.errors = errors

    def entries(self) -> list[dict[str, Any]]:
        """Each error's own entry."""
        return [entry for one in self.errors for entry in one.entries()]


def quoted(names: Iterable[str]) -> str:
    """``'a', 'b'``, as the platform's texts list names."""
    return ", ".join(f"'{name}'" for name in names)


def unknown_parameters(unknown: Iterable[str], valid: Iterable[str]) -> ApiError:
    """400 for query parameters that are not known, naming those that are."""
    return bad_query(f"Unknown query parameter(s): {quoted(unknown)}. Valid parameters are: {quoted(valid)}")


def not_found(resource: str) -> ApiError:
    """404: there is no such thing, or it may not be seen. ``resource`` as in "App", "Service instance"."""
    return ApiError(404, 10010, "CF-ResourceNotFound", f"{resource} not found")


def resource_not_found(detail: str) -> ApiError:
    """404 with a text of its own."""
    return ApiError(404, 10010, "CF-ResourceNotFound", detail)


def unknown_request() -> ApiError:
    """404: no endpoint answers this method and path."""
    return ApiError(404, 10000, "CF-NotFound", "Unknown request")


def unprocessable(detail: str) -> ApiError:
    """422: understood and refused."""
    return ApiError(422, 10008, "CF-UnprocessableEntity", detail)


def unprocessables(details: list[str]) -> ApiError:
    """422 with one entry for each text."""
    return ApiErrors([unprocessable(detail) for detail in details])


def not_unique(detail: str) -> ApiError:
    """422: the name is taken, where the platform has a title of its own for it."""
    return ApiError(422, 10016, "CF-UniquenessError", detail)


def bad_query(detail: str) -> ApiError:
    """400: a query parameter that is unknown or malformed."""
    return ApiError(400, 10005, "CF-BadQueryParameter", f"The query parameter is invalid: {detail}")


def bad_request(detail: str) -> ApiError:
    """400: "Bad request: …"."""
    return ApiError(400, 1004, "CF-BadRequest", f"Bad request: {detail}")


def parse_error() -> ApiError:
    """400: the body is not the JSON or YAML it should be."""
    detail = "Request invalid due to parse error: invalid request body"
    return ApiError(400, 1001, "CF-MessageParseError", detail)


def not_authorized() -> ApiError:
    """403: may be seen, may not be done."""
    return ApiError(403, 10003, "CF-NotAuthorized", "You are not authorized to perform the requested action")


def insufficient_scope() -> ApiError:
    """403: the token was not made for this."""
    detail = "Your token lacks the necessary scopes to access this resource."
    return ApiError(403, 10007, "CF-InsufficientScope", detail)


def not_authenticated() -> ApiError:
    """401: there is no token."""
    return ApiError(401, 10002, "CF-NotAuthenticated", "Authentication error")


def invalid_token() -> ApiError:
    """401: there is a token, and it is bad or has expired."""
    return ApiError(401, 1000, "CF-InvalidAuthToken", "Invalid Auth Token")


def feature_disabled(flag: str) -> ApiError:
    """403: a feature flag is off."""
    return ApiError(403, 330002, "CF-FeatureDisabled", f"Feature Disabled: {flag}")


def organization_suspended() -> ApiError:
    """403: nothing can be changed in a suspended organization."""
    return ApiError(403, 10017, "CF-OrgSuspended", "The organization is suspended")


def instance_in_progress(name: str) -> ApiError:
    """409: the service instance has a running operation."""
    detail = f"An operation for service instance {name} is in progress."
    return ApiError(409, 60016, "CF-AsyncServiceInstanceOperationInProgress", detail)


def rate_limited(anonymous: bool = False) -> ApiError:
    """429 for a user, or an address that sent no token; the platform labels it plain text, although JSON."""
    if anonymous:
        detail = (
            "Rate Limit Exceeded: Unauthenticated requests from this IP address have exceeded the limit. "
            "Please log in."
        )
        error = ApiError(429, 10014, "CF-IPBasedRateLimitExceeded", detail)
    else:
        error = ApiError(429, 10013, "CF-RateLimitExceeded", "Rate Limit Exceeded")
    error.content_type = "text/plain; charset=utf-8"
    return error


def unknown_error(detail: str = "An unknown error occurred.") -> ApiError:
    """500: our own fault."""
    return ApiError(500, 10001, "UnknownError", detail)
