"""CameraCtrl in an animated UNet against the published arithmetic; each frame's pose in windows,
views and under FreeNoise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.utils
import numpy as np
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
from adk_tests.reference import camera as reference
from adk_tests.reference import unet
from adk_tests.reference.live import relative_error
from adk_tests.support import by_hand, camera, tiny, windowed
from animatediff_kit.motion_models.adapters.camera_control.apply import (
    CameraSettings,
    apply_camera_control,
)
from animatediff_kit.motion_models.adapters.camera_control.path import CameraPath
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.strength import Values
from animatediff_kit.sampling.free_noise import repeat_noise
from comfy.model_patcher import ModelPatcher
from torch import Tensor

RULES = unet.Rules("per_frame", "per_frame", positions=32)
SCALES = torch.tensor([1.0, 0.0, 0.5, 1.5, 0.25, 1.0, 0.75])


@pytest.fixture
def control(tmp_path: Path) -> ModelPatcher:
    return camera.patcher(tmp_path)


@pytest.fixture
def animated(base: ModelPatcher) -> ModelPatcher:
    return apply_motion_model(base, tiny.motion_patcher("v3"))


def each_its_own(call: Call, height: int, width: int) -> Values:
    """A strength that differs by frame."""
    return SCALES[list(call.indices)].repeat(call.videos).view(-1, 1, 1, 1)


@pytest.mark.parametrize("strength", [1.0, 0.6, each_its_own], ids=["1", "0.6", "over frames"])
def test_apply_model_equals_the_reference(
    strength: Any,
    control: ModelPatcher,
    animated: ModelPatcher,
    base: ModelPatcher,
    record_property: Any,
) -> None:
    path = camera.path(FRAMES)
    model = apply_camera_control(animated, control, path, CameraSettings(strength))
    spatial = base.model.diffusion_model.state_dict()
    names = comfy.utils.unet_to_diffusers(base.model.model_config.unet_config)
    weights = {name: spatial[key] for name, key in names.items() if key in spatial}
    weights |= tiny.motion_weights("v3")

    class Pair:
        image = base

    inputs = make_inputs(Pair, torch.float32)
    sigma = torch.full((VIDEOS,), 2.5)
    with torch.no_grad(), loaded(model) as options:
        options["cond_or_uncond"] = [1, 0]
        ours = unfold(
            model.model.apply_model(
                fold(inputs.x),
                per_frame(sigma),
                c_crossattn=per_frame(inputs.context),
                transformer_options=options,
            )
        )
    w2c = np.linalg.inv(path.poses)
    rays = reference.published_rays(w2c, path.lenses, 64, 96, ratio=16 / 9).float()
    features = reference.pose_features(camera.weights(), rays, camera.POSITIONS)
    features = [f.expand(VIDEOS, -1, -1, -1, -1) for f in features]
    scale = SCALES[:FRAMES, None] if callable(strength) else strength
    timesteps = model.model.model_sampling.timestep(sigma).float()
    scaled = inputs.x / (2.5**2 + 1) ** 0.5

    def noise(features: list[Tensor]) -> Tensor:
        posed = reference.posed_weights(weights, camera.weights(), features, scale)
        return unet.unet(posed, RULES, scaled, timesteps, inputs.context)

    truth = noise(features)
    error = relative_error(ours, inputs.x - 2.5 * truth)
    record_property("CameraCtrl, whole UNet", error)
    assert error <= FP32
    backwards = [f.flip(2) for f in features]
    assert relative_error(noise(backwards), truth) > 1000 * FP32


def sampled(model: ModelPatcher, frames: int = 4, **more: Any) -> Tensor:
    conds = dict(positive=windowed.frame_prompts(11, frames))
    return windowed.sample_noise(model, windowed.noise_of(frames), **conds, **more)


def steered(model: ModelPatcher, control: ModelPatcher, frames: int = 4, **settings: Any) -> Any:
    return apply_camera_control(model, control, camera.path(frames), CameraSettings(**settings))


def test_the_path_changes_every_frame_and_strength_0_none(
    animated: ModelPatcher, control: ModelPatcher, base: ModelPatcher
) -> None:
    before = by_hand.fingerprint(base.model.diffusion_model)
    motion: Any = animated.additional_models["animatediff_kit_0"][0].model
    modules = [name for name, _ in motion.named_modules()]
    plain, one, again = (
        sampled(model)
        for model in (animated, steered(animated, control), steered(animated, control))
    )
    other = sampled(apply_camera_control(animated, control, camera.path(4, seed=4)))
    assert by_hand.same(one, again)
    for video in (plain, other):
        assert all(by_hand.relative(a, b) > 1e-3 for a, b in zip(one, video, strict=True))
    assert by_hand.same(sampled(steered(animated, control, strength=0.0)), plain)
    assert by_hand.same(sampled(steered(animated, control, strength=lambda *_: 0.0)), plain)
    assert by_hand.fingerprint(base.model.diffusion_model) == before
    assert [name for name, _ in motion.named_modules()] == modules


def test_it_acts_in_its_part_of_sampling_alone(
    animated: ModelPatcher, control: ModelPatcher
) -> None:
    plain, whole, early, late = (
        sampled(model)
        for model in (
            animated,
            steered(animated, control),
            steered(animated, control, end_percent=0.5),
            steered(animated, control, start_percent=0.5),
        )
    )
    # the second of two steps has little noise to work on
    assert 0 < 10 * by_hand.relative(early, whole) < by_hand.relative(late, whole)
    assert 0 < 10 * by_hand.relative(late, plain) < by_hand.relative(early, plain)


class Seen:
    """What the encoder is given, call by call: the rays of the frames, and the frames' numbers."""

    def __init__(self, control: ModelPatcher, path: CameraPath) -> None:
        self.path, self.calls = path, []
        encoder: Any = control.model.encoder_conv_in
        encoder.register_forward_pre_hook(lambda _, given: self.calls.append(given[0].clone()))

    def frames(self) -> list[list[int]]:
        """Per call the numbers of the frames whose rays were given."""
        rays = reference.published_rays(
            np.linalg.inv(self.path.poses), self.path.lenses, 64, 64, ratio=16 / 9
        )
        known = torch.nn.functional.pixel_unshuffle(rays[0].movedim(1, 0), 8).flatten(1)
        found = []
        for seen in self.calls:
            distances = torch.cdist(seen.flatten(1).double(), known)
            assert float(distances.amin(1).max()) < 1e-3 < float(known.std())
            found.append(distances.argmin(1).tolist())
        return found


