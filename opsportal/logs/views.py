"""The pages of an environment's log: authorise, read the address, one query, render.

Whoever may see the environments may read their logs: the permission is ``see_environments`` (docs/logs.md).
"""

import time
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from opsportal.accounts.gates import permitted
from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment
from opsportal.logs import channels, filters, links, matching, present, queries, spans, streams, tasks
from opsportal.logs.models import Entry
from opsportal.logs.rules import PathSum

see = permitted(Permission.SEE_ENVIRONMENTS)
PATHS_SHOWN = 100
LIVE_SHOWN = 200


@see
@require_GET
def search(request: HttpRequest, name: str) -> HttpResponse:
    """Entries of an environment's log, newest first; the whole search stands in the address."""
    environment, zone = _environment(name), _zone()
    wanted = filters.read(request.GET, zone, time.time_ns())
    if not filters.is_canonical(request.GET):
        return redirect(f"{request.path}{wanted.address(**_swapped(request, zone))}")
    _somebody_looks(environment)
    before, after = (present.read_cursor(request.GET.get(each, "")) for each in ("before", "after"))
    context = _context(request, environment, wanted, zone, "search")
    form = filters.SearchForm(wanted, context["tail"])
    valid = form.is_valid()
    found = queries.find(environment.pk, wanted, before, after) if valid else queries.Found()
    if found.problem:
        form.add_error("q", found.problem)
    context |= {
        "form": form,
        "found": found,
        "entries": present.entries(found.entries, zone),
        "picture": present.picture(found, wanted, zone),
        "older": wanted.address(before=present.cursor(found.older)) if found.older else "",
        "newer": wanted.address(after=present.cursor(found.newer)) if found.newer else "",
        "further": wanted.within(wanted.from_ns, found.complete_from + 1).address()
        if found.complete_from
        else "",
        "complete_words": present.in_words(found.complete_from, zone) if found.complete_from else "",
        "wider": _wider(wanted),
        "outside": links.outside(environment, wanted),
    }
    part = "#results" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"logs/search.html{part}", context)


