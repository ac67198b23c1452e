"""The reference against diffusers, another independent writing of the same network.

diffusers takes the motion norm across frames in every model, which is right for SDXL alone; for the
other rules the tests put their own GroupNorm into diffusers' modules.
"""

from __future__ import annotations

import pytest
import torch
from adk_tests.reference.live import live_noise, live_video, live_weights, relative_error
from adk_tests.reference.motion import motion_module, positional_table
from adk_tests.reference.unet import Rules, timestep_sinusoid, unet
from diffusers import UNetMotionModel
from diffusers.models.embeddings import SinusoidalPositionalEmbedding
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from torch import Tensor, nn

FP64 = 1e-13
FP32 = 5e-6
TOLERANCES = [
    pytest.param(torch.float64, FP64, id="float64"),
    pytest.param(torch.float32, FP32, id="float32"),
]
PARTS = (
    ("attn1", "attention_blocks.0"),
    ("attn2", "attention_blocks.1"),
    ("norm1", "norms.0"),
    ("norm2", "norms.1"),
    ("norm3", "ff_norm"),
)
PROMPT_WIDTH = 48


class RuleNorm(nn.GroupNorm):
    """A GroupNorm of `(b f) c h w` or `b c f h w` with the statistics of one rule."""

    def __init__(self, norm: nn.GroupNorm, rule: str, frames: int) -> None:
        super().__init__(norm.num_groups, norm.num_channels, norm.eps)
        self.weight, self.bias = norm.weight, norm.bias
        self.rule, self.frames = rule, frames

    def forward(self, x: Tensor) -> Tensor:
        video = x if x.ndim == 5 else x.unflatten(0, (-1, self.frames)).transpose(1, 2)
        if self.rule == "across_frames":
            y = super().forward(video)
        else:
            y = torch.stack([super(RuleNorm, self).forward(frame) for frame in video.unbind(2)], 2)
        return y if x.ndim == 5 else y.transpose(1, 2).flatten(0, 1)


def set_norm_rules(module: nn.Module, motion: str, resnet: str, frames: int) -> None:
    for child in list(module.modules()):
        if isinstance(child, AnimateDiffTransformer3D):
            child.norm = RuleNorm(child.norm, motion, frames)
        elif isinstance(child, ResnetBlock2D):
            child.norm1 = RuleNorm(child.norm1, resnet, frames)
            child.norm2 = RuleNorm(child.norm2, resnet, frames)
        elif isinstance(child, UNetMotionModel):
            child.conv_norm_out = RuleNorm(child.conv_norm_out, resnet, frames)


def enliven(module: nn.Module, seed: int, dtype: torch.dtype) -> dict[str, Tensor]:
    """Fill a module of diffusers with live weights and return them under the authors' names."""
    module.to(dtype).eval()
    weights = live_weights(module.named_parameters(), seed)
    module.load_state_dict(weights, strict=False)
    for child in module.modules():
        if isinstance(child, SinusoidalPositionalEmbedding):
            # diffusers rounds its table to float32, which would hide errors up to 1e-6.
            child.pe = positional_table(*child.pe.shape[1:])[None].to(dtype)
    return {authors_name(name): value.to(dtype) for name, value in weights.items()}


def authors_name(name: str) -> str:
    """`...motion_modules.0.transformer_blocks.0.attn1.to_q.weight` in the authors' grammar."""
    block, separator, tail = name.rpartition("motion_modules.")
    if not separator:
        return name
    index, tail = tail.split(".", 1)
    for diffusers_part, part in PARTS:
        tail = tail.replace(
            f"transformer_blocks.0.{diffusers_part}.", f"transformer_blocks.0.{part}."
        )
    return f"{block}motion_modules.{index}.temporal_transformer.{tail}"


def diffusers_module(channels: int) -> nn.Module:
    transformer = AnimateDiffTransformer3D(
        num_attention_heads=8,
        attention_head_dim=channels // 8,
        in_channels=channels,
        positional_embeddings="sinusoidal",
        num_positional_embeddings=32,
    )
    return nn.ModuleDict({"motion_modules": nn.ModuleList([transformer])})


