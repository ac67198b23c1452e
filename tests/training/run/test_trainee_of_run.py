"""Stages that the nodes have, from a TOML file to weights files: camera axes, PIA, and a MotionLoRA
beside the look of its clips."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from adk_tests.support.videos import numbered
from adk_tests.training.toml_runs import config
from animatediff_kit.motion_models.load import load_motion_model
from animatediff_kit.motion_models.model import motion_model
from animatediff_kit.training.engine.checkpoints import found, load
from animatediff_kit.training.run import command_line, own_pictures
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

pytestmark = pytest.mark.usefixtures("unload")


PAN = """
        [stage]
        name = "camera_move"
        axes = ["pan"]
        clips = 2
        rank = 2
"""


def check_both_ways(folder: Path, name: str = "pan") -> None:
    """The two files of the axis are each other's opposite, and something was learned."""
    there, back = (load_file(folder / f"{name}_pan_{way}.safetensors") for way in ("left", "right"))
    assert there.keys() == back.keys()
    for key, tensor in there.items():
        assert torch.equal(tensor, -back[key] if ".up." in key else back[key])
    assert sum(float(t.abs().sum()) for key, t in there.items() if ".up." in key) > 0


def test_camera_axes_on_pictures_of_files(files: Path, tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "red car.png"
    picture.parent.mkdir()
    Image.fromarray(numbered(9, 160, 160)).save(picture)
    clips = 'source = "pictures"\ncaptions = "file name"'
    path = config(files, tmp_path, stage=PAN, clips=clips, steps=1)
    assert command_line.main([str(path)]) == 0
    run = tmp_path / "run"
    check_both_ways(run)
    with safe_open(run / "pan_pan_right.safetensors", "pt") as file:
        about = file.metadata()
    assert (about["camera_move"], about["clips"], about["rank"]) == ("pan right", "2", "2")
    assert "fps" not in about

    path = config(files, tmp_path, stage=PAN, clips=clips, steps=2)
    assert command_line.main([str(path), "--resume"]) == 0
    assert load(found(run)[-1]).step == 2
    assert (run / "pan_pan_left_2.safetensors").is_file()


def test_camera_axes_on_pictures_that_the_model_draws(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_pictures, "STEPS", 1)
    (tmp_path / "prompts.txt").write_text("a red car\n", encoding="utf-8")
    stage = f"{PAN}\npictures = 1"
    path = config(files, tmp_path, stage=stage, clips='source = "prompts.txt"', steps=1)
    assert command_line.main([str(path)]) == 0
    check_both_ways(tmp_path / "run")
    (kept,) = (files / "cache").glob("pictures-*.safetensors")
    assert load_file(kept)["pictures"].shape == (1, 128, 128, 3)


def test_pia_makes_a_pia_model_of_the_motion_model(files: Path, tmp_path: Path) -> None:
    path = config(files, tmp_path, stage='[stage]\nname = "pia"', steps=1)
    assert command_line.main([str(path)]) == 0
    made = motion_model(load_motion_model(str(tmp_path / "run" / "pan.safetensors")))
    assert made.spec.family.name == "PIA"
    before = motion_model(load_motion_model(str(files / "motion.safetensors")))
    assert made.spec.family != before.spec.family


def test_a_motion_lora_beside_the_look_of_its_clips(files: Path, tmp_path: Path) -> None:
    """Another than without: the image model that it is trained on has the look of the clips."""
    stage = '[stage]\nname = "motion_lora"\nrank = 2\nlook_steps = 1'
    assert command_line.main([str(config(files, tmp_path, stage=stage, steps=1))]) == 0
    (look,) = (files / "cache").glob("look-*.safetensors")
    more = dict(steps=2, learning_rate=5e-3, resume_changes="learning_rate")
    resumed = config(files, tmp_path, stage=stage, **more)
    assert command_line.main([str(resumed), "--resume"]) == 0
    assert [*(files / "cache").glob("look-*.safetensors")] == [look]
    assert any(t.any() for key, t in load_file(look).items() if "up" in key)
    plain = tmp_path / "plain"
    plain.mkdir()
    assert command_line.main([str(config(files, plain, steps=1))]) == 0
    one, other = (load_file(p / "run" / "pan.safetensors") for p in (tmp_path, plain))
    assert one.keys() == other.keys()
    assert any(not torch.equal(t, other[key]) for key, t in one.items())
