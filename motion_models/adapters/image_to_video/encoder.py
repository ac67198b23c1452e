"""AnimateLCM-I2V's image encoder (adapter.py of G-U-N/AnimateLCM).

    convolution of the picture's latent, + a code of the frame's place
    -> for each level: [halved, but for the first level] -> 2 residual blocks -> a feature map

The same latent goes in for each frame; the code alone tells frames apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...modules import sinusoidal_positions

BLOCKS = 2
"""Of a level."""


class ResidualBlock(nn.Module):
    """x: n c h w -> n c' h' w'; where it halves, h and w are half as large"""

    def __init__(self, before: int, c: int, halves: bool, ops: Any, **factory: Any) -> None:
        super().__init__()
        self.halves = halves
        self.in_conv = ops.Conv2d(before, c, 1, **factory) if before != c else None
        self.block1 = ops.Conv2d(c, c, 3, padding=1, **factory)
        self.block2 = ops.Conv2d(c, c, 1, **factory)

    def forward(self, x: Tensor) -> Tensor:
        x = halved(x) if self.halves else x
        x = x if self.in_conv is None else self.in_conv(x)
        return self.block2(functional.relu(self.block1(x))) + x


def halved(x: Tensor) -> Tensor:
    """Means of 2 by 2; an odd edge counts twice.   n c h w -> n c ceil(h/2) ceil(w/2)"""
    height, width = x.shape[-2:]
    return functional.avg_pool2d(
        functional.pad(x, (0, width % 2, 0, height % 2), mode="replicate"), 2
    )


class ImageEncoder(nn.Module):
    """A latent -> the features of each level, for so many places of a window."""

    def __init__(self, widths: Sequence[int], ops: Any, **factory: Any) -> None:
        super().__init__()
        self.conv_in = ops.Conv2d(4, widths[0], 3, padding=1, **factory)
        levels = zip((widths[0], *widths), widths, strict=False)
        self.body = nn.ModuleList(
            ResidualBlock(before if j == 0 else c, c, i > 0 and j == 0, ops, **factory)
            for i, (before, c) in enumerate(levels)
            for j in range(BLOCKS)
        )

    def forward(self, latent: Tensor, places: int, code: float) -> list[Tensor]:
        """latent: 1 4 h w; places: f; code: weight of the frames' code -> f c h w for each level"""
        x = self.conv_in(latent)
        codes = sinusoidal_positions(places, x.shape[1]).to(x)[0, :, :, None, None]
        x = x + code * codes
        features = []
        for i, block in enumerate(self.body):
            x = block(x)
            if i % BLOCKS == BLOCKS - 1:
                features.append(x)
        return features


def encoder_shapes(widths: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Every tensor of an encoder, by the authors' names."""
    empty = ImageEncoder(widths, nn, device=torch.device("meta"))
    return {f"img_encoder.{key}": tuple(w.shape) for key, w in empty.state_dict().items()}
