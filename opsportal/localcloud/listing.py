"""Lists: filters, label selectors, time ranges, order and pages, in the platform's way (platform API §9
and §10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from .errors import bad_query, quoted, unknown_parameters
from .label_selector import parse_label_selector
from .store import Document

if TYPE_CHECKING:
    from .web import ApiRequest

Filter = str | Callable[[Document, frozenset[str]], bool]
Presenter = Callable[["ApiRequest", Document], dict[str, Any]]
Includer = Callable[["ApiRequest", list[Document]], dict[str, list[dict[str, Any]]]]
MAX_PER_PAGE = 5000
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
}
_TIMES = ("created_ats", "updated_ats")


def split_values(text: str) -> frozenset[str]:
    """The values of a list parameter: split at commas; a comma inside one is escaped once more (``%2C``)."""
    return frozenset(unquote(one) for one in text.split(","))


def pick(request: ApiRequest, kind: str, filters: Mapping[str, Filter], **scope: Any) -> list[Document]:
    """The documents of a kind within ``scope``, already narrowed through the store's indexes by the query.

    It only saves work before :func:`listing`, which applies every filter itself. ``scope`` as in
    ``Store.find``; a value of None there means no limit, so that ``space_guid=visible_spaces(request)`` reads
    as it should.
    """
    wanted: dict[str, Any] = {key: value for key, value in scope.items() if value is not None}
    for name, key in {"guids": "guid", **filters}.items():
        if name in request.params and isinstance(key, str):
            values = split_values(request.params[name])
            wanted[key] = (
                values & frozenset(wanted[key]) if isinstance(wanted.get(key), frozenset) else values
            )
    wanted |= {key: value for key, value in scope.items() if isinstance(value, str)}
    return request.context.store.find(kind, **wanted)


def listing(
    request: ApiRequest,
    docs: Iterable[Document],
    present: Presenter,
    *,
    filters: Mapping[str, Filter] | None = None,
    order_by: Sequence[str] = ("created_at", "updated_at"),
    default_order: str = "created_at",
    labels: bool = True,
    guids: bool = True,
    include: Mapping[str, Includer] | None = None,
    fields: Mapping[str, Sequence[str]] | None = None,
    included: Includer | None = None,
    other: Sequence[str] = (),
) -> dict[str, Any]:
    """One page of ``docs`` (which the caller may see), as ``{"pagination", "resources", "included"?}``.

    ``filters`` maps a parameter to a key of the documents, or to a function ``(document, wanted values) ->
    bool``. ``guids`` adds the filter of that name; ``labels`` the label selector. ``include`` maps each value
    of ``include=`` to what makes its part of ``included``. ``fields`` names the keys of ``fields[...]`` and
    their values; ``included`` then makes the whole. ``other`` are parameters the caller reads itself. 400 for
    any other parameter or a malformed value.
    """
    all_filters: dict[str, Filter] = {**({"guids": "guid"} if guids else {}), **(filters or {})}
    valid = [*all_filters, *other, *(["label_selector"] if labels else []), *(["include"] if include else [])]
    _check_parameters(request, valid, fields or {})
    found = [one for one in docs if all(test(one) for test in _tests(request, all_filters, labels))]
    found = _ordered(request, found, order_by, default_order)
    page, per_page = _page(request)
    chosen = found[(page - 1) * per_page : page * per_page]
    result = {
        "pagination": _pagination(request, len(found), page, per_page),
        "resources": [present(request, one) for one in chosen],
    }
    extra = _included(request, chosen, include or {})
    if included is not None:
        extra = {**(extra or {}), **included(request, chosen)}
    return result if extra is None else {**result, "included": extra}


def everything(request: ApiRequest, docs: Iterable[Document], present: Presenter) -> dict[str, Any]:
    """A list without any parameters but paging's."""
    return listing(request, docs, present, labels=False, guids=False)


def with_included(
    request: ApiRequest, document: Document, body: dict[str, Any], include: Mapping[str, Includer]
) -> dict[str, Any]:
    """A single resource's body, with ``included`` inside it when ``include=`` was asked; 400 for other
    parameters.
    """
    request.allow_params("include")
    extra = _included(request, [document], include)
    return body if extra is None else {**body, "included": extra}


