"""The animations of docs/proof.md: clips side by side as one WebP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

LARGER, GAP = 2, 4
MILLISECONDS = 125
"""Of a frame: 8 frames a second, as AnimateDiff shows its clips."""


def grid(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """Clips of one size and length, white between them.   each f h w 3 -> f H W 3"""
    return stacked([stacked(list(row), 2) for row in rows], 1)


def stacked(clips: Sequence[Tensor], axis: int) -> Tensor:
    parts: list[Tensor] = []
    for clip in clips:
        if parts:
            shape = list(clip.shape)
            shape[axis] = GAP
            parts.append(torch.ones(shape))
        parts.append(clip)
    return torch.cat(parts, axis)


def save_animation(path: Path, frames: Tensor) -> None:
    """Each pixel as a square.   frames: f h w 3 in 0..1"""
    path.parent.mkdir(parents=True, exist_ok=True)
    larger = frames.repeat_interleave(LARGER, 1).repeat_interleave(LARGER, 2)
    pictures = [Image.fromarray((frame.numpy() * 255).round().astype(np.uint8)) for frame in larger]
    pictures[0].save(
        path,
        save_all=True,
        append_images=pictures[1:],
        duration=MILLISECONDS,
        loop=0,
        quality=85,
        method=4,
    )
