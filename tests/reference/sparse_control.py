"""SparseCtrl's encoder in five dimensions (Guo et al., arXiv:2311.16933, section 3.2).

Weights go by the names of the authors' files. Whether the hint is a latent (rgb) or a picture
(scribble) is read from the names.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .layers import Weights, conv
from .unet import Rules, children, embedding, layer, middle, timestep_sinusoid

RULES = Rules("per_frame", "per_frame", positions=32)
HINT = "controlnet_cond_embedding"


def hint_features(weights: Weights, hint: Tensor) -> Tensor:
    """One convolution for latents; for pictures a stack that makes them 8 times smaller."""
    if f"{HINT}.weight" in weights:
        return conv(weights, HINT, hint)
    y = F.silu(conv(weights, f"{HINT}.conv_in", hint))
    for i, block in enumerate(children(weights, f"{HINT}.blocks")):
        y = F.silu(conv(weights, block, y, stride=1 + i % 2))
    return conv(weights, f"{HINT}.conv_out", y)


def sparse_control(
    weights: Weights, hint: Tensor, mask: Tensor, timesteps: Tensor, context: Tensor
) -> list[Tensor]:
    """Features to add to the UNet's skip connections, first to last, and to its middle.

    `hint: b c f h w`, zero in frames without one; `mask: b 1 f h w`, one in frames with one;
    `timesteps: b`; `context: b n d`.
    """
    width = weights["conv_in.weight"].shape[0]
    emb = embedding(weights, "time_embedding", timestep_sinusoid(timesteps, width).to(hint))
    y = hint_features(weights, torch.cat([hint, mask], dim=1))
    # the convolution of a noisy latent that is all zeros
    x = y + weights["conv_in.bias"][:, None, None, None]
    features = [x]
    for block in children(weights, "down_blocks"):
        for j in range(len(children(weights, f"{block}.resnets"))):
            x = layer(weights, RULES, block, j, x, emb, context)
            features.append(x)
        if f"{block}.downsamplers.0.conv.weight" in weights:
            x = conv(weights, f"{block}.downsamplers.0.conv", x, stride=2)
            features.append(x)
    x = middle(weights, RULES, x, emb, context)
    handed = [conv(weights, f"controlnet_down_blocks.{i}", y) for i, y in enumerate(features)]
    return [*handed, conv(weights, "controlnet_mid_block", x)]
