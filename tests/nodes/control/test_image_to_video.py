"""Apply Image to Video, run as ComfyUI runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from adk_tests.support import encoders, image_to_video, pia, tiny
from animatediff_kit.motion_models.adapters.image_to_video.apply import PictureSettings
from animatediff_kit.nodes.control.image_to_video import ApplyImageToVideo
from animatediff_kit.nodes.control.pia import ApplyPIA
from animatediff_kit.nodes.motion_model import ApplyMotionModel


def test_it_animates_a_picture_in_the_models_schedule(tmp_path: Path) -> None:
    base, motion = tiny.image_model(), image_to_video.patcher(tmp_path)
    (animated,) = ApplyImageToVideo.execute(
        base, motion, pia.picture(), encoders.vae(), 0.9, 0.6
    ).result
    (injection,) = animated.wrappers["apply_model"]["animatediff_kit_0_picture"]
    assert injection.settings == PictureSettings(0.9, 0.6)
    sampling = animated.get_model_object("model_sampling")
    assert sampling.original_timesteps == 200
    betas = torch.linspace(0.00085, 0.014, 1000, dtype=torch.float64)
    sigmas = (1 / torch.cumprod(1 - betas, 0) - 1).sqrt()
    assert float(sampling.sigma_max) == pytest.approx(float(sigmas[999]), rel=1e-5)
    still, moved = (tiny.sample(model, frames=3, steps=1) for model in (base, animated))
    assert not torch.allclose(still, moved, atol=1e-3)


def test_it_warns_of_what_a_model_of_few_steps_cannot_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (animated,) = ApplyImageToVideo.execute(
        tiny.image_model(), image_to_video.patcher(tmp_path), pia.picture(), encoders.vae()
    ).result
    tiny.sample(animated, frames=2, steps=2, cfg=1.0, sampler_name="lcm", scheduler="sgm_uniform")
    assert "distilled" not in caplog.text
    tiny.sample(animated, frames=2, steps=1, cfg=7.0, sampler_name="dpmpp_2m")
    assert (
        "AnimateLCM-I2V was distilled to few steps and cannot work with the sampler" in caplog.text
    )


def test_each_node_names_the_one_that_takes_the_file(tmp_path: Path) -> None:
    base, motion = tiny.image_model(), image_to_video.patcher(tmp_path)
    with pytest.raises(ValueError, match="begins from a picture. Connect it to Apply Image to Vid"):
        ApplyMotionModel.execute(base, motion)
    with pytest.raises(
        ValueError, match="is no model of PIA but of family AnimateLCM-I2V. Connect it to Apply Im"
    ):
        ApplyPIA.execute(base, motion, pia.picture(), encoders.vae())
