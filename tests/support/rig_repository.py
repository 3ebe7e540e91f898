"""The repository that the rig deploys from: a tiny web application, a manifest per environment, branches that break.

Every case is a branch and an environment of the same name, so that each deploy has a place of its own. The team's
real manifests stand beside them as they are, where this machine has them.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

REAL = ("ab", "development", "staging", "stable")
PLAIN = (
    "o-good",
    "o-told",
    "one",
    "two",
    "three",
    "four",
    "drift",
    "lost",
    "html",
    "drops",
    "limited",
    "broken",
    "away",
    "queue",
)
"""Environments whose branch, where it is deployed at all, is good."""
HELD = ("k-git", "k-build", "k-package", "k-bits", "k-manifest", "k-stage", "k-rollout", "k-task", "k-verify")
"""Environments for deploys that are stopped in the middle; each at another step."""
UNANSWERED = ("u-upload", "u-migrate")
"""Environments for deploys one of whose requests is never answered, by step."""
WAITING_BUILDS = ("build-waits", "k-build", "k-build-again")
"""Branches whose build makes the mark ``building`` and goes on once there is the mark ``go-on``; no two alike."""
WAITS = {"k-stage": "collectstatic", "k-rollout": "start", "k-task": "migrate"}

SERVER = '''"""A page, its health and its version."""

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HEADLINE = "Hello from main"
HEALTHY = True
VERSION = {name: os.environ.get("GIT_" + variable, "") for name, variable in
           (("commit", "COMMIT_SHA"), ("branch", "BRANCH"), ("tag", "TAG"))}


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = {"/": HEADLINE, "/version": json.dumps(VERSION), "/health": "OK"}
        if self.path == "/public/app.css":
            known[self.path] = open("public/app.css").read()
        text = known.get(self.path, "")
        status = 503 if self.path == "/health" and not HEALTHY else 200 if text else 404
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False


while os.environ.get("WAITS_IN") == "start" and not os.path.exists(os.environ["WAITS_FOR"]):
    time.sleep(0.05)
server = Server(("127.0.0.1", int(os.environ["PORT"])), Page)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("listening", flush=True)
server.serve_forever(0.05)
'''

MANAGE = """import os
import sys
import time

if sys.argv[1] == "migrate":
    print("Applying things.0001_initial... OK", flush=True)
while os.environ.get("WAITS_IN") == sys.argv[1] and not os.path.exists(os.environ["WAITS_FOR"]):
    time.sleep(0.05)
print({"migrate": "Migrated to " + os.environ.get("GIT_COMMIT_SHA", "")}.get(sys.argv[1], "1 static file collected"))
"""

BUILD = "mkdir -p public\necho Compiling styles.css\ncat styles.css > public/app.css\n"

SOURCES = {
    "src/run.sh": "#!/bin/sh\nexec python -S server.py\n",
    "src/server.py": SERVER,
    "src/manage.py": MANAGE,
    "src/build_assets.sh": BUILD,
    "src/styles.css": "body { color: black }\n",
}

MANIFEST = """---
applications:
- name: getgov-{name}
  buildpacks:
    - python_buildpack
  path: ../../src
  instances: 1
  memory: 128M
  stack: cflinuxfs4
  timeout: 60
  command: ./run.sh
  health-check-type: http
  health-check-http-endpoint: /health
  health-check-invocation-timeout: 10
  env:
    PYTHONUNBUFFERED: yup
    WAITS_IN: "{waits_in}"
    WAITS_FOR: "{waits_for}"
    WORDS: as they were
    GIT_BRANCH: ((GIT_BRANCH))
    GIT_COMMIT_SHA: ((GIT_COMMIT_SHA))
  routes:
    - route: getgov-{name}.app.cloud.gov
  services:
  - getgov-credentials
