"""A run that makes a PIA model: the loss falls, it can be resumed, and its file is PIA's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from adk_tests.training.small import equal, weights
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.export import export, file_tensors
from animatediff_kit.training.engine.held_out_loss import held_out_loss
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.models.stages import PIA
from safetensors import safe_open
from safetensors.torch import load_file

TELLING: dict[str, Any] = dict(max_timestep=300, picture_dropout=0.0, caption_dropout=1.0)
"""Of clips that are noise themselves, weak noise cannot be told without their picture, which alone
says what they show: there are no captions."""


class Alike(ClipsInMemory):
    """Many clips whose frames are nearly the picture, whichever of them it is."""

    def latents(self, index: int) -> torch.Tensor:
        first = super().latents(index)
        return first[:1] + 0.2 * first


def mean_loss(run: Run[ClipLoss]) -> float:
    """Over the same passes, whatever the weights are."""
    found: list[float] = []
    for place in range(100, 108):
        with torch.no_grad(), run.loss.step_loss(place) as loss:
            found.append(float(loss))
    return sum(found) / len(found)


def test_the_loss_falls_and_the_picture_makes_it_fall(tmp_path: Path) -> None:
    clips = Alike(count=40, frames=2, side=4)
    run = small.run(tmp_path, PIA, clips=clips, steps=40, learning_rate=1e-2, **TELLING)
    before = mean_loss(run)
    run.train()
    after = mean_loss(run)
    assert after < 0.9 * before
    convolution = run.parameters["conv_in.weight"]
    assert all(bool(convolution[:, channel].any()) for channel in range(5))
    with torch.no_grad():
        convolution.zero_()
    assert mean_loss(run) > after  # by little: a random UNet, frozen, shows little of anything


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path) -> None:
    whole = small.run(tmp_path / "whole", PIA, steps=4)
    whole.train()
    small.run(tmp_path / "parts", PIA, steps=2).train()
    resumed = small.run(tmp_path / "parts", PIA, steps=4)
    resumed.resume(found(tmp_path / "parts")[-1])
    resumed.train()
    assert resumed.losses == whole.losses and equal(weights(resumed), weights(whole))
    for change in (dict(picture_dropout=0.5), dict(picture_frame="first")):
        (name,) = change
        with pytest.raises(ValueError, match=f"its run had {name} the default, this one has"):
            small.run(tmp_path / "parts", PIA, **change).resume(found(tmp_path / "parts")[-1])


@pytest.mark.parametrize("spelling", ["official", "diffusers"])
def test_the_file_is_a_pia_model_with_the_trained_weights(spelling: str, tmp_path: Path) -> None:
    run = small.run(tmp_path, PIA, steps=2, learning_rate=1e-2)
    run.train()
    file = export(run, tmp_path / "files", "mine", spelling)
    tensors, unet = load_file(file), small.image_model().model.state_dict()
    first = "diffusion_model.input_blocks.0.0."
    assert tensors["conv_in.weight"].shape == (32, 9, 3, 3)
    assert torch.equal(tensors["conv_in.weight"][:, :4], unet[f"{first}weight"])
    assert torch.equal(tensors["conv_in.bias"], unet[f"{first}bias"])
    loaded = load_motion_model(str(file))
    spec = motion_model(loaded).spec
    assert (spec.family.name, spec.positions) == ("PIA", 32)
    own = loaded.model.state_dict()
    assert own.keys() == run.parameters.keys()
    assert all(torch.equal(own[name], p) for name, p in run.parameters.items())
    with safe_open(str(file), "pt") as opened:
        about = opened.metadata()
    assert (about["stage"], about["family"]) == ("pia", "PIA")
    assert about["modelspec.description"].startswith("a PIA model for small_v3, trained by")


def test_the_average_is_what_the_file_holds(tmp_path: Path) -> None:
    run = small.run(tmp_path, PIA, steps=3, learning_rate=1e-2, ema=-1.0)
    assert run.settings.ema == 0.999  # of a motion model that is trained whole
    run.train()
    assert run.average is not None
    held = file_tensors(run)["conv_in.weight"][:, 4:]
    assert torch.equal(held, run.average.values["conv_in.weight"])
    assert not torch.equal(held, run.parameters["conv_in.weight"])


def test_the_held_out_loss_shows_the_picture(tmp_path: Path) -> None:
    clips = ClipsInMemory(count=12, frames=3, side=4)
    run = small.run(tmp_path, PIA, clips=clips, held_out=0.3)
    dark = held_out_loss(run.loss)
    torch.nn.init.normal_(run.parameters["conv_in.weight"], std=0.3)
    assert held_out_loss(run.loss) != dark
    assert held_out_loss(run.loss) == held_out_loss(run.loss)