@pytest.mark.parametrize("channels", [64, 320])
def test_positional_table_is_the_published_one(channels: int) -> None:
    published = SinusoidalPositionalEmbedding(channels, max_seq_length=32).pe[0]
    table = positional_table(32, channels)
    # float32 rounds angles of up to 31 radians by up to 1e-6.
    torch.testing.assert_close(table, published.double(), rtol=0, atol=3e-6)
    assert torch.equal(positional_table(24, channels), table[:24])


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("frames", [1, 2, 16, 24])
@pytest.mark.parametrize("rule", ["across_frames", "per_frame"])
@pytest.mark.parametrize("channels", [64, 320])
def test_motion_module_equals_diffusers(
    channels: int, rule: str, frames: int, dtype: torch.dtype, tolerance: float
) -> None:
    module = diffusers_module(channels)
    weights = enliven(module, channels + frames, dtype)
    if rule == "per_frame":
        set_norm_rules(module, motion=rule, resnet="per_frame", frames=frames)
    x = live_video(frames, 2, channels, frames, 5, 4).to(dtype)
    with torch.no_grad():
        folded = module["motion_modules"][0](x.transpose(1, 2).flatten(0, 1), num_frames=frames)
    truth = folded.unflatten(0, (2, frames)).transpose(1, 2)
    ours = motion_module(weights, "motion_modules.0", x, rule, positions=32)
    assert ours.dtype == dtype
    assert relative_error(ours - x, truth - x) <= tolerance


def test_norm_rules_agree_for_one_frame_alone() -> None:
    weights = enliven(diffusers_module(64), 0, torch.float64)

    def difference(frames: int) -> float:
        x = live_video(0, 2, 64, frames, 5, 4)
        one, other = (
            motion_module(weights, "motion_modules.0", x, rule, positions=32) - x
            for rule in ("per_frame", "across_frames")
        )
        return relative_error(one, other)

    assert difference(1) <= FP64
    assert difference(2) > 0.05


def test_more_frames_than_positions_raise() -> None:
    weights = enliven(diffusers_module(64), 0, torch.float64)
    x = live_video(0, 1, 64, 25, 2, 2)
    with pytest.raises(ValueError, match="^25 frames were given; the module knows 24 positions.$"):
        motion_module(weights, "motion_modules.0", x, "per_frame", positions=24)


SD15 = dict(block_out_channels=(32, 64, 128, 128), cross_attention_dim=PROMPT_WIDTH)
SDXL = dict(
    block_out_channels=(32, 64, 128),
    down_block_types=("DownBlockMotion", "CrossAttnDownBlockMotion", "CrossAttnDownBlockMotion"),
    up_block_types=("CrossAttnUpBlockMotion", "CrossAttnUpBlockMotion", "UpBlockMotion"),
    transformer_layers_per_block=(1, 2, 3),
    num_attention_heads=(1, 2, 4),
    cross_attention_dim=PROMPT_WIDTH,
    use_linear_projection=True,
    addition_embed_type="text_time",
    addition_time_embed_dim=16,
    projection_class_embeddings_input_dim=40 + 6 * 16,
)
MODELS = {
    "v1": (SD15, False, Rules("across_frames", "per_frame", 24)),
    "v2": (SD15, True, Rules("per_frame", "per_frame", 32)),
    "v3": (SD15, False, Rules("per_frame", "per_frame", 32)),
    "SDXL beta": (SDXL, False, Rules("per_frame", "across_frames", 32, num_head_channels=32)),
    "HotshotXL": (SDXL, False, Rules("across_frames", "per_frame", 24, num_head_channels=32)),
}


def pooled_and_sizes() -> tuple[dict[str, Tensor], Tensor]:
    """What diffusers wants of XL's added embeddings, and the same concatenated, `b e`."""
    pooled = live_noise(5, 2, 40)
    sizes = torch.tensor([[512, 640, 0, 8, 512, 512], [1024, 640, 16, 0, 1024, 512]])
    sinusoids = timestep_sinusoid(sizes.flatten(), 16).reshape(2, -1)
    return {"text_embeds": pooled, "time_ids": sizes}, torch.cat([pooled, sinusoids], dim=-1)


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("size", [(8, 8), (6, 10)], ids=["even", "odd"])
@pytest.mark.parametrize("name", MODELS)
def test_unet_equals_diffusers(
    name: str, size: tuple[int, int], dtype: torch.dtype, tolerance: float
) -> None:
    config, mid_block, rules = MODELS[name]
    frames = 4
    model = UNetMotionModel(
        **config, use_motion_mid_block=mid_block, motion_max_seq_length=rules.positions
    )
    weights = enliven(model, 1, dtype)
    if name != "SDXL beta":
        set_norm_rules(model, rules.motion_norm, rules.resnet_norm, frames)

    x = live_video(2, 2, 4, frames, *size).to(dtype)
    context = live_noise(3, 2, 7, PROMPT_WIDTH).to(dtype)
    timesteps = torch.tensor([801, 37])
    added, y = pooled_and_sizes() if config is SDXL else (None, None)
    with torch.no_grad():
        truth = model(
            x, timesteps, context.repeat_interleave(frames, 0), added_cond_kwargs=added
        ).sample
    ours = unet(weights, rules, x, timesteps, context, None if y is None else y.to(dtype))
    assert ours.dtype == dtype
    assert relative_error(ours, truth) <= tolerance
