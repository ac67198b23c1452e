"""A network that tells in which of the world's styles a picture is drawn: the similarity to a
personalised model's domain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ....small_world.draw import picture, random_of
from ....small_world.styles import STYLES
from .classifier import Batch, Classifier, Recipe, block, network_file, train
from .label_network import LABELS
from .worn import worn

KIND = "style"
NAMES = {KIND: tuple(STYLES)}
RECIPE = Recipe(steps=1000)


class StyleBody(nn.Module):
    """b 3 h w -> b c"""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            block(2, 3, 16, 2), block(2, 16, 32, 2), block(2, 32, 64, 2), block(2, 64, 64, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x * 2 - 1).amax(dim=(2, 3))


def style_network() -> Classifier:
    torch.manual_seed(0)
    return Classifier(StyleBody(), 64, NAMES)


def batch_of(seed: int, step: int, size: int) -> Batch:
    random = random_of(LABELS, seed, step, size)
    styles = random.integers(0, len(NAMES[KIND]), size)
    drawn = [
        worn(picture(seed, step * size + i, NAMES[KIND][style])[1][None], random)
        for i, style in enumerate(styles)
    ]
    pictures = torch.from_numpy(np.concatenate(drawn)).movedim(-1, 1).contiguous()
    return pictures, {KIND: torch.from_numpy(styles)}


def trained_styles(folder: Path, seed: int, recipe: Recipe = RECIPE) -> Classifier:
    """The network, trained on drawn pictures of this seed; kept in the folder."""
    network = style_network()
    path = network_file(folder, network, recipe, seed)
    return train(network, lambda step, size: batch_of(seed, step, size), recipe, path)


def share_of_style(network: Classifier, clips: Sequence[Tensor], style: str) -> np.ndarray:
    """Of the frames of each clip, how many are of the style.   each f h w 3 -> n"""
    found = [network.told(clip.movedim(-1, 1).float())[KIND] for clip in clips]
    return np.array([np.mean([name == style for name in names]) for names in found])
