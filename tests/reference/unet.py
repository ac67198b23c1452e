"""The whole UNet, Stable Diffusion's blocks with motion modules between them.

Spatial weights go by the names of diffusers' `UNet2DConditionModel`, motion weights by the authors'
(`down_blocks.0.motion_modules.0.temporal_transformer.*`). Which levels, layers, transformers,
samplers and motion modules exist is read from the names, so one function serves Stable Diffusion
1.5 and XL at any width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor

from .layers import Weights, attention, conv, feed_forward, group_norm, layer_norm, linear
from .motion import motion_module


@dataclass(frozen=True)
class Rules:
    """What the names of the weights do not tell.

    `resnet_norm` is for the ResBlocks' two norms and `conv_norm_out`; the spatial transformers'
    norm is per frame in every model. `num_head_channels` -1 means `num_heads` heads at every width.
    """

    resnet_norm: str
    motion_norm: str
    positions: int
    num_heads: int = 8
    num_head_channels: int = -1
    motion_heads: int = 8

    def heads(self, width: int) -> int:
        """Heads of a spatial attention over `width` channels."""
        if self.num_head_channels == -1:
            return self.num_heads
        return width // self.num_head_channels


def timestep_sinusoid(timesteps: Tensor, width: int) -> Tensor:
    """Cosines, then sines, of the timestep, (b,) -> (b, width) in float32 (Ho et al., 2020).

    Every published model was trained on the float32 value, so it is float32 here as well.
    """
    half = width // 2
    frequency = torch.exp(-math.log(10000.0) * torch.arange(half, dtype=torch.float32) / half)
    angle = timesteps.float()[:, None] * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


def embedding(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Linear, SiLU, linear on a vector, `x: b d`."""
    return linear(weights, f"{name}.linear_2", F.silu(linear(weights, f"{name}.linear_1", x)))


def res_block(weights: Weights, name: str, x: Tensor, emb: Tensor, norm: str) -> Tensor:
    """Residual block, `x: b c f h w`, `emb: b d`; one timestep for all frames of a video."""
    y = F.silu(group_norm(weights, f"{name}.norm1", x, eps=1e-5, rule=norm))
    y = conv(weights, f"{name}.conv1", y)
    y = y + linear(weights, f"{name}.time_emb_proj", F.silu(emb))[:, :, None, None, None]
    y = F.silu(group_norm(weights, f"{name}.norm2", y, eps=1e-5, rule=norm))
    y = conv(weights, f"{name}.conv2", y)
    if f"{name}.conv_shortcut.weight" in weights:
        x = conv(weights, f"{name}.conv_shortcut", x)
    return x + y


def spatial_transformer(
    weights: Weights, name: str, x: Tensor, context: Tensor, heads: int
) -> Tensor:
    """Self-attention within each frame and cross-attention to the video's prompt.

    `x: b c f h w`, `context: b n d`.
    """
    b, _, f, h, w = x.shape
    prompt = repeat(context, "b n d -> (b f) n d", f=f)
    y = group_norm(weights, f"{name}.norm", x, eps=1e-6, rule="per_frame")
    y = rearrange(y, "b c f h w -> (b f) (h w) c")
    y = pointwise(weights, f"{name}.proj_in", y)
    for block in children(weights, f"{name}.transformer_blocks"):
        z = layer_norm(weights, f"{block}.norm1", y)
        y = y + attention(weights, f"{block}.attn1", z, z, heads)
        z = layer_norm(weights, f"{block}.norm2", y)
        y = y + attention(weights, f"{block}.attn2", z, prompt, heads)
        y = y + feed_forward(weights, f"{block}.ff", layer_norm(weights, f"{block}.norm3", y))
    y = pointwise(weights, f"{name}.proj_out", y)
    return x + rearrange(y, "(b f) (h w) c -> b c f h w", b=b, f=f, h=h, w=w)


def pointwise(weights: Weights, name: str, y: Tensor) -> Tensor:
    """A token-wise projection, stored as a 1x1 convolution (1.5) or as a linear layer (XL)."""
    matrix = weights[f"{name}.weight"].flatten(1)
    return linear({"p.weight": matrix, "p.bias": weights[f"{name}.bias"]}, "p", y)


