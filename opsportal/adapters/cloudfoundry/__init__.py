"""Cloud Foundry: API v3, UAA's tokens and Log Cache, thin and typed.

``Foundation`` is the client; its methods use the API's own terms and give frozen dataclasses. Whatever can
go wrong is a ``CloudFoundryError``. The wire is described in the platform's v3 documentation; "cf-api §n"
in these modules points to the team's notes on it.
"""

from opsportal.adapters.cloudfoundry.apps import App
from opsportal.adapters.cloudfoundry.audit_events import AuditEvent, Party
from opsportal.adapters.cloudfoundry.builds import Build, Droplet
from opsportal.adapters.cloudfoundry.calls import BodyUnreadable
from opsportal.adapters.cloudfoundry.deployments import Deployment, NewProcess
from opsportal.adapters.cloudfoundry.errors import (
    BadAnswer,
    CloudFoundryError,
    Conflict,
    NotAuthorized,
    NotFound,
    Problem,
    RateLimited,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from opsportal.adapters.cloudfoundry.foundation import Foundation
from opsportal.adapters.cloudfoundry.jobs import Job, JobRef
from opsportal.adapters.cloudfoundry.logcache import LogLine
from opsportal.adapters.cloudfoundry.organizations import MemoryAllowance, Organization, Space
from opsportal.adapters.cloudfoundry.packages import Package, Resource
from opsportal.adapters.cloudfoundry.processes import InstanceStats, Process
from opsportal.adapters.cloudfoundry.retry import RetryPolicy
from opsportal.adapters.cloudfoundry.revisions import Revision
from opsportal.adapters.cloudfoundry.routes import Destination, Route
from opsportal.adapters.cloudfoundry.services import Binding, LastOperation, ServiceInstance, ServicePlan
from opsportal.adapters.cloudfoundry.tasks import Task
from opsportal.adapters.cloudfoundry.transport import RateLimit, RequestRecord
from opsportal.adapters.cloudfoundry.wire import Metadata

__all__ = [
    "App",
    "AuditEvent",
    "BadAnswer",
    "Binding",
    "BodyUnreadable",
    "Build",
    "CloudFoundryError",
    "Conflict",
    "Deployment",
    "Destination",
    "Droplet",
    "Foundation",
    "InstanceStats",
    "Job",
    "JobRef",
    "LastOperation",
    "LogLine",
    "MemoryAllowance",
    "Metadata",
    "NewProcess",
    "NotAuthorized",
    "NotFound",
    "Organization",
    "Package",
    "Party",
    "Problem",
    "Process",
    "RateLimit",
    "RateLimited",
    "RequestRecord",
    "Resource",
    "RetryPolicy",
    "Revision",
    "Route",
    "ServiceInstance",
    "ServicePlan",
    "Space",
    "Task",
    "Unauthenticated",
    "Unavailable",
    "Unprocessable",
]
