"""PIA in the UNet against the published arithmetic: a UNet whose first convolution takes 9
channels, of which four and the bias are the checkpoint's."""

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
from adk_tests.reference.live import relative_error
from adk_tests.support import by_hand, encoders, pia, spellings, tiny, windowed
from animatediff_kit.motion_models.adapters.pia.affinity import PRESETS, Affinity
from animatediff_kit.motion_models.adapters.pia.apply import apply_pia
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from comfy.model_patcher import ModelPatcher
from safetensors.torch import save_file
from torch import Tensor

RULES = unet.Rules("across_frames", "per_frame", positions=32)
LARGE = Affinity(PRESETS["large motion"], 2)


@pytest.fixture(scope="module")
def vae() -> Any:
    return encoders.vae()


@pytest.fixture
def motion(tmp_path: Path) -> ModelPatcher:
    return pia.patcher(tmp_path)


def test_apply_model_equals_the_reference(
    motion: ModelPatcher, vae: Any, base: ModelPatcher, record_property: Any
) -> None:
    model = apply_pia(base, motion, pia.picture(), vae, LARGE)
    file, spatial = pia.weights(), base.model.diffusion_model.state_dict()
    names = comfy.utils.unet_to_diffusers(base.model.model_config.unet_config)
    weights = {name: spatial[key] for name, key in names.items() if key in spatial}
    weights |= {key: weight for key, weight in file.items() if ".motion_modules." in key}
    first = weights["conv_in.weight"]
    weights["conv_in.weight"] = torch.cat([first, file["conv_in.weight"][:, 4:]], dim=1)

    class Pair:
        image = base

    inputs = make_inputs(Pair, torch.float32)
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
    coefficients = torch.tensor([0.7, 0.8, 1.0, 0.8, 0.7])  # large motion, 2 frames from the first
    mask = coefficients[None, None, :, None, None].expand(VIDEOS, 1, FRAMES, 8, 12)
    picture = latent[:, :, None].expand(VIDEOS, -1, FRAMES, -1, -1)
    scaled = inputs.x / (2.5**2 + 1) ** 0.5
    seen = torch.cat([scaled, mask, picture], dim=1)
    timesteps = model.model.model_sampling.timestep(sigma).float()
    noise = unet.unet(weights, RULES, seen, timesteps, inputs.context)
    error = relative_error(ours, inputs.x - 2.5 * noise)
    record_property("PIA, whole UNet", error)
    assert error <= FP32
    other = unet.unet(
        weights, RULES, torch.cat([scaled, mask * 0, picture], 1), timesteps, inputs.context
    )
    assert relative_error(other, noise) > 1000 * FP32


class Seen:
    """What PIA's convolution is given, call by call: (b f) 5 h w."""

    def __init__(self, motion: ModelPatcher) -> None:
        self.calls: list[Tensor] = []
        convolution: Any = motion.model.conv_in
        convolution.register_forward_pre_hook(lambda _, given: self.calls.append(given[0].clone()))

    def masks(self) -> list[list[float]]:
        """Per call the mask of each frame of one video; those of all are alike."""
        found = []
        for seen in self.calls:
            mask = seen[:, 0].flatten(1)
            assert torch.equal(mask.amin(1), mask.amax(1))
            rows = mask[:, 0].unflatten(0, (2, -1))
            assert torch.equal(rows[0], rows[1])
            found.append([round(value, 5) for value in rows[0].tolist()])
        return found


def sampled(model: ModelPatcher, frames: int, **more: Any) -> Tensor:
    conds = dict(positive=windowed.frame_prompts(11, frames))
    return windowed.sample_noise(model, windowed.noise_of(frames), **conds, **more)