def _check_parameters(request: ApiRequest, own: list[str], fields: Mapping[str, Sequence[str]]) -> None:
    valid = ["page", "per_page", "order_by", *_TIMES, *own]
    ranges = [f"{name}[{comparison}]" for name in _TIMES for comparison in _COMPARISONS]
    wanted_fields = [f"fields[{name}]" for name in fields]
    unknown = [name for name in request.params if name not in (*valid, *ranges, *wanted_fields)]
    if unknown:
        raise unknown_parameters(unknown, valid + (["fields"] if fields else []))
    for name, allowed in fields.items():
        for value in split_values(request.params.get(f"fields[{name}]", "")) - {"", *allowed}:
            raise bad_query(f"Fields valid keys for '{name}' are: {quoted(allowed)}; got '{value}'")


def _tests(
    request: ApiRequest, filters: Mapping[str, Filter], labels: bool
) -> list[Callable[[Document], bool]]:
    tests: list[Callable[[Document], bool]] = []
    for name, how in filters.items():
        if name in request.params:
            tests.append(_filter_test(how, split_values(request.params[name])))
    for name in _TIMES:
        keys = [key for key in request.params if key == name or key.startswith(f"{name}[")]
        tests += [_time_test(name, key, request.params[key]) for key in keys]
    if labels and "label_selector" in request.params:
        selects = parse_label_selector(request.params["label_selector"])
        tests.append(lambda one: selects(((one.get("metadata") or {}).get("labels")) or {}))
    return tests


def _filter_test(how: Filter, wanted: frozenset[str]) -> Callable[[Document], bool]:
    if isinstance(how, str):
        return lambda one: _text(one.get(how)) in wanted
    return lambda one: how(one, wanted)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _time_test(name: str, key: str, text: str) -> Callable[[Document], bool]:
    values = text.split(",")
    for value in values:
        if not _is_time(value):
            raise bad_query(
                f"{name.capitalize().replace('_', ' ')} has an invalid timestamp format. "
                "Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'"
            )
    field = name.removesuffix("s")
    if key == name:
        return lambda one: one[field] in values
    if len(values) > 1:
        raise bad_query(
            f"{name.capitalize().replace('_', ' ')} only accepts one value when using an inequality filter"
        )
    compare = _COMPARISONS[key[len(name) + 1 : -1]]
    return lambda one: compare(one[field], values[0])


def _is_time(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - only its form matters
    except ValueError:
        return False
    return len(text) == 20


def _ordered(
    request: ApiRequest, found: list[Document], order_by: Sequence[str], default: str
) -> list[Document]:
    wanted = request.params.get("order_by", default)
    key = wanted.lstrip("+-")
    if key not in order_by:
        raise bad_query(f"Order by can only be: {quoted(order_by)}")
    ordered = sorted(found, key=lambda one: _text(one.get(key)))
    # What was made in the same second keeps its order of creation, so that "newest first" is true.
    return ordered[::-1] if wanted.startswith("-") else ordered


def _page(request: ApiRequest) -> tuple[int, int]:
    page = _number(request.params.get("page", "1"))
    per_page = _number(request.params.get("per_page", "50"))
    if page < 1:
        raise bad_query("Page must be a positive integer")
    if not 1 <= per_page <= MAX_PER_PAGE:
        raise bad_query(f"Per page must be between 1 and {MAX_PER_PAGE}")
    return page, per_page


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _pagination(request: ApiRequest, total: int, page: int, per_page: int) -> dict[str, Any]:
    pages = max(1, -(-total // per_page))
    kept = [(key, value) for key, value in request.params.items() if key not in {"page", "per_page"}]

    def link(number: int) -> dict[str, str]:
        query = "&".join(
            f"{quote(key, safe='[]')}={quote(value)}"
            for key, value in sorted([*kept, ("page", str(number)), ("per_page", str(per_page))])
        )
        return request.href(f"{quote(request.raw.path)}?{query}")

    return {
        "total_results": total,
        "total_pages": pages,
        "first": link(1),
        "last": link(pages),
        "next": link(page + 1) if page < pages else None,
        "previous": link(page - 1) if page > 1 else None,
    }


def _included(
    request: ApiRequest, chosen: list[Document], include: Mapping[str, Includer]
) -> dict[str, Any] | None:
    if "include" not in request.params:
        return None
    result: dict[str, Any] = {}
    for name in [one for one in request.params["include"].split(",") if one]:
        if name not in include:
            valid = quoted(include)
            raise bad_query(f"Invalid included resource: '{name}'. Valid included resources are: {valid}")
        result |= include[name](request, chosen)
    return result
