"""The layers that the spatial and the temporal half of the network share, by their formulas."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

Weights = Mapping[str, Tensor]

GROUPS = 32

# Axes of `b g c f h w` over which a group's mean and variance are taken.
STATISTICS_AXES = {"per_frame": (2, 4, 5), "across_frames": (2, 3, 4, 5)}


def linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Affine map of the last axis, `x: ... d`; without a stored bias it is linear."""
    y = torch.einsum("...i,oi->...o", x, weights[f"{name}.weight"])
    bias = weights.get(f"{name}.bias")
    return y if bias is None else y + bias


def conv(weights: Weights, name: str, x: Tensor, stride: int = 1) -> Tensor:
    """Convolution of every frame by itself, `x: b c f h w`, padded to keep the size at stride 1."""
    weight = weights[f"{name}.weight"]
    frames = rearrange(x, "b c f h w -> (b f) c h w")
    y = F.conv2d(frames, weight, weights[f"{name}.bias"], stride, padding=weight.shape[-1] // 2)
    return rearrange(y, "(b f) c h w -> b c f h w", b=x.shape[0])


def group_norm(weights: Weights, name: str, x: Tensor, eps: float, rule: str) -> Tensor:
    """Group normalisation of `x: b c f h w` in 32 groups (Wu and He, 2018, equations 1, 2 and 7).

    `rule` is "per_frame" (statistics over the group's channels, h and w) or "across_frames"
    (over f as well, never over b).
    """
    grouped = rearrange(x, "b (g c) f h w -> b g c f h w", g=GROUPS)
    axes = STATISTICS_AXES[rule]
    centred = grouped - grouped.mean(axes, keepdim=True)
    variance = centred.square().mean(axes, keepdim=True)
    normal = rearrange(centred / torch.sqrt(variance + eps), "b g c f h w -> b (g c) f h w")
    scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return normal * scale[:, None, None, None] + shift[:, None, None, None]


def layer_norm(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Layer normalisation of the last axis with eps 1e-5, `x: ... d` (Ba et al., 2016)."""
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    normal = centred / torch.sqrt(variance + 1e-5)
    return normal * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def attention(weights: Weights, name: str, x: Tensor, source: Tensor, heads: int) -> Tensor:
    """Multi-head attention of `x` to `source` (Vaswani et al., 2017, section 3.2).

    `x: b n d`, `source: b m e`; the scale is the inverse square root of a head's width.
    """
    query, key, value = (
        rearrange(linear(weights, f"{name}.{part}", tokens), "b n (k d) -> b k n d", k=heads)
        for part, tokens in (("to_q", x), ("to_k", source), ("to_v", source))
    )
    scores = torch.einsum("bknd,bkmd->bknm", query, key) / math.sqrt(query.shape[-1])
    mixed = torch.einsum("bknm,bkmd->bknd", scores.softmax(-1), value)
    return linear(weights, f"{name}.to_out.0", rearrange(mixed, "b k n d -> b n (k d)"))


def feed_forward(weights: Weights, name: str, x: Tensor) -> Tensor:
    """GEGLU feed-forward, `x: ... d` (Shazeer, 2020, equation 6), with the exact GELU."""
    value, gate = linear(weights, f"{name}.net.0.proj", x).chunk(2, dim=-1)
    gelu = 0.5 * gate * (1 + torch.erf(gate / math.sqrt(2)))
    return linear(weights, f"{name}.net.2", value * gelu)
