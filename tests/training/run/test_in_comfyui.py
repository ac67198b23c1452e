"""A run inside ComfyUI: where files go, what the node shows, how it is cancelled and resumed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.utils
import folder_paths
import pytest
import torch
from adk_tests.support import tiny
from adk_tests.support.training_folders import own_folders
from animatediff_kit.motion_models.folders import LORAS, MOTION_LORAS, MOTION_MODELS
from animatediff_kit.training.engine.checkpoints import found, load
from animatediff_kit.training.engine.config import TrainingSettings
from animatediff_kit.training.files.locks import lock_folder
from animatediff_kit.training.models import stages
from animatediff_kit.training.run import run_list
from animatediff_kit.training.run.in_comfyui import RUNS, Result, run_folder, train
from comfy.model_patcher import ModelPatcher
from safetensors.torch import load_file

from ..clips import ClipsInMemory
from ..trained import trainee

SETTINGS = TrainingSettings(steps=4, learning_rate=1e-3, save_every=2, preview_every=0)

CLIPS = ClipsInMemory(frames=2)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> Iterator[Path]:
    with own_folders(tmp_path) as root:
        yield root


@pytest.fixture
def progress() -> Iterator[list[tuple[int, int, Any]]]:
    """What ComfyUI's progress hook is told, as the server sets it."""
    seen: list[tuple[int, int, Any]] = []
    before = comfy.utils.PROGRESS_BAR_HOOK
    comfy.utils.set_progress_bar_global_hook(
        lambda value, total, preview, node_id=None: seen.append((value, total, preview))
    )
    yield seen
    comfy.utils.set_progress_bar_global_hook(before)


def making(stage: str, model: ModelPatcher) -> Callable[[stages.DeviceAndDtype], stages.Trainee]:
    return lambda where: trainee(stage, model, tiny.motion_patcher("v3"))


def run(
    settings: TrainingSettings = SETTINGS,
    resume: str = "",
    stage: str = stages.MOTION_LORA,
    name: str = "pan",
) -> Result:
    """As a node runs it: in inference mode."""
    with torch.inference_mode():
        model = tiny.image_model()
        return train(making(stage, model), model, CLIPS, settings, name, resume)


@pytest.mark.parametrize(
    "stage, folder",
    [
        (stages.DOMAIN_ADAPTER, LORAS),
        (stages.MOTION_MODULE, MOTION_MODELS),
        (stages.MOTION_LORA, MOTION_LORAS),
    ],
)
def test_files_lie_where_comfyui_looks(stage: str, folder: str, folders: Path) -> None:
    result = run(stage=stage)
    assert result.path == folders / folder / "pan.safetensors" and result.path.is_file()
    assert result.plot.shape == (1, 320, 512, 3)
    assert result.preview.shape[1:] == (256, 256, 3)
    runs = folders / "output" / RUNS / "pan_001"
    assert [load(path).step for path in found(runs)] == [2, 4]


def test_every_run_has_a_folder(folders: Path) -> None:
    run()
    run()
    there = sorted(p.name for p in (folders / "output" / RUNS).iterdir())
    assert there == ["pan_001", "pan_002"]
    files = sorted(p.name for p in (folders / MOTION_LORAS).iterdir())
    assert files == ["pan.safetensors", "pan_2.safetensors"]


def test_a_new_run_takes_no_name_of_weights_that_are_kept(folders: Path) -> None:
    """The folders of runs are large, and people delete them."""
    settings = replace(SETTINGS, export_every=2)
    run(settings)
    (kept,) = (folders / MOTION_LORAS / "pan_001").iterdir()
    before = kept.read_bytes()
    shutil.rmtree(folders / "output" / RUNS)
    run(replace(settings, seed=1))
    assert [path.name for path in (folders / "output" / RUNS).iterdir()] == ["pan_002"]
    assert (folders / MOTION_LORAS / "pan_002" / kept.name).is_file()
    assert kept.read_bytes() == before


def test_the_node_shows_progress(progress: list[tuple[int, int, Any]]) -> None:
    run(TrainingSettings(steps=4, preview_every=2, save_every=0))
    assert [(value, total) for value, total, _ in progress] == [(i, 4) for i in (1, 2, 3, 4)]
    first, last = progress[0][2], progress[-1][2]
    kind, picture, side = last
    assert kind == "JPEG" and side == 512
    assert first[1].size == (512, 320)  # no preview yet: the plot alone
    assert picture.size == (512, 320 + 256)


