"""The node that trains camera moves without a data set, on the small world's models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support.training_folders import own_folders
from animatediff_kit.motion_models.folders import MOTION_LORAS
from animatediff_kit.motion_models.load import load_motion_model
from animatediff_kit.nodes.training.train_camera import TrainCameraMove, captions
from animatediff_kit.small_world import files
from animatediff_kit.training.engine.config import TrainingSettings
from animatediff_kit.training.run import own_pictures
from safetensors import safe_open
from safetensors.torch import load_file

PROMPT = "a red square on a gray checkered background"
OTHER = "a blue star on a pink checkered background"

pytestmark = pytest.mark.skipif(
    not (files.MOTION_MODELS / files.MOTION_MODEL).is_file(),
    reason="the small world's weights are not there; `python small_world` trains them",
)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(own_pictures, "STEPS", 2)
    with own_folders(tmp_path) as root, torch.inference_mode():
        yield root


def trained(steps: int = 1, **changes: Any) -> Any:
    model, clip, vae = files.load(files.BASE)
    motion = load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))
    settings = TrainingSettings(
        steps=steps, learning_rate=1e-2, save_every=0, preview_every=0, batch_size=2
    )
    given: dict[str, Any] = dict(
        model=model, motion_model=motion, vae=vae, clip=clip, settings=settings, prompts=PROMPT,
        pictures=1, clips=2, frames=2, width=64, height=64, rank=2, name="mine",
    )  # fmt: skip
    return TrainCameraMove.execute(**{**given, **changes})


def test_the_model_draws_its_own_pictures_and_both_files_are_written(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, name, plot, preview = trained(axis="pan").result
    assert name == "mine_pan_left.safetensors"
    assert plot.shape == (1, 320, 512, 3) and preview.shape[0] == 2
    there, back = (
        load_file(folders / MOTION_LORAS / f"mine_pan_{way}.safetensors")
        for way in ("left", "right")
    )
    assert there.keys() == back.keys()
    assert sum(float(t.abs().sum()) for key, t in there.items() if ".up." in key) > 0
    for key, tensor in there.items():
        assert tensor.shape[1 if ".up." in key else 0] == 2
        assert torch.equal(tensor, -back[key] if ".up." in key else back[key])
    with safe_open(folders / MOTION_LORAS / "mine_pan_right.safetensors", "pt") as file:
        about = file.metadata()
    assert about["camera_move"] == "pan right" and about["clips"] == "2" and about["rank"] == "2"
    (kept,) = folders.rglob("pictures-*.safetensors")
    assert load_file(kept)["pictures"].shape == (1, 128, 128, 3)
    monkeypatch.setattr(own_pictures, "draw", None)  # a call of it would fail
    again = trained(2, axis="pan", resume="mine_001")
    assert again.result[1] == "mine_pan_left_2.safetensors"


def test_pictures_of_ones_own_and_all_axes(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_pictures, "draw", None)  # a call of it would fail
    images = torch.rand((2, 160, 160, 3), generator=torch.Generator().manual_seed(0))
    trained(axis="all", images=images, prompts=f"{PROMPT}\n\n{OTHER}\n")
    written = sorted(path.stem for path in (folders / MOTION_LORAS).iterdir())
    assert len(written) == 8 and "mine_roll_anticlockwise" in written


def test_what_is_wrong_is_told_before_pictures_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_pictures, "draw", None)
    with pytest.raises(ValueError, match="prompts is empty. Write what the pictures show"):
        trained(prompts=" \n")
    with pytest.raises(ValueError, match="The name 'mmm.*'... has 20[0-9] bytes"):
        trained(name="m" * 195)
    with pytest.raises(ValueError, match="settings is None. Connect the node Training Settings"):
        trained(settings=None)


def test_prompts_begin_again_where_there_are_fewer() -> None:
    assert captions("a\n b ", 5) == ["a", "b", "a", "b", "a"]
