"""The nodes of long videos, run as ComfyUI runs them: what they give, and what they refuse."""

from __future__ import annotations

import gc
import itertools
import logging
import weakref
from pathlib import Path
from typing import Any

import comfy.samplers
import folder_paths
import pytest
import torch
from adk_tests.support import by_hand, folders, spellings, tiny, windowed
from adk_tests.support.folders import register_folders
from animatediff_kit.nodes.animate import Animate
from animatediff_kit.nodes.lora import LoadMotionLora
from animatediff_kit.nodes.motion_model import ApplyMotionModel, LoadMotionModel
from animatediff_kit.nodes.noise import FreeInitNode, FreeNoiseNode
from animatediff_kit.nodes.windows import ContextWindows, PreviewWindows
from animatediff_kit.sampling.free_init import FreeInitSampler
from animatediff_kit.sampling.free_noise import repeat_noise
from animatediff_kit.sampling.window_picture import draw_windows
from animatediff_kit.sampling.windows import WindowSettings
from comfy.model_patcher import ModelPatcher
from safetensors.torch import save_file

FRAMES = windowed.FRAMES
QUERY = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0."
    "to_q"
)


def only(output: Any) -> Any:
    (result,) = output.result
    return result


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """models/ with a v3 motion model and a MotionLoRA in it."""
    root = folders.install(tmp_path, monkeypatch)
    register_folders()
    for folder in ("animatediff_models", "animatediff_motion_lora"):
        (root / folder).mkdir(parents=True)
    weights = spellings.with_tables(tiny.motion_weights("v3"), 32)
    save_file(weights, str(root / "animatediff_models" / "v3.safetensors"))
    pair = (torch.randn(32, 2) * 0.5, torch.randn(2, 32) * 0.5)
    lora = spellings.official_lora({QUERY: pair})
    torch.save(lora, root / "animatediff_motion_lora" / "zoom.ckpt")
    return root


@pytest.fixture(scope="module")
def still() -> ModelPatcher:
    return tiny.image_model()


def test_animate_is_the_single_nodes_in_a_row(models: Path, still: ModelPatcher) -> None:
    motion = only(LoadMotionModel.execute("v3.safetensors"))
    moved = only(LoadMotionLora.execute(motion, "zoom.ckpt", 0.7))
    animated = only(ApplyMotionModel.execute(still, moved, motion_scale=1.2))
    row = only(ContextWindows.execute(animated, length=4, overlap=1))
    one = only(Animate.execute(still, "v3.safetensors", "zoom.ckpt", 0.7, 1.2, 4, 1))
    frames = tiny.sample(one, FRAMES)
    assert by_hand.same(frames, tiny.sample(row, FRAMES))
    no_lora = only(Animate.execute(still, "v3.safetensors", "none", 0.7, 1.2, 4, 1))
    assert by_hand.relative(frames, tiny.sample(no_lora, FRAMES)) > 1e-3
    assert not still.additional_models and "context_handler" not in still.model_options


def motion_of(model: ModelPatcher) -> Any:
    (motion,) = model.get_nested_additional_models()
    return motion.model


WIDGETS = [("none", 1.0, 1.0), ("zoom.ckpt", 1.0, 1.2), ("zoom.ckpt", 0.5, 1.2), ("none", 1.0, 1.2)]


def test_animate_reads_its_file_once(models: Path, still: ModelPatcher) -> None:
    """Whichever widget changes, and Load Motion Model has the same; until the file is replaced."""
    node = Animate()
    runs = [
        only(Animate.execute(still, "v3.safetensors", lora, strength, scale))
        for lora, strength, scale in WIDGETS
    ]
    motion = motion_of(runs[0])
    assert all(motion_of(run) is motion for run in runs)
    assert only(LoadMotionModel.execute("v3.safetensors")).model is motion
    frames = [tiny.sample(run, 4) for run in runs]
    for one, other in itertools.combinations(frames, 2):
        assert by_hand.relative(one, other) > 1e-3
    for run, video in zip(runs, frames, strict=True):
        assert by_hand.same(tiny.sample(run, 4), video)
    weights = spellings.with_tables(tiny.motion_weights("v3", seed=8), 32)
    save_file(weights, str(models / "animatediff_models" / "v3.safetensors"))
    replaced = only(Animate.execute(still, "v3.safetensors"))
    assert motion_of(replaced) is not motion
    assert by_hand.relative(tiny.sample(replaced, 4), frames[0]) > 0.01
    kept = weakref.ref(motion_of(replaced))
    del replaced, node
    gc.collect()
    assert kept() is None, "ComfyUI has dropped the node"


def test_animate_without_windows(models: Path, still: ModelPatcher) -> None:
    animated = only(Animate.execute(still, "v3.safetensors", context_length=0))
    assert "context_handler" not in animated.model_options
    handler = only(Animate.execute(still, "v3.safetensors")).model_options["context_handler"]
    assert handler.settings == WindowSettings(16, 4, schedule="standard_static")
    for schedule in ("shifted", "views"):
        model = only(Animate.execute(still, "v3.safetensors", context_schedule=schedule))
        settings = model.model_options["context_handler"].settings
        assert settings == WindowSettings(16, 4, schedule=schedule)


def test_animate_refuses_what_cannot_be(models: Path, still: ModelPatcher) -> None:
    with pytest.raises(ValueError, match=r"^The overlap of 16 frames leaves windows of 16 no step"):
        Animate.execute(still, "v3.safetensors", context_overlap=16)
    with pytest.raises(ValueError, match=r"is an SD1.5 motion model, but the checkpoint is SDXL"):
        Animate.execute(tiny.image_model("SDXL"), "v3.safetensors")