@see
@require_GET
def download(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """All that a search finds as a text file, oldest first."""
    environment = _environment(name)
    wanted = filters.read(request.GET, _zone(), time.time_ns())
    response = StreamingHttpResponse(_as_text(environment, wanted), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{environment.name}-log.txt"'
    return response


@see
@require_GET
def entry(request: HttpRequest, name: str, entry_id: int) -> HttpResponse:
    """One entry in full, and what the same source said before and after it."""
    environment, zone = _environment(name), _zone()
    row = Entry.objects.filter(environment=environment, pk=entry_id).first()
    if row is None:
        raise Http404("There is no such entry. It may be older than what is kept.")
    before, after = queries.around(row)
    minute = filters.Search(row.at_ns - 60 * 10**9, row.at_ns + 60 * 10**9, preset="")
    context = _context(request, environment, minute, zone, "search") | {
        "shown": present.entry(row, zone, whole=True),
        "before": present.entries(before, zone),
        "after": present.entries(after, zone),
        "everything": minute.address(),
        "moment": f"?at={spans.in_address(row.at_ns)}",
        "link": request.build_absolute_uri(request.path),
    }
    return render(request, "logs/entry.html", context)


@see
@require_GET
def live(request: HttpRequest, name: str) -> HttpResponse:
    """The live tail: the last entries, and those that come while the page is open."""
    environment, zone = _environment(name), _zone()
    wanted = filters.read(request.GET, zone, time.time_ns())
    _somebody_looks(environment)
    context = _context(request, environment, wanted, zone, "live")
    form = filters.SearchForm(wanted, context["tail"])
    last = queries.newest_id(environment.pk)
    rows = queries.matching_entries(environment.pk, wanted)[:LIVE_SHOWN] if form.is_valid() else []
    rows = [] if wanted.is_pattern and wanted.text else list(rows)[::-1]
    said = request.GET.copy()
    context |= {
        "form": form,
        "entries": present.entries(rows, zone),
        "last": last,
        "only": urlencode(wanted.only()),
        "stream_url": f"{reverse('logs:stream', args=[environment.name])}?{said.urlencode()}",
        "news_url": f"{reverse('logs:news', args=[environment.name])}?{said.urlencode()}",
    }
    return render(request, "logs/live.html", context)


@see
@require_GET
def stream(request: HttpRequest, name: str) -> HttpResponseBase:
    """Server-sent events of what is kept after ``?after=`` or ``Last-Event-ID``; 204 when there is no room."""
    environment = _environment(name)
    wanted = filters.read(request.GET, _zone(), time.time_ns())
    resumed = _number(request.headers.get("Last-Event-ID", "")) or _number(request.GET.get("after", ""))
    return streams.follow(environment.pk, wanted, resumed)


@see
@require_GET
def news(request: HttpRequest, name: str) -> JsonResponse:
    """The same for a page that has no stream: what is kept after ``?after=``, once. ``?count=on``: how many only."""
    environment = _environment(name)
    _somebody_looks(environment)
    wanted = filters.read(request.GET, _zone(), time.time_ns())
    after = _number(request.GET.get("after", ""))
    try:
        if wanted.is_pattern and wanted.text:
            with matching.Matcher(wanted.text, streams.PATTERN_SECONDS) as matcher:
                return JsonResponse(streams.batch(environment.pk, wanted, after, matcher))
        return JsonResponse(streams.batch(environment.pk, wanted, after, None))
    except (matching.BadPattern, matching.TooSlow) as error:
        return JsonResponse({"problem": str(error)}, status=400)


@see
@require_GET
def requests(request: HttpRequest, name: str) -> HttpResponse:
    """Requests summed up by path: how many, how many failed, how long they took."""
    environment, zone = _environment(name), _zone()
    wanted = filters.read(request.GET, zone, time.time_ns())
    if not filters.is_canonical(request.GET):
        return redirect(f"{request.path}{wanted.address(**_swapped(request, zone))}")
    _somebody_looks(environment)
    sums = queries.requests(environment.pk, wanted)
    context = _context(request, environment, wanted, zone, "requests")
    context |= {
        "form": filters.SearchForm(wanted, context["tail"]),
        "sums": [(each, _requests_of(environment, wanted, each)) for each in sums[:PATHS_SHOWN]],
        "left_out": max(0, len(sums) - PATHS_SHOWN),
        "total": sum(each.requests for each in sums),
        "failed": sum(each.failed for each in sums),
        "refused": sum(each.refused for each in sums),
        "wider": _wider(wanted),
    }
    return render(request, "logs/requests.html", context)


@see
@require_GET
def shell(request: HttpRequest, name: str) -> HttpResponse:
    """The lines that lead into a container of this environment, to copy."""
    environment = _environment(name)
    instances = [
        str(each.get("index")) for each in environment.instances if str(each.get("index", "")).isdigit()
    ]
    chosen = request.GET.get("instance", "")
    chosen = chosen if chosen in instances else ""
    context = {
        "environment": environment,
        "tab": "shell",
        "lines": links.shell_lines(environment, chosen),
        "instances": instances,
        "chosen": chosen or "0",
    }
    return render(request, "logs/shell.html", context)


def _environment(name: str) -> Environment:
    found = Environment.objects.filter(name=name).first()
    if found is None:
        raise Http404("There is no such environment.")
    return found


def _zone() -> tzinfo:
    """The person's own zone, else the team's, as on every other page (accounts.middleware)."""
    return timezone.get_current_timezone()


def _swapped(request: HttpRequest, zone: tzinfo) -> dict[str, str]:
    """What tells the next page that From and To came the wrong way round."""
    return {"swapped": "yes"} if filters.is_backwards(request.GET, zone) else {}


def _somebody_looks(environment: Environment) -> None:
    if environment.app_guid:
        channels.watch(environment.pk)
        tasks.ring(environment.pk)


def _context(
    request: HttpRequest, environment: Environment, wanted: filters.Search, zone: tzinfo, tab: str
) -> dict[str, Any]:
    return {
        "environment": environment,
        "tail": queries.tail_of(environment),
        "search": wanted,
        "address": wanted.address(),
        "tab": tab,
        "zone": str(zone),
        "swapped": "swapped" in request.GET or filters.is_backwards(request.GET, zone),
        "from_field": spans.in_form(wanted.from_ns, zone) if not wanted.preset else "",
        "to_field": spans.in_form(wanted.to_ns, zone) if not wanted.preset else "",
        "keep_days": f"{settings.LOG_KEEP_DAYS:g}",
    }


def _wider(wanted: filters.Search) -> str:
    """The same search in the longest range; empty when that is what was asked."""
    longest = list(spans.PRESETS)[-1]
    if wanted.preset == longest:
        return ""
    return filters.Search(0, 0, longest, **{k: getattr(wanted, k) for k in _NARROWING}).address()


_NARROWING = ("layer", "instance", "level", "text", "is_pattern", "request", "hides_probes")


def _requests_of(environment: Environment, wanted: filters.Search, requests: PathSum) -> str:
    """The search for the router's lines of the very requests that were summed."""
    span = filters.Search(
        wanted.from_ns, wanted.to_ns, wanted.preset,
        request=f"{requests.method} {requests.path}", hides_probes=wanted.hides_probes,
    )  # fmt: skip
    return f"{reverse('logs:search', args=[environment.name])}{span.address()}"


def _as_text(environment: Environment, wanted: filters.Search) -> Iterator[str]:
    """In pieces of many entries: one piece per entry would cost more than the entry."""
    piece: list[str] = []
    for row in queries.oldest_first(environment.pk, wanted):
        piece.append(present.as_text(row))
        if len(piece) >= queries.BATCH:
            yield "".join(piece)
            piece = []
    yield "".join(piece)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
