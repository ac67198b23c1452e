"""Two run.py in one clone: the second waits until the first has made the environment."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from adk_tests.support.processes import pid_in, wait_for
from animatediff_kit.launcher import one_at_a_time as module
from animatediff_kit.launcher.one_at_a_time import one_at_a_time

ROOT = Path(__file__).resolve().parents[2]


def test_the_second_waits_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    inside = threading.Event()

    def second() -> None:
        with one_at_a_time(tmp_path / ".comfy", said.append):
            inside.set()

    other = threading.Thread(target=second)
    with one_at_a_time(tmp_path / ".comfy", said.append):
        assert said == []
        other.start()
        wait_for(lambda: bool(said))
        assert not inside.wait(0.5)
    assert inside.wait(20)
    other.join()
    assert said == ["another run.py is at work in this clone; waiting for it"]


def test_an_error_inside_lets_the_next_one_in(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), one_at_a_time(tmp_path, pytest.fail):
        raise KeyboardInterrupt
    with one_at_a_time(tmp_path, pytest.fail):
        pass


def test_the_lock_of_a_killed_process_is_gone(tmp_path: Path) -> None:
    code = f"""
import os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from launcher.one_at_a_time import one_at_a_time
with one_at_a_time(Path({str(tmp_path)!r}), print):
    with open({str(tmp_path / "pid")!r}, "w") as file:
        print(os.getpid(), file=file)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", code])
    assert pid_in(tmp_path / "pid") == holder.pid
    with (tmp_path / module.NAME).open("a") as file:
        assert not module.locked(file)
    holder.kill()
    holder.wait()
    with one_at_a_time(tmp_path, pytest.fail):
        pass
