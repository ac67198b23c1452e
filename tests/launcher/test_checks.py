"""The checks of `run.py test`: what is run, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from adk_tests.support.marks import MARKS
from adk_tests.support.processes import alive, wait_for
from animatediff_kit.launcher import checks

ROOT = Path(__file__).resolve().parents[2]


def test_a_failing_check_fails_the_whole_and_hides_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.py").write_text("import os\n")  # unused: ruff check fails, format passes
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_right.py").write_text("def test_right():\n    assert True\n")
    said: list[str] = []
    assert checks.run(tmp_path, Path(sys.executable), ["-q"], said.append) == 1
    summary = said[-1]
    assert "ruff check   FAILED (exit code 1)" in summary
    assert "ruff format  passed" in summary and "pytest       passed" in summary
    capfd.readouterr()


def test_paths_among_the_arguments_replace_the_whole_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_one.py").touch()
    command = checks.commands(Path("python"), ["-x", "test_one.py::test_a"])["pytest"]
    assert command[-2:] == ["-x", "test_one.py::test_a"] and "tests" not in command
    assert checks.commands(Path("python"), ["-k", "one"])["pytest"][-3:] == ["tests", "-k", "one"]


def test_quick_leaves_out_what_is_marked() -> None:
    commands = checks.commands(Path("python"), ["-x"], quick=True)
    whole = checks.commands(Path("python"), ["-x"])
    at = commands["pytest"].index("-m", 2)  # python -m pytest comes before
    assert commands["pytest"][at : at + 2] == ["-m", "not (browser or served or training or slow)"]
    assert [word for word in commands["pytest"] if word not in ("-m", checks.QUICK)] == [
        word for word in whole["pytest"] if word != "-m"
    ]
    assert [name for name in commands if commands[name] != whole[name]] == ["pytest"]


def test_the_tests_of_the_page_can_be_run_alone() -> None:
    command = checks.commands(Path("python"), [], page=True)["pytest"]
    assert command[command.index("-m", 2) + 1] == "browser"
    (marks,) = {mark for place, mark in MARKS.items() if place == "browser"}
    assert marks == checks.PAGE


CHILD = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
try:
    with open("pids", "w") as file:
        print(os.getpid(), child.pid, file=file)
    time.sleep(60)
finally:
    child.wait()
    with open("tidied", "a") as file:
        file.write("once")
"""
RUNNER = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from launcher import checks
from pathlib import Path
try:
    checks.attended([sys.executable, "-c", {CHILD!r}], Path(), dict(__import__("os").environ))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_a_terminal_what_ends_us_ends_what_we_run(tmp_path: Path, number: int) -> None:
    handler = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))"
    runner = subprocess.Popen(
        [sys.executable, "-c", handler + RUNNER], cwd=tmp_path, stdin=subprocess.DEVNULL
    )
    wait_for(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text() != "")
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert all(alive(pid) for pid in pids)
    runner.send_signal(number)
    assert runner.wait(30) == 128 + number
    wait_for(lambda: not any(alive(pid) for pid in pids))
    if number == signal.SIGINT:
        assert (tmp_path / "tidied").read_text() == "once"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_in_a_terminal_ctrl_c_lets_what_we_run_tidy_up_once(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-c", RUNNER])
    wait_for(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text() != "")
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130
    assert (tmp_path / "tidied").read_text() == "once"
    wait_for(lambda: not any(alive(pid) for pid in pids))
