"""One motion module: temporal self-attention over the frames of every latent pixel.

After Guo et al., "AnimateDiff", ICLR 2024, section 4.2 (equation 4 and the paragraphs around it),
with weights under the authors' names below `temporal_transformer.`.
"""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor

from .layers import Weights, attention, feed_forward, group_norm, layer_norm, linear


def positional_table(length: int, width: int) -> Tensor:
    """Sinusoidal table of frame positions, (length, width) in float64 (Vaswani et al., 3.5)."""
    frame = torch.arange(length, dtype=torch.float64)[:, None]
    pair = torch.arange(0, width, 2, dtype=torch.float64)
    angle = frame * torch.exp(-math.log(10000.0) * pair / width)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def motion_module(
    weights: Weights, name: str, x: Tensor, norm: str, positions: int, heads: int = 8
) -> Tensor:
    """A motion module with its residual, `x: b c f h w` -> `b c f h w` in the dtype of `x`.

    `weights` holds `{name}.temporal_transformer.*`; `norm` is "per_frame" or "across_frames" (the
    group norm's statistics); `positions` is the number of frames that the module knows.
    Raises ValueError when there are more frames than positions.
    """
    b, c, f, h, w = x.shape
    if f > positions:
        raise ValueError(f"{f} frames were given; the module knows {positions} positions.")
    root = f"{name}.temporal_transformer"
    table = positional_table(positions, c)[:f].to(x)

    y = group_norm(weights, f"{root}.norm", x, eps=1e-6, rule=norm)
    y = rearrange(y, "b c f h w -> (b h w) f c")
    y = linear(weights, f"{root}.proj_in", y)
    y = temporal_block(weights, f"{root}.transformer_blocks.0", y, table, heads)
    y = linear(weights, f"{root}.proj_out", y)
    return x + rearrange(y, "(b h w) f c -> b c f h w", b=b, h=h, w=w)


def temporal_block(weights: Weights, name: str, y: Tensor, table: Tensor, heads: int) -> Tensor:
    """Self-attentions over f (two, SparseCtrl has one) and a feed-forward, each on a normed copy;
    `y: (b h w) f c`."""
    for i in range(sum(f"{name}.norms.{i}.weight" in weights for i in range(2))):
        # The position joins the normed input, so it is in the query, key and value, and never in
        # the residual stream.
        z = layer_norm(weights, f"{name}.norms.{i}", y) + table
        z = with_pose(weights, f"{name}.attention_blocks.{i}.processor", z)
        y = y + attention(weights, f"{name}.attention_blocks.{i}", z, z, heads)
    return y + feed_forward(weights, f"{name}.ff", layer_norm(weights, f"{name}.ff_norm", y))


def with_pose(weights: Weights, name: str, z: Tensor) -> Tensor:
    """What an attention sees of a camera's pose, `z: (b h w) f c`: CameraCtrl's equation
    `scale * qkv_merge(z + pose) + z` (PoseAdaptorAttnProcessor), where its layer is among the
    weights; the poses' features are beside it, as `{name}.pose`."""
    if f"{name}.qkv_merge.weight" not in weights:
        return z
    scale = weights.get(f"{name}.scale", 1.0)
    return linear(weights, f"{name}.qkv_merge", z + weights[f"{name}.pose"]) * scale + z
