"""Jobs: work that goes on after its request was answered, kept so that it also goes on after a restart.

A handler is registered for each operation. It must be safe to run again: a job that was under way when the
cloud died runs once more from its start. It ends the job by returning, fails it by raising :class:`ApiError`,
or returns :class:`Again` to be called later: that is how a job waits without holding a thread.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ApiError, unknown_error
from .store import Document

if TYPE_CHECKING:
    from .context import Cloud
    from .web import Answer, ApiRequest

log = logging.getLogger(__name__)
WORKERS = 16


@dataclass(frozen=True)
class Again:
    """Call the handler once more in ``seconds``; until then the job shows ``state`` (PROCESSING or
    POLLING).
    """

    seconds: float
    state: str = "POLLING"


Handler = Callable[["Cloud", dict[str, Any]], "Again | None"]
_handlers: dict[str, Handler] = {}


def register(operation: str, run: Handler) -> None:
    """Say who does the work of an operation (``"app.delete"``). ``run(cloud, data)`` gets the job's data."""
    _handlers[operation] = run


def start(
    cloud: Cloud,
    operation: str,
    data: dict[str, Any] | None = None,
    links: dict[str, str] | None = None,
    delay: float = 0,
) -> Document:
    """Write a job down and have it run ``delay`` seconds from now, and not before the knob ``job_seconds``.

    ``links`` are paths (``{"app": "/v3/apps/…"}``), shown as long as what they name exists. Returns the job.
    """
    due = time.time() + max(delay, cloud.knobs.job_seconds)
    job = cloud.store.create(
        "job",
        {
            "operation": operation,
            "state": "PROCESSING",
            "errors": [],
            "warnings": [],
            "data": data or {},
            "links": links or {},
            "due_at": due,
        },
    )
    cloud.jobs.ring(job["guid"], due)
    return job


def answered(request: ApiRequest, job: Document, body: dict[str, Any] | None = None) -> Answer:
    """The answer to a request that started a job: 202 and an absolute ``Location`` (platform API §4.9)."""
    return body, 202, {"Location": f"{request.base_url}/v3/jobs/{job['guid']}"}


class JobRunner:
    """Runs jobs when they are due: one clock thread, a few workers. Nothing is busy while nothing is due."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._due: list[tuple[float, int, str]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="job")
        self._clock = threading.Thread(target=self._watch, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin, with the jobs that an earlier life left unfinished."""
        for job in self._cloud.store.find("job", state={"PROCESSING", "POLLING"}):
            self.ring(job["guid"], job["due_at"])
        self._clock.start()

    def stop(self) -> None:
        """Take no more work. What is under way may end; what is not runs at the next start."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def ring(self, guid: str, due: float) -> None:
        """Have a job run at ``due`` (seconds since the epoch)."""
        with self._changed:
            if self._stopped:
                return
            if due <= time.time():
                self._workers.submit(self._run, guid)
                return
            heapq.heappush(self._due, (due, next(self._number), guid))
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._stopped:
                while self._due and self._due[0][0] <= time.time():
                    self._workers.submit(self._run, heapq.heappop(self._due)[2])
                self._changed.wait(max(0.0, self._due[0][0] - time.time()) if self._due else None)

    def _run(self, guid: str) -> None:
        job = self._cloud.store.get("job", guid)
        if job is None or job["state"] not in {"PROCESSING", "POLLING"}:
            return
        try:
            again = _handlers[job["operation"]](self._cloud, job["data"])
        except ApiError as error:
            self._cloud.store.update("job", guid, state="FAILED", errors=error.entries())
        except Exception:
            log.exception("job %s (%s) failed", guid, job["operation"])
            self._cloud.store.update("job", guid, state="FAILED", errors=unknown_error().entries())
        else:
            self._settle(guid, again)

    def _settle(self, guid: str, again: Again | None) -> None:
        if again is None:
            self._cloud.store.update("job", guid, state="COMPLETE")
            return
        due = time.time() + again.seconds
        self._cloud.store.update("job", guid, state=again.state, due_at=due)
        self.ring(guid, due)