def test_the_picture_is_encoded_once_a_run_at_the_videos_size(
    motion: ModelPatcher, vae: Any, base: ModelPatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[Tensor] = []
    encode = type(vae).encode

    def count(self: Any, pixels: Tensor) -> Tensor:
        encoded.append(encode(self, pixels))
        return encoded[-1]

    monkeypatch.setattr(type(vae), "encode", count)
    seen = Seen(motion)
    model = apply_pia(base, motion, pia.picture(), vae, LARGE)
    sampled(model, 4, steps=2)
    assert len(encoded) == 1 and len(seen.calls) == 2
    for call in seen.calls:
        assert torch.allclose(call[:, 1:], (encoded[0] * 0.18215).expand(8, -1, -1, -1), atol=1e-6)
    assert not [key for key in model.model_options["transformer_options"] if "picture" in key]


def test_picture_and_affinity_change_the_frames(
    motion: ModelPatcher, vae: Any, base: ModelPatcher
) -> None:
    made = [
        sampled(apply_pia(base, motion, pia.picture(seed), vae, affinity), 4)
        for seed, affinity in ((5, LARGE), (5, LARGE), (6, LARGE), (5, 0.2))
    ]
    assert by_hand.same(made[0], made[1])
    for other in made[2:]:
        assert all(by_hand.relative(a, b) > 1e-3 for a, b in zip(made[0], other, strict=True))
    off = apply_pia(base, motion, pia.picture(), vae, LARGE, MotionSettings(strength=0.0))
    assert by_hand.same(sampled(off, 4), sampled(base, 4))


@pytest.mark.parametrize("schedule", ["standard_static", "views"])
def test_frames_keep_their_affinity_in_windows(
    motion: ModelPatcher, vae: Any, base: ModelPatcher, schedule: str
) -> None:
    seen = Seen(motion)
    model = apply_pia(base, motion, pia.picture(), vae, LARGE)
    sampled(windowed.windowed(model, schedule=schedule), 7, steps=1)
    frames = [0.7, 0.8, 1.0, 0.8, 0.7, 0.7, 0.7]
    second = frames[3:] if schedule == "standard_static" else frames[4:]
    assert seen.masks() == [frames[:4], second]


def test_two_motion_models_and_a_picture_stand_in_one_unet(
    motion: ModelPatcher, vae: Any, base: ModelPatcher
) -> None:
    before = apply_motion_model(base, tiny.motion_patcher("v2"))
    both = apply_pia(before, motion, pia.picture(), vae, LARGE)
    frames = [
        sampled(model, 4)
        for model in (before, both, apply_pia(base, motion, pia.picture(), vae, LARGE))
    ]
    assert by_hand.relative(frames[1], frames[0]) > 0.01
    assert by_hand.relative(frames[1], frames[2]) > 0.01


def test_what_it_refuses(motion: ModelPatcher, vae: Any, base: ModelPatcher) -> None:
    two = torch.cat([pia.picture(5), pia.picture(6)])
    with pytest.raises(ValueError, match="^2 pictures are given, but the video begins from one."):
        apply_pia(base, motion, two, vae, LARGE)
    with pytest.raises(
        ValueError,
        match="^tiny_v3 is no model of PIA but of family v3. Connect it to Apply Motion Model.$",
    ):
        apply_pia(base, tiny.motion_patcher("v3"), pia.picture(), vae, LARGE)
    model = apply_pia(base, motion, pia.picture(), vae, Affinity(PRESETS["small loop"], 4))
    with pytest.raises(ValueError, match="^The picture's frame 4 lies outside the video"):
        sampled(model, 4)
    positive = windowed.with_entries(tiny.prompt(1), area=(8, 4, 0, 2), strength=1.0)
    model = apply_pia(base, motion, pia.picture(), vae, LARGE)
    with pytest.raises(ValueError, match=r"^PIA's picture is \[8, 8\] latent pixels in size, but"):
        windowed.sample_noise(model, windowed.noise_of(4), positive=positive)


def test_a_call_outside_of_a_run_is_told(
    motion: ModelPatcher, vae: Any, base: ModelPatcher
) -> None:
    model = apply_pia(base, motion, pia.picture(), vae, LARGE)
    x, t, text = torch.zeros(2, 4, 8, 8), torch.ones(2), torch.zeros(2, 7, tiny.CONTEXT)
    with loaded(model) as options, pytest.raises(ValueError, match="outside of a sampling run, so"):
        model.model.apply_model(x, t, c_crossattn=text, transformer_options=options)


def test_the_file_is_told_by_its_content(motion: ModelPatcher, tmp_path: Path) -> None:
    spec = motion_model(motion).spec
    assert (spec.family.name, spec.positions, spec.layout.mid_block) == ("PIA", 32, False)
    saved = motion.model.state_dict()["conv_in.weight"]
    assert torch.equal(saved, pia.weights()["conv_in.weight"][:, 4:])


@pytest.mark.parametrize(
    ("change", "family", "sentence"),
    [
        (
            {"conv_in.weight": torch.ones(31, 9, 3, 3)},
            "automatic",
            r"^bad.safetensors cannot be used as a motion model: its conv_in.weight has the shape "
            r"\[31, 9, 3, 3\] instead of \[32, 9, 3, 3\]: download it again.$",
        ),
        ({}, "v1", "it is a PIA model, which family v1 would not compute: choose automatic"),
        (
            {"down_blocks.0.motion_modules.0.temporal_transformer.gamma": torch.ones(3)},
            "automatic",
            "1 of its tensors belong to no motion module known here",
        ),
    ],
)
def test_bad_files(change: dict[str, Tensor], family: str, sentence: str, tmp_path: Path) -> None:
    save_file({**pia.weights(), **change}, str(tmp_path / "bad.safetensors"))
    with pytest.raises(ValueError, match=sentence):
        load_motion_model(str(tmp_path / "bad.safetensors"), family)


def test_a_dump_of_four_channels_is_a_plain_motion_model(tmp_path: Path) -> None:
    motion = spellings.with_tables(tiny.motion_weights("v3"), 32)
    save_file(spellings.unet_dump(motion), str(tmp_path / "dump.safetensors"))
    plain = load_motion_model(str(tmp_path / "dump.safetensors"))
    assert motion_model(plain).spec.family.name == "v3"
    assert "conv_in.weight" not in plain.model.state_dict()
