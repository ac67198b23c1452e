"""A list of runs that is asked for again and again tells what each folder holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
from adk_tests.training.run.test_run_list import written
from animatediff_kit.training.run import run_list
from animatediff_kit.training.run.kept_list import KeptList
from animatediff_kit.training.run.process_mark import mark_of
from animatediff_kit.training.run.run_log import ABOUT, LOG


def anew(root: Path) -> list[dict[str, Any]]:
    return [run_list.about(root / name) for name in run_list.run_names(root)]


def test_it_tells_what_is_on_the_disk_whatever_changes(tmp_path: Path) -> None:
    kept = KeptList()
    assert kept.runs(tmp_path / "nowhere") == []
    first = written(tmp_path, "first", age=9, state="stopped")
    second = written(tmp_path, "second", age=5, state="finished")
    (tmp_path / "empty").mkdir()

    def both() -> list[dict[str, Any]]:
        assert kept.runs(tmp_path) == anew(tmp_path) == kept.runs(tmp_path)
        return kept.runs(tmp_path)

    assert [run["run"] for run in both()] == ["second", "first"]
    told = json.loads((first / ABOUT).read_text())
    (first / "new").write_text(json.dumps({**told, "state": "running"}))
    os.utime(first / "new", (1e9 - 9, 1e9 - 9))
    (first / "new").replace(first / ABOUT)  # of its own time
    assert both()[1]["state"] == "running"
    with (first / LOG).open("a") as log:
        log.write("9,0.1,0.1,0.0001,4.5\n")
    assert both()[0] | {"run": "first", "step": 9} == both()[0]
    (second / "checkpoint-00000004.safetensors").write_bytes(b"")
    assert [run["run"] for run in both()] == ["second", "first"] and both()[0]["resumable"]
    for path in second.iterdir():
        path.unlink()
    assert [run["run"] for run in both()] == ["first"]


def test_a_run_whose_process_has_ended_is_stopped(tmp_path: Path) -> None:
    """Of which none of its files tells."""
    kept = KeptList()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        written(tmp_path, "run", process=mark_of(psutil.Process(process.pid)))
        assert kept.runs(tmp_path)[0]["state"] == "running"
        process.communicate()
    assert kept.runs(tmp_path)[0]["state"] == "stopped"


def test_what_has_not_changed_is_not_read_anew(tmp_path: Path) -> None:
    kept = KeptList()
    path = written(tmp_path, "run", state="finished", stage="motion_lora") / ABOUT
    before, text = kept.runs(tmp_path), path.read_text()
    state = path.stat()
    path.write_text(text.replace("motion_lora", "MOTION_LORA"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert kept.runs(tmp_path) == before != anew(tmp_path)
    assert KeptList().runs(tmp_path) == anew(tmp_path)
