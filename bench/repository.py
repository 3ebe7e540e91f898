"""A generated repository: many sandboxes, one tiny application that starts in milliseconds.

``main`` and ``round-1`` … ``round-N`` each hold one commit with other content, so that every round of deploys has
files to send and assets to build.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

MANIFEST = """---
applications:
- name: getgov-{name}
  buildpacks:
    - binary_buildpack
  path: ../../src
  instances: 1
  memory: 64M
  disk_quota: 64M
  command: exec python3 -ISE app.py
  health-check-type: http
  health-check-http-endpoint: /health
  env:
    GIT_COMMIT_SHA: ((GIT_COMMIT_SHA))
    GIT_BRANCH: ((GIT_BRANCH))
  routes:
    - route: getgov-{name}.app.localhost
"""

APPLICATION = '''"""Answers /health and /version, and nothing else. Sockets only: it starts in milliseconds."""
import os
import socket

BODY = '{"status": "ok", "commit": "%s", "branch": "%s"}' % (
    os.environ.get("GIT_COMMIT_SHA", ""), os.environ.get("GIT_BRANCH", ""))
ANSWER = ("HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s"
          % (len(BODY), BODY)).encode()

with socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=64) as server:
    while True:
        connection, _ = server.accept()
        with connection:
            try:
                connection.settimeout(5)
                if connection.recv(4096):
                    connection.sendall(ANSWER)
            except OSError:
                pass
'''

MANAGE = '''"""Stands in for a long task: prints lines with the moment they were printed. What it is asked for is ignored."""
import sys
import time

seconds, per_second = (float(word) for word in open("pace.txt").read().split())
began = time.time()
for number in range(int(seconds * per_second)):
    time.sleep(max(0.0, began + number / per_second - time.time()))
    sys.stdout.write("line %d at %.6f\\n" % (number + 1, time.time()))
    sys.stdout.flush()
'''

BUILD = '''"""Builds the one asset."""
from pathlib import Path

source = Path("style.txt").read_text()
Path("assets").mkdir(exist_ok=True)
Path("assets/style.css").write_text("body{color:%s}" % source.strip())
print("Built one asset")
'''


def make(path: Path, sandboxes: Sequence[str], *, rounds: int, lines: tuple[float, float] = (0, 0)) -> None:
    """Make the bare repository. ``lines``: for how many seconds a migration prints, and how many lines a second."""
    manifests = {f"ops/manifests/manifest-{name}.yaml": MANIFEST.format(name=name) for name in sandboxes}
    stream: list[str] = []
    for number in range(rounds + 1):
        branch = f"round-{number}" if number else "main"
        stream.append(_commit(branch, number, manifests | _sources(number, lines)))
    _git("init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(path))
    _git("-C", str(path), "fast-import", "--quiet", given="".join(stream))


def _sources(number: int, lines: tuple[float, float]) -> dict[str, str]:
    return {
        "src/app.py": APPLICATION,
        "src/manage.py": MANAGE,
        "src/pace.txt": f"{lines[0]} {lines[1]}\n",
        "src/build_assets.py": BUILD,
        "src/style.txt": f"#{number:06x}\n",
        "src/round.txt": f"{number}\n" + "x" * 20_000,
    }


def _commit(branch: str, number: int, files: dict[str, str]) -> str:
    who = f"Bench <bench@getgov.example> {1_760_000_000 + 60 * number} +0000"
    message = f"Round {number}\n"
    head = f"commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\ndata {len(message)}\n{message}"
    body = [
        f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n" for path, text in sorted(files.items())
    ]
    return head + "".join(body) + "\n"


def _git(*arguments: str, given: str = "") -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], input=given.encode(), env=environment, check=True, timeout=120)