def children(weights: Weights, name: str) -> list[str]:
    """`name.0`, `name.1`, ... as far as weights exist below them."""
    found = {key[len(name) + 1 :].split(".")[0] for key in weights if key.startswith(f"{name}.")}
    return [f"{name}.{i}" for i in range(len(found))]


def layer(
    weights: Weights,
    rules: Rules,
    block: str,
    j: int,
    x: Tensor,
    emb: Tensor,
    context: Tensor,
    feature: Tensor | None = None,
) -> Tensor:
    """Layer `j` of a down or up block: ResBlock, spatial transformer if any, motion module.

    `feature: b c f h w` is added before the motion module (AnimateLCM-I2V).
    """
    x = res_block(weights, f"{block}.resnets.{j}", x, emb, rules.resnet_norm)
    x = attend(weights, rules, f"{block}.attentions.{j}", x, context)
    x = x if feature is None else x + feature
    return move(weights, rules, f"{block}.motion_modules.{j}", x)


def attend(weights: Weights, rules: Rules, name: str, x: Tensor, context: Tensor) -> Tensor:
    """The spatial transformer `name` if it exists."""
    if f"{name}.norm.weight" not in weights:
        return x
    return spatial_transformer(weights, name, x, context, rules.heads(x.shape[1]))


def move(weights: Weights, rules: Rules, name: str, x: Tensor) -> Tensor:
    """The motion module `name` if it exists."""
    if f"{name}.temporal_transformer.norm.weight" not in weights:
        return x
    return motion_module(weights, name, x, rules.motion_norm, rules.positions, rules.motion_heads)


def middle(weights: Weights, rules: Rules, x: Tensor, emb: Tensor, context: Tensor) -> Tensor:
    """Middle block: ResBlock, spatial transformer, motion module (v2 alone), ResBlock."""
    x = res_block(weights, "mid_block.resnets.0", x, emb, rules.resnet_norm)
    x = attend(weights, rules, "mid_block.attentions.0", x, context)
    x = move(weights, rules, "mid_block.motion_modules.0", x)
    return res_block(weights, "mid_block.resnets.1", x, emb, rules.resnet_norm)


def unet(
    weights: Weights,
    rules: Rules,
    x: Tensor,
    timesteps: Tensor,
    context: Tensor,
    y: Tensor | None = None,
    features: Sequence[Tensor] = (),
) -> Tensor:
    """Prediction for noisy videos, `x: b c f h w` -> `b c f h w` in the dtype of `x`.

    `timesteps: b` on the model's scale (0 to 999), `context: b n d` the prompts' tokens, `y: b e`
    XL's pooled text and size embeddings, already concatenated; `features` what is added in the
    second layer of each level.
    """
    width = weights["conv_in.weight"].shape[0]
    emb = embedding(weights, "time_embedding", timestep_sinusoid(timesteps, width).to(x))
    if y is not None:
        emb = emb + embedding(weights, "add_embedding", y)

    x = conv(weights, "conv_in", x)
    skips = [x]
    for i, block in enumerate(children(weights, "down_blocks")):
        for j in range(len(children(weights, f"{block}.resnets"))):
            feature = features[i] if features and j == 1 else None
            x = layer(weights, rules, block, j, x, emb, context, feature)
            skips.append(x)
        if f"{block}.downsamplers.0.conv.weight" in weights:
            x = conv(weights, f"{block}.downsamplers.0.conv", x, stride=2)
            skips.append(x)

    x = middle(weights, rules, x, emb, context)

    for block in children(weights, "up_blocks"):
        for j in range(len(children(weights, f"{block}.resnets"))):
            x = torch.cat([x, skips.pop()], dim=1)
            x = layer(weights, rules, block, j, x, emb, context)
        if f"{block}.upsamplers.0.conv.weight" in weights:
            x = F.interpolate(x, size=(x.shape[2], *skips[-1].shape[-2:]), mode="nearest")
            x = conv(weights, f"{block}.upsamplers.0.conv", x)

    x = F.silu(group_norm(weights, "conv_norm_out", x, eps=1e-5, rule=rules.resnet_norm))
    return conv(weights, "conv_out", x)
