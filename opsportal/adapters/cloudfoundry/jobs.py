"""Asynchronous jobs and the manifest that starts one, cf-api §4.9 and §4.10."""

from contextlib import nullcontext
from dataclasses import dataclass

from opsportal.adapters.cloudfoundry.answers import job_guid
from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.errors import Problem
from opsportal.adapters.cloudfoundry.paths import v3
from opsportal.adapters.cloudfoundry.wire import Fields


@dataclass(frozen=True)
class JobRef:
    """A job that was started: what to keep until it is asked for."""

    guid: str


@dataclass(frozen=True)
class Job:
    """A job. ``state`` is PROCESSING, POLLING, COMPLETE or FAILED."""

    guid: str
    operation: str
    state: str
    errors: tuple[Problem, ...]
    warnings: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether it will not change any more."""
        return self.state in {"COMPLETE", "FAILED"}

    @property
    def failed(self) -> bool:
        """Whether it ended without doing what was asked; earlier parts of a manifest stay applied."""
        return self.state == "FAILED"

    @classmethod
    def read(cls, fields: Fields) -> "Job":
        """Read one as the API gives it."""
        return cls(
            guid=fields.guid(),
            operation=fields.maybe_text("operation") or "",
            state=fields.text("state"),
            errors=tuple(Problem.read(one) for one in fields.maybe_items("errors")),
            warnings=tuple(one.maybe_text("detail") or "" for one in fields.maybe_items("warnings")),
        )


class Jobs(Client):
    """Applying manifests and following jobs."""

    def apply_manifest(self, space_guid: str, yaml_text: str) -> JobRef:
        """Start applying a manifest, of at most 1 MB, without variables, anchors or aliases.

        Apps that are missing exist when this returns; the settings follow in the job. Unprocessable with one
        problem for each thing wrong. It may be sent again: applying the same twice changes nothing more.
        """
        content = yaml_text.encode()
        answer = self._request(
            "POST",
            v3("spaces", space_guid, "actions", "apply_manifest"),
            headers={"Content-Type": "application/x-yaml"},
            body=lambda: nullcontext(content),
        )
        return JobRef(job_guid(answer, self._is_trusted))

    def job(self, job: str | JobRef) -> Job:
        """Ask how a job stands; NotFound once the platform has forgotten it."""
        return self._get(v3("jobs", job.guid if isinstance(job, JobRef) else job), Job.read)
