"""The pack inside ComfyUI's UNet against the reference, which knows neither.

One call holds two videos with different prompts (and, for the UNet alone, different timesteps):
what mixes frames of two videos, or takes a frame for a video, is far outside the tolerances.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import comfy.model_management
import comfy.ops
import comfy.utils
import pytest
import torch
from adk_tests.reference import motion, unet
from adk_tests.reference.live import live_noise, live_video, live_weights, relative_error
from adk_tests.support import tiny
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings, motion_placements
from animatediff_kit.motion_models.model import MotionModel
from animatediff_kit.motion_models.modules import MotionModule, PositionalEncoding
from animatediff_kit.motion_models.placements import placed
from comfy.model_patcher import ModelPatcher
from einops import rearrange, repeat
from torch import Tensor, nn

FP64 = 1e-12
FP32 = 5e-6
DTYPES = [
    pytest.param(torch.float64, FP64, id="float64"),
    pytest.param(torch.float32, FP32, id="float32"),
]

# Written here by hand from the authors' configurations, so that a slip in the pack's table shows.
RULES = {
    "v1": unet.Rules("across_frames", "per_frame", positions=24),
    "v2": unet.Rules("per_frame", "per_frame", positions=32),
    "v3": unet.Rules("per_frame", "per_frame", positions=32),
    "SDXL beta": unet.Rules("per_frame", "across_frames", positions=32),
    "HotshotXL": unet.Rules("across_frames", "per_frame", positions=24),
}
MODULES = {"v1": 20, "v2": 21, "v3": 20, "SDXL beta": 15, "HotshotXL": 15}
BASES = {"v1": "SD1.5", "v2": "SD1.5", "v3": "SD1.5", "SDXL beta": "SDXL", "HotshotXL": "SDXL"}
VIDEOS, FRAMES = 2, 5


Record = Callable[[str, object], None]
"""pytest's `record_property`: benchmarks/exactness.py prints what the tests measured."""


def exact_tables(module: nn.Module) -> None:
    """Give the position tables float64's precision; the authors' own have float32's, about 1e-6."""
    for child in module.modules():
        if isinstance(child, PositionalEncoding):
            child.pe = motion.positional_table(*child.pe.shape[1:])[None]


def fold(x: Tensor) -> Tensor:
    return rearrange(x, "b c f h w -> (b f) c h w")


def unfold(x: Tensor) -> Tensor:
    return rearrange(x, "(b f) c h w -> b c f h w", b=VIDEOS)


def per_frame(x: Tensor) -> Tensor:
    """b ... -> (b f) ..., a video's value for each of its frames."""
    return repeat(x, "b ... -> (b f) ...", f=FRAMES)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("frames", [1, 2, 16, 24])
@pytest.mark.parametrize("channels", [256, 320])
@pytest.mark.parametrize("rule", ["per_frame", "across_frames"])
def test_motion_module_equals_the_reference(
    rule: str,
    channels: int,
    frames: int,
    dtype: torch.dtype,
    tolerance: float,
    record_property: Record,
) -> None:
    module = MotionModule(channels, 24, rule, comfy.ops.manual_cast, dtype=dtype, device="cpu")
    weights = live_weights(module.named_parameters(), channels + frames)
    module.load_state_dict(weights)
    if dtype == torch.float64:
        exact_tables(module)
    x = live_video(frames, VIDEOS, channels, frames, 6, 5).to(dtype)
    named = {f"m.{name}": value.to(dtype) for name, value in weights.items()}
    truth = motion.motion_module(named, "m", x, rule, positions=24)
    with torch.no_grad():
        ours = unfold(module(fold(x), Call.alone(VIDEOS, frames)))
    assert ours.dtype == dtype
    error = relative_error(ours - x, truth - x)
    record_property(f"one motion module, {dtype}", error)
    assert error <= tolerance


def test_position_tables_have_the_published_values() -> None:
    for family, rules in RULES.items():
        model = tiny.motion_patcher(family).model
        for encoder in (m for m in model.modules() if isinstance(m, PositionalEncoding)):
            table = motion.positional_table(rules.positions, encoder.pe.shape[-1])[None]
            # float32 rounds angles of up to 31 radians by up to 1e-6.
            torch.testing.assert_close(encoder.pe.double(), table, rtol=0, atol=3e-6)


@dataclass(frozen=True)
class Pair:
    """A tiny image model and a tiny motion model, and what the reference needs of the two."""

    image: ModelPatcher
    motion: ModelPatcher
    weights: dict[str, Tensor]
    rules: unet.Rules


