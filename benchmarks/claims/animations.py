"""The animations of docs/proof.md: clips side by side as one WebP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from .findings import Picture

LARGER, GAP = 2, 4
MILLISECONDS = 125
"""Of a frame: 8 frames a second, as AnimateDiff shows its clips."""


def animation(path: Path, rows: Sequence[Sequence[Tensor]], shows: str) -> Picture:
    """Clips of one size and length, each pixel as a square.   each f h w 3 in 0..1"""
    path.parent.mkdir(parents=True, exist_ok=True)
    larger = grid(rows).repeat_interleave(LARGER, 1).repeat_interleave(LARGER, 2)
    pictures = [Image.fromarray((frame.numpy() * 255).round().astype(np.uint8)) for frame in larger]
    rest = {"append_images": pictures[1:], "duration": MILLISECONDS, "loop": 0}
    pictures[0].save(path, save_all=True, quality=85, method=4, **rest)
    return Picture(path.name, shows)


def grid(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """White between them.   each f h w 3 -> f H W 3"""
    white = (0, 0, 0, GAP, 0, GAP)
    spaced = [[functional.pad(clip, white, value=1.0) for clip in row] for row in rows]
    return torch.cat([torch.cat(row, 2) for row in spaced], 1)[:, :-GAP, :-GAP]