def test_animate_tells_missing_files_before_the_run(models: Path) -> None:
    assert Animate.validate_inputs("v3.safetensors", "none") is True
    assert Animate.validate_inputs("v3.safetensors", "zoom.ckpt") is True
    for chosen in (("gone.ckpt", "none"), ("v3.safetensors", "gone.ckpt")):
        sentence = Animate.validate_inputs(*chosen)
        told = "'gone.ckpt' is not there; your folders for it hold 1 weights file. Choose another"
        assert isinstance(sentence, str) and sentence.startswith(told)
        assert sentence.endswith(" Or choose none.") is (chosen[1] != "none")


def test_animate_names_every_missing_file_with_its_folder(models: Path) -> None:
    told = Animate.validate_inputs("gone.ckpt", "v2_lora_ZoomIn.ckpt")
    start = "Animate Model (AnimateDiff) misses 2 files. motion_model: 'gone.ckpt' is not there; "
    assert isinstance(told, str) and told.startswith(start)
    first, second = told.split(" motion_lora: 'v2_lora_ZoomIn.ckpt' is not there; ")
    assert f"put it into {models / 'animatediff_models'}. small_world_motion.safetensors" in first
    assert f"put it into {models / 'animatediff_motion_lora'}. It can be downloaded from " in second
    assert second.endswith(" Or choose none.")


SETTINGS = dict(length=5, overlap=2, stride=2, schedule="looped_uniform", fuse="flat")


def test_context_windows_sets_them_on_a_clone(still: ModelPatcher) -> None:
    windowed_model = only(ContextWindows.execute(still, **SETTINGS, closed_loop=True))
    settings = windowed_model.model_options["context_handler"].settings
    assert settings == WindowSettings(5, 2, 2, "looped_uniform", "flat", True)
    assert "context_handler" not in still.model_options
    handler = only(ContextWindows.execute(still)).model_options["context_handler"]
    assert handler.settings == WindowSettings()


BAD_WINDOWS = [
    (dict(length=4, overlap=4), r"^The overlap of 4 frames leaves windows of 4 no step forward"),
    (dict(length=4, overlap=9), r"^The overlap of 9 frames leaves windows of 4 no step forward"),
    (dict(closed_loop=True), r"^closed_loop is on, but the schedule standard_static never wraps"),
    (dict(schedule="spiral"), r"^'spiral' is no schedule; choose one of standard_static"),
]


@pytest.mark.parametrize(("given", "message"), BAD_WINDOWS)
def test_impossible_windows_are_refused(
    still: ModelPatcher, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ContextWindows.execute(still, **given)
    with pytest.raises(ValueError, match=message):
        PreviewWindows.execute(64, **given)


def test_preview_is_the_picture_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path))
    output = PreviewWindows.execute(40, **SETTINGS)
    expected = draw_windows(40, WindowSettings(5, 2, 2, "looped_uniform", "flat"))
    assert torch.equal(only(output), expected)
    (shown,) = output.ui.as_dict()["images"]
    assert (tmp_path / shown["subfolder"] / shown["filename"]).is_file()
    assert PreviewWindows.GET_SCHEMA().is_output_node
    assert torch.equal(only(PreviewWindows.execute(40)), draw_windows(40, WindowSettings()))


def test_preview_shows_the_windows_of_a_model(still: ModelPatcher) -> None:
    windowed_model = only(ContextWindows.execute(still, **SETTINGS))
    shown = only(PreviewWindows.execute(40, model=windowed_model, length=16, overlap=4))
    assert torch.equal(shown, only(PreviewWindows.execute(40, **SETTINGS)))
    later = only(ContextWindows.execute(windowed_model, length=8, overlap=2, start_percent=0.5))
    both = only(PreviewWindows.execute(40, model=later))
    first = draw_windows(40, WindowSettings(**SETTINGS))
    assert torch.equal(both[:, : first.shape[1]], first) and both.shape[1] > first.shape[1]
    with pytest.raises(ValueError, match=r"^This model is sampled without context windows. Conn"):
        PreviewWindows.execute(40, model=still)
    core = still.clone()
    core.model_options["context_handler"] = object()
    with pytest.raises(ValueError, match=r"^The windows of this model come from object, which"):
        PreviewWindows.execute(40, model=core)


def test_repeat_noise() -> None:
    latent = {"samples": torch.zeros(10, 4, 8, 8)}
    noise = only(FreeNoiseNode.execute(latent, seed=5, length=4, overlap=1))
    assert noise.seed == 5
    core = comfy.sample.prepare_noise(latent["samples"], 5)
    assert torch.equal(noise.generate_noise(latent), repeat_noise(core, 4, 1, 5))
    assert not torch.equal(noise.generate_noise(latent), core)


def test_noise_that_has_nothing_to_repeat_warns(caplog: pytest.LogCaptureFixture) -> None:
    FreeNoiseNode.execute({"samples": torch.zeros(17, 4, 8, 8)})
    assert not caplog.records
    FreeNoiseNode.execute({"samples": torch.zeros(16, 4, 8, 8)})
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "FreeNoise has nothing to repeat: 16 frames fit into one window of 16."
    )


def test_impossible_noise_windows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^The overlap of 4 frames leaves windows of 4 no step"):
        FreeNoiseNode.execute({"samples": torch.zeros(10, 4, 8, 8)}, length=4, overlap=4)


def test_refine_initial_noise() -> None:
    sampler = comfy.samplers.sampler_object("euler")
    refining = only(FreeInitNode.execute(sampler, 4, "ideal"))
    assert isinstance(refining, FreeInitSampler) and refining.sampler is sampler
    assert (refining.iterations, refining.filter_name) == (4, "ideal")
    with pytest.raises(ValueError, match=r"^FreeInit was given 0 iterations"):
        FreeInitNode.execute(sampler, 0)