def make_pair(family: str, dtype: torch.dtype) -> Pair:
    image = tiny.image_model(BASES[family], dtype=dtype)
    patcher = tiny.motion_patcher(family)
    patcher.model.to(dtype)
    if dtype == torch.float64:
        exact_tables(patcher.model)
    config = image.model.model_config.unet_config
    spatial = image.model.diffusion_model.state_dict()
    temporal = patcher.model.state_dict()
    assert len(temporal) == 26 * MODULES[family]
    names = comfy.utils.unet_to_diffusers(config)
    weights = {name: spatial[key] for name, key in names.items() if key in spatial}
    assert {names[name] for name in weights} == set(spatial)
    heads = {key: config.get(key, -1) for key in ("num_heads", "num_head_channels")}
    return Pair(image, patcher, {**weights, **temporal}, replace(RULES[family], **heads))


@dataclass(frozen=True)
class Inputs:
    """Two videos with a prompt each.   x: b 4 f h w, context: b n d, y: b e or None"""

    x: Tensor
    context: Tensor
    y: Tensor | None

    def conditions(self) -> dict[str, Tensor]:
        """As ComfyUI passes them: expanded to every frame."""
        return {} if self.y is None else {"y": per_frame(self.y)}


def make_inputs(pair: Pair, dtype: torch.dtype) -> Inputs:
    added = pair.image.model.model_config.unet_config["adm_in_channels"]
    return Inputs(
        x=live_video(3, VIDEOS, 4, FRAMES, 8, 12).to(dtype),
        context=live_noise(5, VIDEOS, 7, tiny.CONTEXT).to(dtype),
        y=None if added is None else live_noise(6, VIDEOS, added).to(dtype),
    )


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("family", RULES)
def test_unet_equals_the_reference(
    family: str, dtype: torch.dtype, tolerance: float, record_property: Record
) -> None:
    pair = make_pair(family, dtype)
    inputs = make_inputs(pair, dtype)
    timesteps = torch.tensor([801.0, 37.0])
    network = pair.image.model.diffusion_model
    model = pair.motion.model
    assert isinstance(model, MotionModel)
    with (
        torch.no_grad(),
        placed(motion_placements("test", network, model, Call.alone(VIDEOS, FRAMES))),
    ):
        ours = unfold(
            network(
                fold(inputs.x),
                per_frame(timesteps),
                context=per_frame(inputs.context),
                transformer_options={},
                **inputs.conditions(),
            )
        )
    truth = unet.unet(pair.weights, pair.rules, inputs.x, timesteps, inputs.context, inputs.y)
    assert ours.dtype == dtype
    error = relative_error(ours, truth)
    record_property(f"whole UNet, {dtype}", error)
    assert error <= tolerance


@contextlib.contextmanager
def loaded(model: ModelPatcher) -> Iterator[dict[str, Any]]:
    """The model as ComfyUI's sampler has it while it runs; yields transformer_options."""
    comfy.model_management.load_models_gpu([model, *model.get_nested_additional_models()])
    model.pre_run()
    try:
        yield {**model.model_options["transformer_options"], "wrappers": model.wrappers}
    finally:
        model.cleanup()


@pytest.mark.parametrize("family", RULES)
def test_apply_model_equals_the_reference(family: str) -> None:
    pair = make_pair(family, torch.float32)
    inputs = make_inputs(pair, torch.float32)
    animated = apply_motion_model(pair.image, pair.motion, MotionSettings())
    sampling = animated.model.model_sampling
    sigma = torch.full((VIDEOS,), 2.5)
    with torch.no_grad(), loaded(animated) as options:
        options["cond_or_uncond"] = [1, 0]
        ours = unfold(
            animated.model.apply_model(
                fold(inputs.x),
                per_frame(sigma),
                c_crossattn=per_frame(inputs.context),
                transformer_options=options,
                **inputs.conditions(),
            )
        )
    # Karras et al. (2022), table 1, column VP: D(x) = x - s F(x / sqrt(s^2 + 1)).
    timesteps = sampling.timestep(sigma).float()
    scaled = inputs.x / (2.5**2 + 1) ** 0.5
    noise = unet.unet(pair.weights, pair.rules, scaled, timesteps, inputs.context, inputs.y)
    assert relative_error(ours, inputs.x - 2.5 * noise) <= FP32


@pytest.mark.parametrize("family", RULES)
def test_the_norm_rules_show_in_these_inputs(family: str) -> None:
    pair = make_pair(family, torch.float32)
    inputs = make_inputs(pair, torch.float32)
    other = {"per_frame": "across_frames", "across_frames": "per_frame"}

    def output(rules: unet.Rules) -> Tensor:
        timesteps = torch.tensor([801.0, 37.0])
        return unet.unet(pair.weights, rules, inputs.x, timesteps, inputs.context, inputs.y)

    truth = output(pair.rules)
    for rule in ("resnet_norm", "motion_norm"):
        wrong = output(replace(pair.rules, **{rule: other[getattr(pair.rules, rule)]}))
        assert relative_error(wrong, truth) > 1000 * FP32