def test_cancelling_leaves_a_checkpoint_and_comfyui_usable(
    folders: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The user presses Cancel during the second step; the same run then goes on to the end."""
    seen: list[int] = []

    def press_cancel(value: int, total: int, preview: Any, node_id: Any = None) -> None:
        seen.append(value)
        if value == 3:
            comfy.model_management.interrupt_current_processing()

    before = comfy.utils.PROGRESS_BAR_HOOK
    comfy.utils.set_progress_bar_global_hook(press_cancel)
    try:
        with pytest.raises(comfy.model_management.InterruptProcessingException):
            run()
    finally:
        comfy.utils.set_progress_bar_global_hook(before)
        comfy.model_management.interrupt_current_processing(False)
    assert seen == [1, 2, 3]
    told = "The training of pan ended after step 3 of 4. To go on, set resume to pan_001."
    assert told in caplog.messages
    assert load(found(folders / "output" / RUNS / "pan_001")[-1]).step == 3
    assert not (folders / MOTION_LORAS).exists()
    assert torch.isfinite(tiny.sample(tiny.image_model())).all()
    resumed, whole = run(resume="pan_001").path, run(name="whole").path
    again, once = load_file(resumed), load_file(whole)
    assert again.keys() == once.keys()
    assert all(torch.equal(again[key], once[key]) for key in once)


@pytest.mark.parametrize("steps", [4, 3])
def test_a_file_that_cannot_be_written_ends_the_run(
    steps: int, folders: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After its last step, or after it was to keep what it had. The page shows it as stopped,
    though ComfyUI's process lives on, and it can be resumed as the error says."""
    (folders / MOTION_LORAS).write_text("in the way")
    there = folders / "output" / RUNS / "pan_001"
    rules = "" if steps == 4 else "step at least 3"
    settings = replace(SETTINGS, stop_rules=rules, preview_every=1 if rules else 0)
    with pytest.raises(ValueError, match=r"^pan\.safetensors could not be written into .*so make "):
        run(settings)
    assert run_list.about(there)["state"] == "stopped"
    told = f"The training of pan ended after step {steps} of 4. To go on, set resume to pan_001."
    assert told in caplog.messages
    (folders / MOTION_LORAS).unlink()
    assert run(replace(settings, steps=steps), resume="pan_001").path.is_file()
    assert run_list.about(there)["state"] == "finished"


def test_the_users_model_is_untouched() -> None:
    with torch.inference_mode():
        model = tiny.image_model()
        before = {k: w.clone() for k, w in model.model.state_dict().items()}
        first = tiny.sample(model)
        train(making(stages.MOTION_MODULE, model), model, CLIPS, SETTINGS, "mine", "")
        assert all(torch.equal(w, before[k]) for k, w in model.model.state_dict().items())
        assert torch.equal(tiny.sample(model), first)


def test_a_run_that_is_not_there(folders: Path) -> None:
    with pytest.raises(
        ValueError, match="There is no run 'zoom' with a checkpoint in .*There are none yet.$"
    ):
        run_folder("pan", "zoom")
    run()
    with pytest.raises(ValueError, match="'zoom' .* The runs there are pan_001."):
        run_folder("pan", "zoom")
    with pytest.raises(ValueError, match="There is no run"):
        run_folder("pan", "../pan_001")


@pytest.mark.parametrize(
    "resume",
    ["..", ".", "../runs", "pan_001/", "./pan_001", "pan_001/..", "a/../pan_001", "\\pan_001"]
    + ["\ud800", "pan\0", "x" * 5000, "{root}", "{root}/pan_001"],
)
def test_a_run_to_resume_is_a_name_and_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: str
) -> None:
    """Checkpoints lie all around it; a run would write there, and delete the oldest."""
    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path))
    root = tmp_path / RUNS
    for folder in (root / "pan_001", root, tmp_path):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "checkpoint-00000001.safetensors").write_bytes(b"")
    assert run_folder("pan", "pan_001") == root / "pan_001"
    with pytest.raises(
        ValueError, match="^There is no run .* The runs there are pan_001.$"
    ) as told:
        run_folder("pan", resume.format(root=root))
    str(told.value).encode()


