"""Runs read from their folders, as the page's panel shows them."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.training.run import run_list
from animatediff_kit.training.run.run_log import (
    ABOUT,
    COLUMNS,
    LOG,
    STOP,
    as_lines,
    save_preview,
    this_process,
)
from PIL import Image


def written(root: Path, name: str, steps: int = 8, age: int = 0, **about: Any) -> Path:
    """A run of 10 steps, two a second, that has come so far."""
    folder = root / name
    folder.mkdir(parents=True)
    rows = [
        {"step": i, "loss": 1 / i, "smoothed": 2 / i, "rate": 1e-4, "seconds": i / 2}
        for i in range(1, steps + 1)
    ]
    (folder / LOG).write_text(as_lines(rows, header=True))
    told = {"name": name, "stage": "motion_lora", "steps": 10, "process": this_process(), **about}
    (folder / ABOUT).write_text(json.dumps({"state": "running", "step": steps, **told}))
    for path in folder.iterdir():
        os.utime(path, (1e9 - age, 1e9 - age))
    return folder


def test_runs_are_listed_the_newest_first(tmp_path: Path) -> None:
    written(tmp_path, "old_001", age=9)
    new = written(tmp_path, "new_001")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(new)
    (tmp_path / "file").write_text("")
    assert run_list.run_names(tmp_path) == ["new_001", "old_001"]
    assert run_list.run_names(tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../root/run", "link", "empty", "x\0"])
def test_a_run_is_called_by_its_name_alone(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    folder = written(root, "run")
    (root / "link").symlink_to(folder)
    (root / "empty").mkdir()
    assert run_list.folder_of(root, "run") == folder
    assert run_list.folder_of(root, name) is None


def test_a_run_that_works(tmp_path: Path) -> None:
    told = run_list.details(written(tmp_path, "run"))
    assert (told["state"], told["step"], told["steps"]) == ("running", 8, 10)
    assert told["speed"] == pytest.approx(2.0) and told["left"] == pytest.approx(1.0)
    assert (told["loss"], told["smoothed"], told["rate"]) == (1 / 8, 1 / 4, 1e-4)
    assert told["curve"]["steps"] == list(range(1, 9))
    assert told["curve"]["low"] == pytest.approx([1 / i for i in range(1, 9)])
    assert told["resumable"] is False and told["stopping"] is False


@pytest.mark.parametrize("steps", [0, 1, 3, 700])
def test_the_list_says_how_far_each_run_is(tmp_path: Path, steps: int) -> None:
    """By the log's last whole row, though run.json is of the first step."""
    folder = written(tmp_path, "run", steps=steps, step=1)
    with (folder / LOG).open("a") as file:
        file.write(f"{steps + 1},0.")
    assert run_list.about(folder)["step"] == max(steps, 1)


def test_a_run_whose_process_is_gone_has_stopped(tmp_path: Path) -> None:
    folder = written(tmp_path, "run", process="00000000-1-1.00")
    assert run_list.about(folder)["state"] == "stopped"
    assert run_list.ask_to_keep(folder) is False and not (folder / STOP).exists()


def test_only_a_run_that_works_is_asked_to_stop(tmp_path: Path) -> None:
    over, working = written(tmp_path, "over", state="finished"), written(tmp_path, "working")
    assert run_list.ask_to_keep(over) is False and not (over / STOP).exists()
    assert run_list.ask_to_keep(working) is True
    assert run_list.details(working)["stopping"] is True


def test_a_run_of_earlier_versions_has_checkpoints_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "checkpoint-00000250.safetensors").write_bytes(b"")
    told = run_list.details(folder)
    assert (told["state"], told["step"], told["resumable"]) == ("stopped", 250, True)
    assert told["curve"]["steps"] == [] and told["speed"] is None


def test_what_is_no_number_is_none_and_the_rest_is_json(tmp_path: Path) -> None:
    folder = written(tmp_path, "run", steps=2)
    with (folder / LOG).open("a") as file:
        file.write("3,nan,nan,0.0001,1.5\n4,nan")
    told = run_list.details(folder)
    assert told["step"] == 3 and told["loss"] is None and told["curve"]["low"][-1] is None
    json.dumps(told, allow_nan=False)
    (folder / ABOUT).write_text("{broken")
    assert run_list.about(folder)["state"] == "stopped"


def test_long_curves_are_short() -> None:
    curve = run_list.curve([math.sin(i) for i in range(100_000)])
    assert len(curve["steps"]) == run_list.POINTS and curve["steps"][-1] == 100_000
    assert len(curve["smoothed"]) == len(curve["low"]) == len(curve["high"]) == run_list.POINTS


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """More may follow, in any order."""
    folder = written(tmp_path, "run")
    lines = (folder / LOG).read_text().splitlines()
    (folder / LOG).write_text(
        "".join(f"{'new' if not i else 0.5},{line}\n" for i, line in enumerate(lines))
    )
    assert "new" not in COLUMNS and run_list.details(folder)["loss"] == 1 / 8


def test_previews_by_their_steps(tmp_path: Path) -> None:
    folder = written(tmp_path, "run")
    for step in (20, 5):
        save_preview(folder, step, [Image.new("RGB", (8, 8), c) for c in ("red", "blue")])
    assert run_list.details(folder)["previews"] == [5, 20]
    path = run_list.preview_file(folder, 5)
    assert path is not None
    with Image.open(path) as picture:
        assert picture.format == "WEBP" and picture.n_frames == 2  # pyright: ignore
    assert run_list.preview_file(folder, 6) is None
