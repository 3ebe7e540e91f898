"""The demo's processes: started in order, ended together, and never left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsportal.demo import command, lock
from opsportal.demo.layout import Layout, NotOurs, write_private
from opsportal.demo.ports import PortTaken, choose
from opsportal.demo.services import as_settings_file

REPOSITORY = Path(__file__).resolve().parents[2]

DEMO = """
import json, pathlib, sys
from opsportal.demo import lock
from opsportal.demo.runner import Ended, Runner
place, layers = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
try:
    with Runner({"PATH": "/usr/bin:/bin"}, place, lock.acquire(place / "demo.lock")) as runner:
        for layer, (name, command) in enumerate(layers.items()):
            runner.start(name, ["bash", "-c", command], layer=layer)
        (place / "started").touch()
        runner.follow()
except Ended as end:
    print(end)
    sys.exit(end.code)
"""

SLEEPER = "trap 'echo {name} >> ended; exit' TERM; echo $$ > {name}.pid; while :; do sleep 0.1; done"


def sleeper(name: str) -> str:
    """A command that notes its process number and, when asked to end, its name."""
    return SLEEPER.format(name=name)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(**commands: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", DEMO, str(tmp_path), json.dumps(commands)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()
    until(lambda: not lives(tmp_path, "broker") and not lives(tmp_path, "web"))


def until(holds: Callable[[], bool]) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not come to that within 30 seconds")


def lives(place: Path, name: str) -> bool:
    try:
        os.kill(int((place / f"{name}.pid").read_text() or 0) or 2**22, 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_ends_what_stands_on_others_first(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals
) -> None:
    demo = start(broker=sleeper("broker"), cloud=sleeper("cloud"), web=sleeper("web"))
    until(lambda: all(lives(tmp_path, name) for name in ("broker", "cloud", "web")))
    demo.send_signal(number)
    output, _ = demo.communicate(timeout=30)
    assert demo.returncode == 0, output
    assert f"{number.name} received" in output
    assert (tmp_path / "ended").read_text().split() == ["web", "cloud", "broker"]


@pytest.mark.parametrize(("how", "code"), [("exit 7", 7), ("exit 0", 1), ("kill -9 $$", 137)])
def test_when_one_ends_all_end_with_its_code(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, how: str, code: int
) -> None:
    demo = start(broker=sleeper("broker"), web=f"until [ -e go ]; do sleep 0.1; done; {how}")
    until(lambda: lives(tmp_path, "broker"))
    (tmp_path / "go").touch()
    output, _ = demo.communicate(timeout=30)
    assert demo.returncode == code, output
    assert "web ended with status" in output
    assert not lives(tmp_path, "broker")


def test_one_that_a_signal_ended_is_started_again_and_the_others_go_on(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    demo = start(broker=sleeper("broker"), web=sleeper("web"))
    until(lambda: (tmp_path / "web.pid").exists() and (tmp_path / "started").exists())
    first, broker = (int((tmp_path / f"{name}.pid").read_text()) for name in ("web", "broker"))
    os.kill(first, signal.SIGKILL)
    until(lambda: int((tmp_path / "web.pid").read_text() or first) != first)
    os.kill(broker, 0)
    demo.send_signal(signal.SIGINT)
    printed = demo.communicate(timeout=30)[0]
    assert "web was ended by SIGKILL; it is started again" in printed
    assert (tmp_path / "ended").read_text().split() == ["web", "broker"]
    assert demo.returncode == 0


@pytest.mark.kills
def test_killed_outright_it_leaves_nothing_running_and_the_next_start_waits_for_that(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    demo = start(broker=sleeper("broker"), web=sleeper("web"))
    until(lambda: lives(tmp_path, "broker") and lives(tmp_path, "web"))
    demo.kill()
    demo.wait()
    lock.acquire(tmp_path / "demo.lock").close()
    assert not lives(tmp_path, "broker")
    assert not lives(tmp_path, "web")


def test_a_second_start_on_the_same_directory_is_refused_and_says_who_runs(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    demo = start(web=sleeper("web"))
    until((tmp_path / "started").exists)
    with pytest.raises(lock.AlreadyRunning, match=f"process {demo.pid}"):
        lock.acquire(tmp_path / "demo.lock")


def test_lines_are_shown_with_the_name_of_who_wrote_them(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    output, _ = start(web="echo caf\\xff; exit 3").communicate(timeout=30)
    assert "web       | caf" in output


def test_private_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "demo.json", "{}")
    write_private(tmp_path / "demo.json", "[]")
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["demo.json"]


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(NotOurs, match="not the demo's"):
        Layout(tmp_path).check(usual=tmp_path / "var")


def test_resetting_forgets_everything_but_the_lock(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for each in (layout.kept, layout.lock, layout.settings):
        each.touch()
    layout.cloud.mkdir()
    (layout.cloud / "state.sqlite3").touch()
    layout.check(usual=tmp_path / "var")
    layout.forget()
    assert list(tmp_path.iterdir()) == [layout.lock]


def test_ports_stay_the_same_and_a_taken_one_is_refused() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            choose(port, {})
        assert choose(None, {"portal_port": port}).portal != port
    free = choose(0, {})
    assert choose(None, {"portal_port": free.portal, "cloud_port": free.cloud}) == free


@pytest.mark.parametrize("typed", ["99999", "-1", "http", ""])
def test_what_is_no_port_is_refused_in_words(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main([f"--port={typed}"])
    assert "is no port" in capsys.readouterr().err


def test_a_port_that_is_taken_leaves_no_new_directory(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert command.main(["--port", port, "--data-dir", str(tmp_path / "new")]) == 2
    assert not (tmp_path / "new").exists()


def test_a_directory_that_cannot_be_made_is_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert command.main(["--data-dir", str(tmp_path / "file" / "below")]) == 2
    assert "Give --data-dir" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["plain", 'with "quotes"', "back\\slash", "it's", "a=b #c", "{host}.x:1"])
def test_settings_written_are_the_settings_read(value: str, tmp_path: Path) -> None:
    import environ

    class Env(environ.Env):
        ENVIRON: dict[str, str] = {}

    (tmp_path / "settings.env").write_text(as_settings_file({"A": value, "B": "1"}))
    Env.read_env(str(tmp_path / "settings.env"))
    assert {"A": value, "B": "1"} == Env.ENVIRON
