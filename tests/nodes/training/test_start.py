"""What Start Training refuses, and when it starts nothing; tests/integration starts real runs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import folder_paths
import pytest
from adk_tests.support.training_folders import own_folders
from adk_tests.support.videos import write_captioned
from adk_tests.training.toml_runs import config
from animatediff_kit.nodes.training import start
from animatediff_kit.nodes.training.start import KEEP, StartTraining
from animatediff_kit.training.run.process_mark import this_process
from animatediff_kit.training.run.run_config import read_config
from animatediff_kit.training.run.run_log import ABOUT
from animatediff_kit.training.run.started import STARTED
from comfy.cli_args import args

RUNS = "animatediff_kit_training"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """ComfyUI's folders, a run's TOML file in that of the inputs, and where its run lies."""
    with own_folders(tmp_path):
        files = tmp_path / "input"
        files.mkdir()
        monkeypatch.setattr(folder_paths, "input_directory", str(files))
        monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "models"))
        for name in ("base", "motion"):
            (files / f"{name}.safetensors").touch()
        write_captioned(files / "clips" / "car.mp4", 3, "a car")
        write(files, output=f"../output/{RUNS}/pan", cache="../output/cache")
        # a test that would start a process fails: nothing here is to
        monkeypatch.setattr(start, "start_run", None)
        yield tmp_path / "output" / RUNS / "pan"


def write(files: Path, **changes: str) -> None:
    text = config(files, files).read_text(encoding="utf-8")
    if "output" in changes:
        text = text.replace('folder = "run"', f'folder = "{changes["output"]}"')
    if "cache" in changes:
        text = text.replace(f'cache = "{files}/cache"', f'cache = "{changes["cache"]}"')
    if "source" in changes:
        text = text.replace(f'source = "{files}/clips"', f'source = "{changes["source"]}"')
    (files / "pan.toml").write_text(text, encoding="utf-8")


def executed(resume: bool = False, action: str = "start") -> Any:
    output = StartTraining.execute("pan.toml", resume, action)
    (state,) = output.result
    assert output.ui == {"text": [state]}
    return state


def known(folder: Path, state: str, step: int = 2, **more: Any) -> None:
    """A run that lies there, with a checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"checkpoint-{step:08d}.safetensors").touch()
    about = {"state": state, "steps": 2, "step": step, **more}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def works(folder: Path) -> None:
    """A process that was started for the run: this one."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"process": this_process(), "steps": 2}
    (folder / STARTED).write_text(json.dumps(told), encoding="utf-8")


def test_a_run_that_works_is_shown_and_not_started_again(folder: Path) -> None:
    works(folder)
    assert executed() == "pan: step 0 of 2, loading models and encoding clips"
    known(folder, "running", 1, process=this_process())
    assert executed() == executed(resume=True) == "pan: step 1 of 2, running"


def test_a_run_that_the_queue_or_a_terminal_trains_is_shown(folder: Path) -> None:
    known(folder, "running", 1, process=this_process())
    assert executed() == "pan: step 1 of 2, running"


@pytest.mark.parametrize("state", ["finished", "kept"])
def test_a_run_that_has_its_file_is_shown(folder: Path, state: str) -> None:
    known(folder, state, file="pan.safetensors")
    assert executed() == f"pan: step 2 of 2, {state}, pan.safetensors"


def test_a_finished_run_has_nothing_to_resume(folder: Path) -> None:
    known(folder, "finished", file="pan.safetensors")
    assert executed(resume=True).startswith("pan: step 2 of 2, finished")


def test_each_execution_looks_anew() -> None:
    assert math.isnan(StartTraining.fingerprint_inputs(file="pan.toml"))


@pytest.mark.parametrize(
    ("state", "resume", "action", "message"),
    [
        ("stopped", False, "start", "^The run pan has stopped after step 1. Set resume to true to"),
        ("", True, "start", "pan holds no checkpoint to go on from; set resume to false.$"),
        ("kept", False, KEEP, "^The run pan does not work now, so there is nothing to end. Set ac"),
        ("", False, KEEP, "^The run pan does not work now"),
        ("", False, "stop", "^action is 'stop'; it must be one of start, stop and keep.$"),
    ],
)
def test_what_a_run_cannot_do_now(
    folder: Path, state: str, resume: bool, action: str, message: str
) -> None:
    if state:
        known(folder, state, 1)
    with pytest.raises(ValueError, match=message):
        executed(resume, action)


def test_one_run_at_a_time(folder: Path) -> None:
    works(folder.with_name("other"))
    with pytest.raises(ValueError, match="^The run other works in a process of its own. Wait unti"):
        executed()


def test_a_folder_that_cannot_be_made_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(folder_paths, "input_directory", str(folder.parents[2] / "input"))
    monkeypatch.setattr(folder_paths, "models_dir", str(folder.parents[2] / "models"))
    folder.parents[1].mkdir()
    folder.parent.touch()  # a file where the folder of runs belongs
    with pytest.raises(ValueError, match=r"^The run pan cannot be started \(.*\). Let ComfyUI wr"):
        executed()


def test_no_file_is_told() -> None:
    with pytest.raises(ValueError, match="^file is empty. Set it to the TOML file of a run; train"):
        StartTraining.execute()


def test_a_run_lies_where_the_panel_finds_it(folder: Path) -> None:
    files = folder.parents[2] / "input"
    root = folder.parent
    for output in ("run", f"../output/{RUNS}/pan/deeper", f"../output/{RUNS}"):
        write(files, output=output, cache="../output/cache")
        place = re.escape(f"a run that is started here lies in {root}, where the training panel")
        with pytest.raises(ValueError, match=place):
            executed()


def test_clips_are_encoded_into_comfyuis_folders(folder: Path) -> None:
    write(folder.parents[2] / "input", output=f"../output/{RUNS}/pan", cache="../cache")
    with pytest.raises(ValueError, match=r"^\[clips\] cache .* leaves ComfyUI's output and models"):
        executed()


def test_other_computers_read_allowed_folders_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file, what it names, and what a table of clips leads to."""
    monkeypatch.setattr(args, "listen", "0.0.0.0")
    files = folder.parents[2] / "input"
    refused = "is not read: other computers reach this server"
    (folder.parents[2] / "far").mkdir()
    with pytest.raises(ValueError, match=refused):
        StartTraining.execute(str(folder.parents[2] / "far" / "pan.toml"))
    places = {"output": f"../output/{RUNS}/pan", "cache": "../output/cache"}
    write(files, **places, source="../far")
    with pytest.raises(ValueError, match=refused):
        executed()
    write(files, **places, source="../nowhere")
    with pytest.raises(ValueError, match=refused):
        executed()
    (files / "pictures").mkdir()
    (files / "pictures" / "a.png").touch()
    move = '[stage]\nname = "camera_move"\naxes = ["zoom"]'
    path = config(files, files, stage=move, clips='source = "pictures"')
    text = path.read_text(encoding="utf-8").replace(f"{files}/cache", "../output/cache")
    path.write_text(text.replace('"run"', f'"{places["output"]}"'), encoding="utf-8")
    start.check_places(read_config(path))  # loose pictures are the clips of a camera move
    (files / "clips" / "link.mp4").symlink_to(folder.parents[2] / "far" / "secret.mp4")
    write(files, **places)
    with pytest.raises(ValueError, match=refused):
        executed()
