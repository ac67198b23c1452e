"""Runs in a process of their own, known by what lies in their folders."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from animatediff_kit.training.run import run_list
from animatediff_kit.training.run.errors_in_words import in_words
from animatediff_kit.training.run.process_mark import mark_of
from animatediff_kit.training.run.run_log import ABOUT, STOP
from animatediff_kit.training.run.started import (
    SAID,
    STARTED,
    alone,
    is_before_its_first_step,
    last_lines,
    start,
    started,
    worker,
)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(command) as working:
        yield working
        working.kill()


def written(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """The run of a process that was started.   -> the process's mark"""
    folder.mkdir()
    mark = mark_of(psutil.Process(process.pid))
    (folder / STARTED).write_text(json.dumps({"process": mark, "steps": 40}), encoding="utf-8")
    return mark


def test_a_run_works_before_its_first_step(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    folder = tmp_path / "run"
    written(folder, process)
    assert run_list.run_names(tmp_path) == ["run"]
    told = run_list.details(folder)
    assert (told["state"], told["step"], told["steps"]) == ("running", 0, 40)
    assert is_before_its_first_step(folder)
    process.kill()
    process.wait()
    assert run_list.about(folder)["state"] == "stopped" and worker(folder) is None


def test_one_that_has_not_begun_to_train_is_ended_at_once(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    folder = tmp_path / "run"
    written(folder, process)
    assert run_list.ask_to_keep(folder) is True
    assert process.wait(30) != 0 and not (folder / STOP).exists()
    assert run_list.ask_to_keep(folder) is False


def test_one_that_trains_is_asked_to_keep_its_weights(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    folder = tmp_path / "run"
    about = {"process": written(folder, process), "state": "running", "steps": 40, "step": 3}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    assert not is_before_its_first_step(folder)
    assert run_list.ask_to_keep(folder) is True
    assert (folder / STOP).exists() and process.poll() is None


def test_an_error_that_ends_the_process_is_told(tmp_path: Path) -> None:
    """As train.py itself says it. What an earlier run left unread is no order for this one."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / STOP).touch()
    start(tmp_path / "no.toml", folder, 40, False, {"ACCELERATE_USE_CPU": "true"})
    assert worker(folder) is not None and not (folder / STOP).exists()
    until = time.monotonic() + 300
    while worker(folder) is not None and time.monotonic() < until:
        time.sleep(0.2)
    told = run_list.about(folder)
    assert told["state"] == "stopped"
    assert told["error"] == (
        f"Error: {tmp_path / 'no.toml'} cannot be read (No such file or directory)."
    )


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory.", True),
        ("Error: pan.toml: [model] checkpoint is missing.", True),
        ("Stopped after step 3 of 40.", False),
        ("Errors are told.", False),
    ],
)
def test_errors_alone_are_told(tmp_path: Path, line: str, is_told: bool) -> None:
    (tmp_path / SAID).write_text(f"begun\n{line}\n", encoding="utf-8")
    (tmp_path / STARTED).write_text("{}", encoding="utf-8")
    assert run_list.about(tmp_path)["error"] == (line if is_told else "")


def test_an_error_of_several_lines_is_told_as_a_whole(tmp_path: Path) -> None:
    """As train.py writes it, and as it is shown."""
    error = ValueError("pan.toml: two faults.\n[model] is missing.\n  [clips] too.")
    said = f"begun\nError: of another time\nstep 1\n{in_words(error)}\n"
    (tmp_path / SAID).write_text(said, encoding="utf-8")
    (tmp_path / STARTED).write_text("{}", encoding="utf-8")
    assert run_list.about(tmp_path)["error"] == f"Error: {error}"
    (tmp_path / SAID).write_text(f"{said}step 2\n", encoding="utf-8")
    assert run_list.about(tmp_path)["error"] == ""
    (tmp_path / SAID).write_text("    at the end of a file that was cut\n", encoding="utf-8")
    assert run_list.about(tmp_path)["error"] == ""


def test_what_cannot_be_read_is_nothing(tmp_path: Path) -> None:
    assert started(tmp_path) == {} and last_lines(tmp_path) == [] and worker(tmp_path) is None
    (tmp_path / STARTED).write_text("[3", encoding="utf-8")
    (tmp_path / SAID).write_text("one\n two \n\n", encoding="utf-8")
    assert started(tmp_path) == {} and last_lines(tmp_path) == ["one", " two ", ""]
    (tmp_path / STARTED).write_text("[3]", encoding="utf-8")
    assert started(tmp_path) == {}


def test_a_run_of_a_rank_is_none_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accelerate, which reads many variables, finds one process; the rest of them stays."""
    of_ranks = {
        **{"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"},
        **{"GROUP_RANK": "1", "ROLE_WORLD_SIZE": "2", "MASTER_ADDR": "box", "MASTER_PORT": "1"},
        **{"TORCHELASTIC_RUN_ID": "1", "PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "0"},
        **{"OMPI_COMM_WORLD_SIZE": "2", "MV2_COMM_WORLD_RANK": "1", "ROLE_NAME": "default"},
    }
    assert alone({**of_ranks, "MASTER": "x", "ADK_RANK_TIMEOUT": "5"}) == {
        "MASTER": "x",
        "ADK_RANK_TIMEOUT": "5",
    }
    for name, value in of_ranks.items():
        monkeypatch.setenv(name, value)
    script = tmp_path / "train.py"
    script.write_text("import json, os\nprint(json.dumps(sorted(os.environ)))")
    monkeypatch.setattr("animatediff_kit.training.run.started.SCRIPT", script)
    start(tmp_path / "run.toml", tmp_path / "run", 40, False, {"ACCELERATE_USE_CPU": "true"})
    until = time.monotonic() + 300
    while worker(tmp_path / "run") is not None and time.monotonic() < until:
        time.sleep(0.1)
    names = json.loads((tmp_path / "run" / SAID).read_text(encoding="utf-8"))
    assert not of_ranks.keys() & {*names} and {"ACCELERATE_USE_CPU", "PATH"} <= {*names}