def test_a_run_to_resume_is_no_link_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path / "output"))
    root, elsewhere = tmp_path / "output" / RUNS, tmp_path / "elsewhere"
    for folder in (root, elsewhere):
        folder.mkdir(parents=True)
    (elsewhere / "checkpoint-00000001.safetensors").write_bytes(b"")
    (root / "pan_001").symlink_to(elsewhere)
    with pytest.raises(ValueError, match="^The run 'pan_001' is a link out of .* Move its folder"):
        run_folder("pan", "pan_001")


def test_a_resumed_run_must_be_the_same() -> None:
    run()
    other = TrainingSettings(steps=8, learning_rate=1e-2, save_every=2, preview_every=0)
    with pytest.raises(ValueError, match="had learning_rate 0.001, this one has 0.01"):
        run(other, resume="pan_001")


def test_a_run_is_not_resumed_on_other_models() -> None:
    run()
    with torch.inference_mode():
        other = tiny.image_model(seed=1)
        with pytest.raises(ValueError, match="its run had another image model or motion model"):
            train(making(stages.MOTION_LORA, other), other, CLIPS, SETTINGS, "pan", "pan_001")


def test_two_runs_of_one_name_have_folders_of_their_own(folders: Path) -> None:
    """Also where another process has begun one, and no checkpoint is there yet."""
    ours, theirs = run_folder("pan", ""), run_folder("pan", "")
    assert [ours.name, theirs.name] == ["pan_001", "pan_002"] and ours.is_dir()
    (theirs / ".checkpoint-00000001.safetensors.00000000-1.making").mkdir()
    assert run().path.name == "pan.safetensors"
    assert sorted(p.name for p in ours.parent.iterdir()) == ["pan_001", "pan_002", "pan_003"]
    assert list(theirs.iterdir())


def test_a_folder_of_runs_that_cannot_be_made(folders: Path) -> None:
    (folders / "output").mkdir(exist_ok=True)
    (folders / "output" / RUNS).write_text("in the way")
    text = r"^.*pan_001 cannot be made \(Not a directory\)\. Make room there, or let ComfyUI wri"
    with pytest.raises(ValueError, match=text):
        run_folder("pan", "")


def test_a_run_is_trained_by_one_process_at_a_time(folders: Path) -> None:
    run()
    there = folders / "output" / RUNS / "pan_001"
    before = {path.name: path.read_bytes() for path in there.iterdir()}
    lock = lock_folder(there)  # as another process holds it
    with pytest.raises(ValueError, match="^Another process trains the run pan_001. Wait until it"):
        run(resume="pan_001")
    lock.release()
    assert {path.name: path.read_bytes() for path in there.iterdir()} == before
    assert run(resume="pan_001").path.name == "pan_2.safetensors"


def test_a_run_that_never_began_leaves_no_folder(folders: Path) -> None:
    def fail(where: stages.DeviceAndDtype) -> stages.Trainee:
        raise ValueError("no such model")

    with pytest.raises(ValueError, match="no such model"):
        train(fail, tiny.image_model(), CLIPS, SETTINGS, "pan", "")
    assert not list((folders / "output" / RUNS).iterdir())


@pytest.mark.parametrize("value", [None, 5, ["a"]])
def test_inputs_that_come_from_no_node(value: Any) -> None:
    """As a workflow in JSON may give them."""
    with pytest.raises(ValueError, match=r"^settings is .*\. Connect the node Training Settings.$"):
        train(making(stages.MOTION_LORA, value), value, CLIPS, value, "pan", "")
    with pytest.raises(ValueError, match=r"^clips is .*\. Connect the node Encode Clips.$"):
        train(making(stages.MOTION_LORA, value), value, value, SETTINGS, "pan", "")


@pytest.mark.parametrize("name", ["../pan", "a/b", ""])
def test_a_bad_name_is_refused_before_training(name: str, folders: Path) -> None:
    with pytest.raises(ValueError, match="is no name for a file"):
        run(name=name)
    assert not (folders / "output").exists()
