"""`run.py install` in a copy of the front door, with pip indexes that fail: what it says, and that
Ctrl-C leaves no process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from adk_tests.support.processes import command_lines, wait_for

ROOT = Path(__file__).resolve().parents[2]
CLOSED = "http://127.0.0.1:9/simple"  # the discard port: nobody listens

pytestmark = [
    pytest.mark.slow,  # each makes a virtual environment
    pytest.mark.skipif(not Path("/proc").exists(), reason="processes are looked for in /proc"),
]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """run.py and launcher alone, in a path that no other process has."""
    folder = tmp_path / "kit"
    shutil.copytree(ROOT / "launcher", folder / "launcher")
    shutil.copy(ROOT / "run.py", folder)
    yield folder
    # a leash that was just being started sees only then that its asker is gone
    wait_for(lambda: command_lines(str(folder)) == [], 10)


def started(clone: Path, index: str) -> subprocess.Popen[str]:
    """`run.py install` with an index of ours, and none of this machine's pip settings."""
    ours = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index, "PYTHONUNBUFFERED": "1"}
    others = {name: text for name, text in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.Popen(
        [sys.executable, "run.py", "install"],
        cwd=clone,
        env={**others, **ours},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_index_that_does_not_answer_is_told_in_a_sentence_and_soon(clone: Path) -> None:
    process = started(clone, CLOSED)
    assert process.stdout is not None
    next(line for line in process.stdout if line.startswith("installing"))
    began = time.monotonic()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 1
    assert time.monotonic() - began < 30  # seven tries and their pauses took longer
    assert told.startswith("Error: pip could not install the packages that lock.txt pins (exit")
    assert told.endswith(
        "install.log; the package index did not answer: connect to the internet, or name an index "
        "that you reach (pip config set global.index-url URL), and start again.\n"
    )
    assert told.count("\n") == 1 and "Retry" not in told


def interrupted(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    assert out.endswith("\nstopped\n") and told == ""


def test_ctrl_c_while_the_environment_is_made(clone: Path) -> None:
    process = started(clone, CLOSED)
    wait_for(lambda: any("ensurepip" in line for line in command_lines(str(clone))), 60)
    interrupted(process)


def test_ctrl_c_while_pip_waits_for_its_index(clone: Path) -> None:
    """An index that takes the call and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = started(clone, f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        silent.settimeout(120)
        call, _ = silent.accept()
        with call:
            assert call.recv(4) == b"GET "
            assert any("pip install" in line for line in command_lines(str(clone)))
            interrupted(process)
    assert not (clone / ".venv" / "lock.sha256").exists()


@pytest.mark.parametrize("moment", [0.02, 0.1, 0.3])
def test_ctrl_c_at_the_very_start(clone: Path, moment: float) -> None:
    """From the first line of Python's own on; before run.py runs, Python ends by the signal."""
    process = started(clone, CLOSED)
    time.sleep(moment)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT, 1)