def test_frames_keep_their_poses_in_windows(animated: ModelPatcher, control: ModelPatcher) -> None:
    path = camera.path(7)
    seen = Seen(control, path)
    model = apply_camera_control(animated, control, path)
    noise = repeat_noise(windowed.noise_of(7), 4, 1, 3)
    windowed.sample_noise(windowed.windowed(model), noise)
    assert seen.frames() == [[0, 1, 2, 3], [3, 4, 5, 6]] * 2


def test_one_window_is_encoded_once_a_run(animated: ModelPatcher, control: ModelPatcher) -> None:
    path = camera.path(4)
    seen = Seen(control, path)
    windowed.sample_noise(apply_camera_control(animated, control, path), windowed.noise_of(4))
    assert seen.frames() == [[0, 1, 2, 3]]


def test_views_of_one_window_are_the_plain_call(
    animated: ModelPatcher, control: ModelPatcher
) -> None:
    """The features go through the pixels' parts to where they belong."""
    model = steered(animated, control, strength=each_its_own)
    whole = sampled(model)
    one_view = windowed.windowed(model, schedule="views", on_equal_length=True)
    assert by_hand.relative(sampled(one_view), whole) < 1e-5
    seven = steered(animated, control, 7)
    views, windows = (
        sampled(windowed.windowed(seven, schedule=schedule), 7)
        for schedule in ("views", "standard_static")
    )
    plain = sampled(windowed.windowed(animated, schedule="views"), 7)
    assert torch.isfinite(views).all() and torch.isfinite(windows).all()
    assert all(by_hand.relative(a, b) > 1e-3 for a, b in zip(views, plain, strict=True))


def test_two_adapters_and_two_motion_models_stand_together(
    animated: ModelPatcher, control: ModelPatcher, tmp_path: Path
) -> None:
    one = steered(animated, control)
    two = apply_camera_control(one, camera.patcher(tmp_path, 9), camera.path(4, seed=8))
    doubled = apply_motion_model(animated, tiny.motion_patcher("v2", seed=5))
    both = steered(doubled, control)
    made = [sampled(model) for model in (one, two, doubled, both)]
    assert all(by_hand.relative(made[i], made[j]) > 1e-3 for i in range(4) for j in range(i))


def test_what_it_refuses(animated: ModelPatcher, control: ModelPatcher, base: ModelPatcher) -> None:
    with pytest.raises(ValueError, match="^camera.safetensors steers the camera of a motion model"):
        steered(base, control)
    sdxl = apply_motion_model(tiny.image_model("SDXL"), tiny.motion_patcher("SDXL beta"))
    with pytest.raises(ValueError, match="^camera.safetensors was made for a motion model with 4"):
        steered(sdxl, control)
    with pytest.raises(ValueError, match="^The camera's path has 4 frames, but the video has 5."):
        sampled(steered(animated, control), 5)
    with pytest.raises(ValueError, match="^17 frames exceed the 16 positions that camera"):
        sampled(steered(animated, control, 17), 17)
    with pytest.raises(ValueError, match="^The camera control's range runs from 0.5 to 0.5"):
        steered(animated, control, start_percent=0.5, end_percent=0.5)
    with pytest.raises(ValueError, match="strength"):
        steered(animated, control, strength=float("nan"))
    positive = windowed.with_entries(tiny.prompt(1), area=(8, 4, 0, 2), strength=1.0)
    with pytest.raises(ValueError, match=r"^The camera's path is of a video of \[8, 8\] latent"):
        windowed.sample_noise(steered(animated, control), windowed.noise_of(4), positive=positive)
