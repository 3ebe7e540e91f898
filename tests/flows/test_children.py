"""Programs run as children: their output, their limits, and that nobody is ever left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.kit.children import LineSplitter, run_child

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to their guardian")
REPOSITORY = Path(__file__).resolve().parents[2]

# A family with all the ways out: a child, a daemon of its own session, and one that ignores signals.
FAMILY = """
import os, signal, sys, time
marker = sys.argv[1]
def note(name):
    fresh = marker + "." + name  # whole from the moment that it stands there
    with open(fresh, "w") as file:
        file.write(str(os.getpid()))
    os.rename(fresh, os.path.join(marker, name))
note("main")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        note("daemon")
        time.sleep(600)
    os._exit(0)
if os.fork() == 0:
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    note("stubborn")
    time.sleep(600)
while len(os.listdir(marker)) < 3:
    time.sleep(0.01)
print("ready", flush=True)
if len(sys.argv) > 2:
    sys.exit(0)
time.sleep(600)
"""


class Heard(list):
    """The lines that a child said, with their stream."""

    def __call__(self, stream, text):
        self.append((stream, text))

    @property
    def text(self):
        return [text for _stream, text in self]


def run(*argv, on_line=None, on_beat=lambda: True, **limits):
    heard = Heard() if on_line is None else on_line
    options = {
        "cwd": "/",
        "env": {"PATH": os.environ["PATH"]},
        "time_limit_s": 60,
        "memory_limit_mb": 512,
        "output_limit_bytes": 10_000_000,
    }
    result = run_child(argv, on_line=heard, on_beat=on_beat, **{**options, **limits})
    return result, heard


def python(code, *arguments, **options):
    return run(sys.executable, "-I", "-c", code, *arguments, **options)


def alive(pid):
    """Whether a process still runs; one that has ended but was not collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


def family_of(marker):
    return {path.name: int(path.read_text()) for path in marker.iterdir()}


def gone(pids, within=20):
    """Wait until none of them runs; which still do."""
    until = time.monotonic() + within
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def test_a_childs_lines_and_exit_status_are_told():
    result, heard = run("sh", "-c", "echo out; echo err >&2; printf 'no line break'; exit 3")
    assert (result.exit_status, result.signal, result.ended, result.lines) == (3, None, "exited", 3)
    assert not result.succeeded
    assert sorted(heard) == [("stderr", "err"), ("stdout", "no line break"), ("stdout", "out")]


def test_lines_come_while_the_child_runs():
    moments = []
    python(
        "import sys, time\nprint('first', flush=True)\nsys.stdin.read()\ntime.sleep(1)\nprint('second')",
        on_line=lambda _stream, text: moments.append((text, time.monotonic())),
    )
    (first, at), (second, later) = moments
    assert (first, second) == ("first", "second")
    assert later > at


def test_a_child_sees_the_environment_it_is_given_and_nothing_else(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_PORTAL", "x")
    _result, heard = run("env", env={"PATH": os.environ["PATH"], "MINE": "yes"})
    assert {line.partition("=")[0] for line in heard.text} == {"PATH", "MINE"}


def test_a_child_starts_in_the_folder_it_is_given(tmp_path):
    assert run("pwd", cwd=tmp_path)[1].text == [str(tmp_path)]


@pytest.mark.parametrize(
    ("argv", "cwd", "status", "said"),
    [
        (["no-such-program"], "/", 127, "cannot run no-such-program"),
        (["/etc/hostname"], "/", 126, "cannot run /etc/hostname"),
        (["true"], "/no-such-folder", 126, "cannot enter /no-such-folder"),
        (["nul\0byte"], "/", 126, "cannot run nul"),
    ],
)
def test_a_program_that_cannot_start_says_why(argv, cwd, status, said):
    result, heard = run(*argv, cwd=cwd)
    assert (result.ended, result.exit_status) == ("exited", status)
    assert heard.text[0].startswith(said)


def test_a_child_that_is_killed_says_by_which_signal():
    result, _heard = run("sh", "-c", "kill -SEGV $$")
    assert (result.ended, result.exit_status, result.signal) == ("killed", None, signal.SIGSEGV)


def test_a_child_that_hangs_is_stopped_at_its_time_limit():
    result, heard = run("sh", "-c", "echo begun; sleep 600", time_limit_s=0.5)
    assert (result.ended, heard.text) == ("timed out", ["begun"])


def test_a_child_is_stopped_when_nobody_wants_it_any_more():
    answers = iter([True, False])
    result, _heard = run("sleep", "600", on_beat=lambda: next(answers))
    assert result.ended == "stopped"


@pytest.mark.parametrize("source", ["yes", "cat /dev/zero", "cat /dev/urandom"])
def test_a_flood_is_stopped_at_its_limit_and_never_held_in_memory(source):
    most = 3_000_000
    kept = []
    result, _heard = run(
        *source.split(),
        output_limit_bytes=most,
        line_limit=1000,
        on_line=lambda _s, text: kept.append(len(text)),
    )
    assert result.ended == "output limit"
    assert max(kept) < 1100
    assert result.lines == len(kept)


def test_a_gigabyte_on_one_line_takes_no_memory_here():
    code = "import sys\nfor _ in range(1024): sys.stdout.buffer.write(b'x' * 2**20)\nprint()\nprint('after')"
    before = _peak()
    result, heard = python(code, output_limit_bytes=2 * 2**30)
    assert result.succeeded
    assert heard.text[0].startswith("x" * 20_000 + " … [1,073,721,824 bytes cut]")
    assert heard.text[1] == "after"
    assert _peak() - before < 50_000


def _peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def test_binary_output_is_made_safe():
    _result, heard = run("printf", r"a\000b\033[31mred\033[0m\377\376\nprogress 1\rprogress 2\r\n")
    assert heard.text == ["a\ufffdbred\ufffd\ufffd", "progress 2"]


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(10 * 2**30)",
        "x = []\nwhile True: x.append(bytes(1) * 2**20)",
        "import os, time\nwhile os.fork() == 0:\n  x = [bytes(1) * 2**20 for _ in range(60)]\n  time.sleep(0.1)\nos.wait()",
    ],
)
def test_a_family_that_takes_too_much_memory_is_stopped(code):
    result, _heard = python(code, memory_limit_mb=256)
    assert result.ended == "out of memory"


