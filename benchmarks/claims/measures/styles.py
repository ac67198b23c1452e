"""The judge that tells in which of the world's styles a picture is drawn: the similarity to a
personalised model's domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ....small_world.draw import picture, random_of
from ....small_world.styles import STYLES
from .judge import Batch, Judge, JudgingNetwork
from .labels import LABELS
from .worn import worn

KIND = "style"
NAMES = tuple(STYLES)


def batch_of(seed: int, step: int, size: int) -> Batch:
    """Clips of one frame."""
    random = random_of(LABELS, seed, step, size)
    styles = random.integers(0, len(NAMES), size)
    drawn = [
        worn(picture(seed, step * size + i, NAMES[style])[1][None], random)
        for i, style in enumerate(styles)
    ]
    return torch.from_numpy(np.stack(drawn)).movedim(-1, 2).contiguous(), {
        KIND: torch.from_numpy(styles)
    }


JUDGE = Judge({KIND: NAMES}, pictures=(16, 32, 64, 64), clips=(), draw=batch_of, steps=1000)


def share_of_style(network: JudgingNetwork, clips: Sequence[Tensor], style: str) -> np.ndarray:
    """Of the frames of each clip, how many are of the style.   each f h w 3 -> n"""
    found = [network.told(clip.movedim(-1, 1)[:, None].float())[KIND] for clip in clips]
    return np.array([np.mean([name == style for name in names]) for names in found])
