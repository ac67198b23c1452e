"""The training nodes, run as ComfyUI runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import encoders, pia, tiny
from adk_tests.support.training_folders import own_folders
from adk_tests.training.clips import ClipsInMemory
from animatediff_kit.motion_models.folders import LORAS, MOTION_LORAS, MOTION_MODELS
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.motion_models.load import motion_model
from animatediff_kit.nodes.control.pia import ApplyPIA
from animatediff_kit.nodes.training.settings import TrainingSettingsNode
from animatediff_kit.nodes.training.train import (
    TrainDomainAdapter,
    TrainMotionLora,
    TrainMotionModule,
)
from animatediff_kit.training.engine.config import TrainingSettings
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

CLIPS = ClipsInMemory(frames=2)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> Iterator[Path]:
    with own_folders(tmp_path) as root, torch.inference_mode():
        yield root


def settings(**changes: Any) -> TrainingSettings:
    values: dict[str, Any] = dict(steps=2, learning_rate=1e-2, save_every=0, preview_every=0)
    return TrainingSettingsNode.execute(**{**values, **changes}).result[0]


def check_pictures(output: Any, folders: Path, frames: int) -> None:
    """The node shows the plot with the preview under it, which moves."""
    ui = output.ui.as_dict()
    (shown,) = ui["images"]
    with Image.open(folders / "temp" / shown["filename"]) as picture:
        assert picture.size == (512, 320 + 256) and picture.n_frames == frames
    assert ui["animated"] == (True,)


def test_settings_are_checked() -> None:
    assert settings(batch_size=3).batch_size == 3
    assert TrainingSettingsNode.execute().result[0] == TrainingSettings()
    with pytest.raises(ValueError, match="The training setting warmup is 5; it must be from 0 to"):
        settings(warmup=5)


def test_train_domain_adapter(folders: Path) -> None:
    output = TrainDomainAdapter.execute(tiny.image_model(), CLIPS, settings(), rank=4, name="look")
    name, plot, preview = output.result
    assert name == "look.safetensors" and (folders / LORAS / name).is_file()
    assert plot.shape == (1, 320, 512, 3) and preview.shape == (1, 256, 256, 3)
    check_pictures(output, folders, 1)


@pytest.mark.parametrize("fine_tune", [True, False], ids=["fine-tune", "from zero"])
def test_train_motion_module(fine_tune: bool, folders: Path) -> None:
    start = tiny.motion_patcher("v2") if fine_tune else None
    output = TrainMotionModule.execute(
        tiny.image_model(), CLIPS, settings(), family="v1", motion_model=start
    )
    trained, name, _, preview = output.result
    assert (folders / MOTION_MODELS / name).is_file() and preview.shape == (2, 256, 256, 3)
    assert motion_model(trained).spec.family.name == ("v2" if fine_tune else "v1")
    check_pictures(output, folders, 2)
    animated = apply_motion_model(tiny.image_model(), trained, MotionSettings())
    assert not torch.equal(tiny.sample(animated), tiny.sample(tiny.image_model()))


def test_train_motion_module_makes_a_pia_model(folders: Path) -> None:
    """What it gives out is for Apply PIA, which animates a picture with it."""
    model, vae, image = tiny.image_model(), encoders.vae(), pia.picture()
    output = TrainMotionModule.execute(
        model, CLIPS, settings(), motion_model=tiny.motion_patcher("v2"), kind="PIA", name="mine"
    )
    trained, name, _, preview = output.result
    assert (folders / MOTION_MODELS / name).is_file() and preview.shape == (2, 256, 256, 3)
    assert motion_model(trained).spec.family.name == "PIA"
    tuned = TrainMotionModule.execute(model, CLIPS, settings(), motion_model=trained, kind="PIA")
    frames = [
        tiny.sample(ApplyPIA.execute(model, motion, picture, vae).result[0])
        for motion, picture in (
            (trained, image),
            (tuned.result[0], image),
            (tuned.result[0], pia.picture(6)),
        )
    ]
    assert not torch.equal(frames[0], frames[1]) and not torch.equal(frames[1], frames[2])
    with pytest.raises(ValueError, match="^kind is 'pia'"):
        TrainMotionModule.execute(model, CLIPS, settings(), kind="pia")


def test_train_motion_lora(folders: Path) -> None:
    model, motion = tiny.image_model(), tiny.motion_patcher("v3")
    clips = ClipsInMemory(frames=2, rates=(8.0, 12.5))
    output = TrainMotionLora.execute(model, motion, clips, settings(), rank=2, name="pan")
    trained, name, _, _ = output.result
    with safe_open(folders / MOTION_LORAS / name, "pt") as file:
        assert file.metadata()["fps"] == "8, 12.5"
    assert len(trained.patches) == 20 * 8 and not motion.patches
    with_lora, without = (
        tiny.sample(apply_motion_model(model, m, MotionSettings())) for m in (trained, motion)
    )
    assert not torch.allclose(with_lora, without)
    check_pictures(output, folders, 2)


def test_a_motion_lora_is_trained_on_from_its_file(folders: Path) -> None:
    model, motion = tiny.image_model(), tiny.motion_patcher("v3")
    first = TrainMotionLora.execute(model, motion, CLIPS, settings(), rank=2, name="pan").result[1]
    little = settings(steps=1, learning_rate=1e-9)
    output = TrainMotionLora.execute(model, motion, CLIPS, little, 2, name="on", start=first)
    files = [load_file(folders / MOTION_LORAS / name) for name in (first, output.result[1])]
    assert files[0].keys() == files[1].keys()
    assert all(torch.allclose(t, files[1][name], atol=1e-7) for name, t in files[0].items())
    with pytest.raises(ValueError, match="those that are trained are 4x"):
        TrainMotionLora.execute(model, motion, CLIPS, little, 4, start=first)


def test_a_file_to_start_from_that_is_not_there_is_told_before_the_graph_runs(
    folders: Path,
) -> None:
    (folders / MOTION_LORAS).mkdir(exist_ok=True)
    save_file({"w": torch.zeros(1)}, folders / MOTION_LORAS / "mine.safetensors")
    assert TrainMotionLora.validate_inputs() is True
    told = TrainMotionLora.validate_inputs("gone.safetensors")
    assert isinstance(told, str) and "gone.safetensors" in told


def test_diffusers_spelling_is_written_and_read_again(folders: Path) -> None:
    output = TrainMotionLora.execute(
        tiny.image_model(), tiny.motion_patcher("v3"), CLIPS, settings(), 2, spelling="diffusers"
    )
    trained, name, _, _ = output.result
    with safe_open(folders / MOTION_LORAS / name, "pt") as file:
        assert all(key.startswith("unet.") and ".attn" in key for key in file.keys())
    assert len(trained.patches) == 20 * 8


def test_an_sdxl_model_trains() -> None:
    clips = ClipsInMemory(frames=2, pooled=1280)
    output = TrainMotionLora.execute(
        tiny.image_model("SDXL"), tiny.motion_patcher("SDXL beta"), clips, settings(), rank=2
    )
    assert output.result[1] == "motion_lora.safetensors"


def test_clips_of_another_base_are_refused() -> None:
    with pytest.raises(ValueError, match="is conditioned on pooled text, as SDXL is, but the clip"):
        TrainMotionLora.execute(
            tiny.image_model("SDXL"), tiny.motion_patcher("SDXL beta"), CLIPS, settings(), rank=2
        )


def test_models_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="is an SD1.5 motion model, but the checkpoint is SDXL"):
        TrainMotionLora.execute(
            tiny.image_model("SDXL"), tiny.motion_patcher("v3"), CLIPS, settings()
        )
