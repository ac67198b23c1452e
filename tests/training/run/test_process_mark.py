"""Marks of processes: one that lives, and none other."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
from animatediff_kit.training.run.process_mark import living, mark_of, this_process


def test_this_process_lives() -> None:
    found = living(this_process())
    assert found is not None and found.pid == os.getpid()


def test_a_process_that_has_ended_does_not_though_nobody_has_taken_its_end() -> None:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        mark = mark_of(psutil.Process(process.pid))
        assert living(mark) is not None
        process.kill()
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            assert process.returncode is None
        assert living(mark) is None


@pytest.mark.parametrize("change", ["machine", "number", "time"])
def test_another_is_none(change: str) -> None:
    machine, number, time = this_process().split("-")
    other = {
        "machine": f"00000000-{number}-{time}",
        "number": f"{machine}-{os.getppid()}-{time}",
        "time": f"{machine}-{number}-{float(time) - 1:.2f}",
    }
    assert living(other[change]) is None


@pytest.mark.parametrize("mark", [None, "", "x", "a-b-c", "00-99999999999999999999-1.0", 3])
def test_what_is_no_mark_is_none(mark: object) -> None:
    assert living(mark) is None
