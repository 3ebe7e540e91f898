"""How gunicorn serves getgov: one process per instance; the platform adds instances when more are needed."""

import os

_platform = os.environ.get("VCAP_APPLICATION", "")
_on_this_machine_only = not _platform or "127.0.0.1" in _platform or "localhost" in _platform

bind = f"{'127.0.0.1' if _on_this_machine_only else '0.0.0.0'}:{os.environ.get('PORT', '8080')}"  # noqa: S104
workers = 1
worker_class = "sync"
timeout = 60
graceful_timeout = 5
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"