"""

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


def manifest(name: str, *, waits_in: str = "", waits_for: str = "", **instead: str) -> str:
    """The manifest of an environment, with other values for the keys given.

    ``waits_in``: collectstatic, start or migrate: what does not go on before the file ``waits_for`` is there.
    """
    text = MANIFEST.format(name=name, waits_in=waits_in, waits_for=waits_for)
    for key, value in instead.items():
        line = next(
            each for each in text.splitlines() if each.strip().startswith(key.replace("_", "-") + ":")
        )
        text = text.replace(line, line.partition(":")[0] + ": " + value)
    return text


def _bad_manifests() -> dict[str, Mapping[str, str | None]]:
    texts: dict[str, str | None] = {
        "no-app": "---\napplications: []\n",
        "wrong-name": manifest("wrong-name").replace("- name: getgov-wrong-name", "- name: getgov-other"),
        "bomb": BOMB,
        "no-value": manifest("no-value", memory="((SANDBOX_MEMORY))"),
        "no-folder": manifest("no-folder", path="../../nowhere"),
        "no-manifest": None,
        "no-service": manifest("no-service", WORDS="changed").replace("getgov-credentials", "getgov-nothing"),
    }
    return {name: {f"ops/manifests/manifest-{name}.yaml": text} for name, text in texts.items()}


def _build(text: str) -> Mapping[str, str | None]:
    return {"src/build_assets.sh": text}


def _server(old: str, new: str) -> Mapping[str, str | None]:
    assert old in SERVER
    return {"src/server.py": SERVER.replace(old, new)}


def cases(marks: Path) -> dict[str, Mapping[str, str | None]]:
    """Each case's branch: what it changes against main; None removes a file. ``marks``: see WAITING_BUILDS."""
    failing = ("never-healthy", "crashes", "staging-fails")
    words_changed = {name: manifest(name, WORDS="changed", timeout="3") for name in failing}
    waits = f"touch {marks}/building\nwhile [ ! -e {marks}/go-on ]; do sleep 0.1; done\n"
    changed = {name: {f"ops/manifests/manifest-{name}.yaml": text} for name, text in words_changed.items()}
    return {
        **_bad_manifests(),
        "build-fails": _build("echo there is no styles/dark.css >&2\nexit 3\n"),
        "build-hangs": _build("echo waiting for ever\nsleep 600\n"),
        "build-loud": _build(f"yes 'the same words again and again{' and again' * 40}'\n"),
        "build-binary": _build("head -c 200000 /dev/urandom\nprintf '\\033[2J\\000\\377\\n'\nexit 4\n"),
        "build-hungry": _build("python3 -c 'print(len(bytearray(2 * 10**9)))'\n"),
        **{name: _build(f"# {name}\n{waits}{BUILD}") for name in WAITING_BUILDS},
        "k-git": {"src/styles.css": "body { color: blue }\n"},
        "too-big": {"src/big.bin": None},
        "staging-fails": {"src/requirements.txt": "no-such-distribution==9\n", **changed["staging-fails"]},
        "never-healthy": {**_server("HEALTHY = True", "HEALTHY = False"), **changed["never-healthy"]},
        "crashes": {**_server("server = ", "raise SystemExit(3)\nserver = "), **changed["crashes"]},
        "migration": {"src/manage.py": MANAGE + "sys.exit(7 if sys.argv[1] == 'migrate' else 0)\n"},
        "cancelled": {
            "ops/manifests/manifest-cancelled.yaml": manifest(
                "cancelled", waits_in="start", waits_for=f"{marks}/go-on", WORDS="changed"
            )
        },
        "headline": _server("Hello from main", "Hello from the branch"),
        "fresh": _server("Hello from main", "Hello from the fresh branch"),
    }


def environments(marks: Path) -> list[str]:
    """Every environment of the rig."""
    return sorted({*REAL, *PLAIN, *HELD, *UNANSWERED, *cases(marks)})


def make(path: Path, marks: Path, real_manifests: Path | None) -> None:
    """Make the bare repository at ``path``."""
    main: dict[str, bytes] = {name: text.encode() for name, text in SOURCES.items()}
    for name in environments(marks):
        text = manifest(name, waits_in=WAITS.get(name, ""), waits_for=f"{marks}/go-on")
        main[f"ops/manifests/manifest-{name}.yaml"] = text.encode()
    for name in REAL if real_manifests else ():
        file = real_manifests / f"manifest-{name}.yaml" if real_manifests else path
        main[f"ops/manifests/manifest-{name}.yaml"] = file.read_bytes()
    stream = [_commit("main", "Begin", main, {}, "")]
    for name, changes in cases(marks).items():
        files = {file: text.encode() for file, text in changes.items() if text is not None}
        removed = {file: None for file, text in changes.items() if text is None and file in main}
        if name == "too-big":
            files["src/big.bin"] = _noise(3_000_000)
        stream.append(_commit(name, f"Case {name}", files, removed, "refs/heads/main"))
    stream.append(b"reset refs/tags/staging-1\nfrom refs/heads/main\n\n")
    path.mkdir(parents=True)
    for arguments, given in (
        (["init", "--quiet", "--bare", "--initial-branch=main", "--template=", "."], b""),
        (["fast-import", "--quiet"], b"".join(stream)),
    ):
        subprocess.run(["git", *arguments], cwd=path, input=given, check=True, timeout=60)


def _commit(
    branch: str, message: str, files: Mapping[str, bytes], removed: Mapping[str, None], parent: str
) -> bytes:
    head = f"commit refs/heads/{branch}\ncommitter Ada Author <ada@example.gov> 1790000000 +0000\n"
    parts = [head.encode(), b"data %d\n%s\n" % (len(message), message.encode())]
    parts += [f"from {parent}\n".encode()] if parent else []
    parts += [f"D {name}\n".encode() for name in removed]
    for name, content in files.items():
        mode = "100755" if name.endswith(".sh") else "100644"
        parts.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), name.encode(), len(content), content))
    return b"".join([*parts, b"\n"])


def _noise(size: int) -> bytes:
    """Bytes that no zip makes smaller, the same on every machine."""
    import random

    return random.Random(1).randbytes(size)
