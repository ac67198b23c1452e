"""AnimateLCM-I2V in the UNet against the published arithmetic, and in ComfyUI's sampler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.utils
import pytest
import torch
from adk_tests.motion_models.test_parity import (
    FP32,
    FRAMES,
    VIDEOS,
    fold,
    loaded,
    make_inputs,
    per_frame,
    unfold,
)
from adk_tests.reference import unet
from adk_tests.reference.image_encoder import image_features
from adk_tests.reference.live import relative_error
from adk_tests.support import by_hand, encoders, image_to_video, pia, tiny, windowed
from animatediff_kit.motion_models.adapters.image_to_video.apply import (
    PictureSettings,
    apply_image_to_video,
)
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from comfy.model_patcher import ModelPatcher
from safetensors.torch import save_file
from torch import Tensor

RULES = unet.Rules("per_frame", "per_frame", positions=64)


@pytest.fixture(scope="module")
def vae() -> Any:
    return encoders.vae()


@pytest.fixture
def motion(tmp_path: Path) -> ModelPatcher:
    return image_to_video.patcher(tmp_path)


def test_apply_model_equals_the_reference(
    motion: ModelPatcher, vae: Any, base: ModelPatcher, record_property: Any
) -> None:
    model = apply_image_to_video(base, motion, pia.picture(), vae)
    file, spatial = image_to_video.weights(), base.model.diffusion_model.state_dict()
    names = comfy.utils.unet_to_diffusers(base.model.model_config.unet_config)
    weights = {name: spatial[key] for name, key in names.items() if key in spatial} | file

    class Pair:
        image = base

    inputs: Any = make_inputs(Pair, torch.float32)  # pyright: ignore[reportArgumentType]
    latent = torch.randn(1, 4, 8, 12, generator=torch.Generator().manual_seed(3))
    sigma = torch.full((VIDEOS,), 2.5)
    with torch.no_grad(), loaded(model) as options:
        options["cond_or_uncond"] = [1, 0]
        options["animatediff_kit_0_picture"] = latent
        ours = unfold(
            model.model.apply_model(
                fold(inputs.x),
                per_frame(sigma),
                c_crossattn=per_frame(inputs.context),
                transformer_options=options,
            )
        )
    scaled = inputs.x / (2.5**2 + 1) ** 0.5
    timesteps = model.model.model_sampling.timestep(sigma).float()

    def truth(code: float) -> Tensor:
        features = image_features(file, latent, FRAMES, code)
        return unet.unet(weights, RULES, scaled, timesteps, inputs.context, features=features)

    error = relative_error(ours, inputs.x - 2.5 * truth(0.8))
    record_property("AnimateLCM-I2V, whole UNet", error)
    assert error <= FP32
    assert relative_error(truth(0.4), truth(0.8)) > 1000 * FP32
    plain = unet.unet(weights, RULES, scaled, timesteps, inputs.context)
    assert relative_error(plain, truth(0.8)) > 1000 * FP32


def sampled(model: ModelPatcher, frames: int, **more: Any) -> Tensor:
    conds = dict(positive=windowed.frame_prompts(11, frames))
    return windowed.sample_noise(model, windowed.noise_of(frames), **conds, **more)


class Encoded:
    """What the image encoder is asked: (latent, places, code), call by call."""

    def __init__(self, motion: ModelPatcher) -> None:
        self.calls: list[tuple[Tensor, int, float]] = []
        encoder: Any = motion.model.img_encoder
        encoder.register_forward_pre_hook(lambda _, given: self.calls.append(given))


def test_picture_and_settings_change_the_frames(
    motion: ModelPatcher, vae: Any, base: ModelPatcher
) -> None:
    def made(seed: int = 5, **settings: float) -> Tensor:
        picture = PictureSettings(**settings)
        return sampled(apply_image_to_video(base, motion, pia.picture(seed), vae, picture), 4)

    first = made()
    assert by_hand.same(first, made())
    for other in (made(6), made(code=0.2), made(strength=0.5)):
        assert all(by_hand.relative(a, b) > 1e-3 for a, b in zip(first, other, strict=True))
    settings = MotionSettings(strength=0.0)
    off = apply_image_to_video(base, motion, pia.picture(), vae, settings=settings)
    assert by_hand.same(sampled(off, 4), sampled(base, 4))


@pytest.mark.parametrize("schedule", ["standard_static", "batched", "views"])
def test_windows_share_features_that_are_made_once_a_run(
    motion: ModelPatcher, vae: Any, base: ModelPatcher, schedule: str
) -> None:
    seen = Encoded(motion)
    model = apply_image_to_video(base, motion, pia.picture(), vae)
    overlap = 0 if schedule == "batched" else 1
    long = windowed.windowed(model, schedule=schedule, overlap=overlap)
    one, two = (sampled(long, 7, steps=2) for _ in range(2))
    places = [4, 3] if schedule == "batched" else [4]  # windows 0-3 and 4-6
    assert [call[1] for call in seen.calls] == 2 * places and by_hand.same(one, two)
    latent = vae.encode(pia.picture()) * 0.18215
    assert all(torch.allclose(call[0], latent, atol=1e-6) for call in seen.calls)


def test_views_of_one_window_are_the_whole_video(
    motion: ModelPatcher, vae: Any, base: ModelPatcher
) -> None:
    model = apply_image_to_video(base, motion, pia.picture(), vae)
    views = windowed.windowed(model, schedule="views", length=4, overlap=1)
    assert by_hand.same(sampled(views, 4), sampled(model, 4))


def test_what_it_refuses(motion: ModelPatcher, vae: Any, base: ModelPatcher) -> None:
    two = torch.cat([pia.picture(5), pia.picture(6)])
    with pytest.raises(ValueError, match="^2 pictures are given, but the video begins from one."):
        apply_image_to_video(base, motion, two, vae)
    with pytest.raises(
        ValueError, match="^tiny_AnimateLCM is no model of AnimateLCM-I2V but of family AnimateLCM."
    ):
        apply_image_to_video(base, tiny.motion_patcher("AnimateLCM"), pia.picture(), vae)
    model = apply_image_to_video(base, motion, pia.picture(), vae)
    positive = windowed.with_entries(tiny.prompt(1), area=(8, 4, 0, 2), strength=1.0)
    with pytest.raises(ValueError, match=r"^The picture's feature is \[8, 8\] pixels in size, but"):
        windowed.sample_noise(model, windowed.noise_of(4), positive=positive)


def test_a_call_outside_of_a_run_is_told(
    motion: ModelPatcher, vae: Any, base: ModelPatcher
) -> None:
    model = apply_image_to_video(base, motion, pia.picture(), vae)
    x, t, text = torch.zeros(2, 4, 8, 8), torch.ones(2), torch.zeros(2, 7, tiny.CONTEXT)
    with loaded(model) as options, pytest.raises(ValueError, match="outside of a sampling run, so"):
        model.model.apply_model(x, t, c_crossattn=text, transformer_options=options)


def test_the_file_is_told_by_its_content(motion: ModelPatcher) -> None:
    spec = motion_model(motion).spec
    assert (spec.family.name, spec.positions) == ("AnimateLCM-I2V", 64)
    file, saved = image_to_video.weights(), motion.model.state_dict()
    assert saved.keys() == file.keys()
    assert all(torch.equal(saved[key], weight) for key, weight in file.items())


@pytest.mark.parametrize(
    ("change", "family", "sentence"),
    [
        (
            {"img_encoder.body.2.in_conv.bias": torch.ones(3)},
            "automatic",
            "^bad.safetensors cannot be used as a motion model: 1 of its tensors have the wrong "
            r"shape, img_encoder.body.2.in_conv.bias for one: \[3\] instead of \[64\].$",
        ),
        (
            {"img_encoder.gamma": torch.ones(3)},
            "automatic",
            "1 of its tensors belong to no image encoder known here, img_encoder.gamma for one.$",
        ),
        ({}, "v2", "it is an AnimateLCM-I2V model, which family v2 would not compute: choose au"),
    ],
)
def test_bad_files(change: dict[str, Tensor], family: str, sentence: str, tmp_path: Path) -> None:
    save_file({**image_to_video.weights(), **change}, str(tmp_path / "bad.safetensors"))
    with pytest.raises(ValueError, match=sentence):
        load_motion_model(str(tmp_path / "bad.safetensors"), family)
