"""Steps that several kinds share, each defined once: what they are called, how long they may take, when they are needed."""

from typing import Final

from django.conf import settings

from opsportal.operations.registry import StepDefinition
from opsportal.operations.steps import check, place, restarting, rollout, tasks, tidy, verify

#: Seconds a step may last that waits for a task, a rollout: the platform's own limit, and time to tell of its end.
TASK: Final = settings.TASK_SECONDS + 240
ROLLOUT: Final = settings.ROLLOUT_SECONDS + 240

CHECK: Final = StepDefinition("check", "Check the rules", check.check_rules, limit=60)
FIND: Final = StepDefinition("find", "Find the application", place.find_application, limit=60)
ROLL_OUT: Final = StepDefinition("rollout", "Roll out", rollout.roll_out, limit=ROLLOUT, resume_at="manifest")
MIGRATE: Final = StepDefinition("migrate", "Migrate", tasks.migrate, limit=TASK, interruptible=False)
MIGRATE_IF_ASKED: Final = StepDefinition(
    "migrate", "Migrate", tasks.migrate_if_asked, limit=TASK, interruptible=False
)
LOOK_AFRESH: Final = StepDefinition("record", "Look afresh", verify.look_afresh, limit=120)

#: What is tidied after each kind that takes another version there: the old one serves on, its settings are back.
KEEP_THE_OLD: Final = (
    StepDefinition("stop_rollout", "Stop the rollout", tidy.stop_rollout, limit=300, when="touched"),
    StepDefinition("put_back", "Put back what was changed", tidy.put_back, limit=120, when="touched"),
)
STOP_RESTART: Final = StepDefinition(
    "stop_rollout", "Stop the rollout", restarting.stop_rollout, limit=300, when="rolling"
)
STOP_TASK: Final = StepDefinition(
    "stop_task", "Stop the task", tasks.stop_tasks, limit=180, when="task_started"
)
