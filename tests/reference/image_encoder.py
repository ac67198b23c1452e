"""AnimateLCM-I2V's image encoder by its formulas (G-U-N/AnimateLCM, adapter.py)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .layers import Weights, conv
from .motion import positional_table


def image_features(weights: Weights, latent: Tensor, frames: int, code: float) -> list[Tensor]:
    """The features of each level, `b c f h w`, for a picture's latent `b 4 h w`."""
    x = conv(weights, "img_encoder.conv_in", latent[:, :, None].expand(-1, -1, frames, -1, -1))
    table = positional_table(frames, x.shape[1]).to(x)
    x = x + code * table.T[None, :, :, None, None]
    features = []
    for k in range(8):
        name = f"img_encoder.body.{k}"
        if k in (2, 4, 6):
            x = means_of_four(x)
        if f"{name}.in_conv.weight" in weights:
            x = conv(weights, f"{name}.in_conv", x)
        x = x + conv(weights, f"{name}.block2", F.relu(conv(weights, f"{name}.block1", x)))
        if k % 2:
            features.append(x)
    return features


def means_of_four(x: Tensor) -> Tensor:
    """Half as high and wide, `x: b c f h w`; an odd last row or column stands for two."""
    rows = [min(i, x.shape[-2] - 1) for i in range(x.shape[-2] + x.shape[-2] % 2)]
    columns = [min(i, x.shape[-1] - 1) for i in range(x.shape[-1] + x.shape[-1] % 2)]
    x = x[..., rows, :][..., columns]
    pairs = x[..., 0::2, :] + x[..., 1::2, :]
    return torch.add(pairs[..., 0::2], pairs[..., 1::2]) / 4
