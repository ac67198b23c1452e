"""A command on the leash ends, with what it started, when its asker goes; real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from adk_tests.support.processes import alive, pid_in, wait_for
from animatediff_kit.launcher import leash

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups")

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
with open(sys.argv[1], "w") as file:
    print(os.getpid(), file=file)
time.sleep(60)
"""
"""As pip's own children may: it ignores Ctrl-C."""

PARENT = f"""
import os, subprocess, sys, time
with open("parent", "w") as file:
    print(os.getpid(), file=file)
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}, "child"])
time.sleep(60)
"""


def leashed(code: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, leash.__file__ or "", "1", sys.executable, "-c", code]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, text=False
    )


def test_the_exit_code_is_the_command_s(tmp_path: Path) -> None:
    for code, ended in (("raise SystemExit(7)", 7), ("", 0)):
        with leashed(code, tmp_path) as process:
            assert process.wait(20) == ended


def test_a_command_that_a_signal_killed_has_the_shell_s_code(tmp_path: Path) -> None:
    with leashed("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path) as process:
        assert process.wait(20) == 128 + signal.SIGKILL


def test_parent_and_child_end_with_the_pipe(tmp_path: Path) -> None:
    process = leashed(PARENT, tmp_path)
    pids = [pid_in(tmp_path / "parent"), pid_in(tmp_path / "child")]
    assert process.stdin is not None and all(alive(pid) for pid in pids)
    process.stdin.close()
    assert process.wait(20) != 0
    wait_for(lambda: not any(alive(pid) for pid in pids))


def test_they_end_with_an_asker_that_is_killed_outright(tmp_path: Path) -> None:
    asker = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, {leash.__file__!r}, "1", sys.executable, "-c", {PARENT!r}],
                 stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", asker], cwd=tmp_path)
    pids = [pid_in(tmp_path / "parent"), pid_in(tmp_path / "child")]
    process.kill()
    process.wait()
    wait_for(lambda: not any(alive(pid) for pid in pids))