@LINUX_ONLY
@pytest.mark.kills
@pytest.mark.parametrize("ending", ["by itself", "time limit", "flood", "line handler fails", "beat fails"])
def test_nobody_is_left_behind_however_it_ends(tmp_path, ending):
    def fail(*_arguments):
        raise RuntimeError("the portal stumbles")

    arguments, options = [str(tmp_path)], {}
    if ending == "by itself":
        arguments.append("end")
    elif ending == "time limit":
        options["time_limit_s"] = 2
    elif ending == "flood":
        options["output_limit_bytes"] = 1
    elif ending == "line handler fails":
        options["on_line"] = fail
    else:
        options["on_beat"] = fail
    if "fails" in ending:
        with pytest.raises(RuntimeError, match="the portal stumbles"):
            python(FAMILY, *arguments, **options)
    else:
        python(FAMILY, *arguments, **options)
    family = family_of(tmp_path)
    assert set(family) == {"main", "daemon", "stubborn"}
    assert [pid for pid in family.values() if alive(pid)] == []


PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
from opsportal.kit.children import run_child
run_child(json_argv, cwd="/", env={"PATH": "/usr/bin:/bin"}, on_line=lambda s, t: print(t, flush=True),
          on_beat=lambda: True, time_limit_s=600, memory_limit_mb=512, output_limit_bytes=10**6)
"""


@LINUX_ONLY
@pytest.mark.kills
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_the_portal_is_killed_the_whole_family_ends(tmp_path, number):
    argv = [sys.executable, "-I", "-c", FAMILY, str(tmp_path)]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("json_argv", json.dumps(argv))],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with parent:
        assert parent.stdout.readline() == b"ready\n"
        family = family_of(tmp_path)
        assert all(alive(pid) for pid in family.values())
        parent.send_signal(number)
        parent.wait(timeout=20)
        assert gone(family.values()) == []


@LINUX_ONLY
@pytest.mark.kills
def test_when_the_guardian_is_killed_the_child_ends_too(tmp_path):
    guardians = []

    def find(_stream, _text):
        main = int((tmp_path / "main").read_text())
        guardian = int(Path(f"/proc/{main}/stat").read_text().rpartition(")")[2].split()[1])
        guardians.append(guardian)
        os.kill(guardian, signal.SIGKILL)

    code = FAMILY.replace("if os.fork() == 0:", "if False:").replace("< 3", "< 1")
    result, _heard = python(code, str(tmp_path), on_line=find)
    assert guardians
    assert (result.ended, result.signal) == ("killed", signal.SIGKILL)
    assert gone(family_of(tmp_path).values()) == []


def test_what_is_passed_on_stays_open_in_the_child():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as end:
        python(f"import os; os.write({writing}, b'inside')", pass_fds=[writing])
        os.close(writing)
        assert end.read() == b"inside"


@given(st.lists(st.binary(max_size=30)), st.integers(1, 40))
def test_lines_are_the_same_however_the_stream_is_cut_into_pieces(pieces, limit):
    whole, cut = LineSplitter(limit), LineSplitter(limit)
    expected = whole.feed(b"".join(pieces)) + whole.finish()
    found = [line for piece in pieces for line in cut.feed(piece)] + cut.finish()
    assert found == expected
