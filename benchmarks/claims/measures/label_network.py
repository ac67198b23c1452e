"""A 3-D network that names colour, shape and motion of a clip (Q7).

A still picture of this world gives its motion away: what moves has a trail. So that the network
answers by what moves and not by the trail, it is also shown clips that contradict theirs: frozen
ones, which are "still"; reversed ones, which go the other way; and shuffled ones, "other".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ....small_world.draw import random_of, random_scene
from ....small_world.motions import FRAMES
from ....small_world.scene import Scene, draw
from ....small_world.shapes import Array
from ....small_world.words import COLOURS, MOTIONS, SHAPES
from .classifier import Batch, Classifier, Recipe, block, network_file, train
from .worn import worn

EVERY = 2
"""Of the frames, every second is looked at."""

OTHER = "other"
NAMES = {
    "colour": tuple(COLOURS),
    "shape": SHAPES,
    "motion": (*MOTIONS, OTHER),
}
BACKWARDS = {"left": "right", "right": "left", "up": "down", "down": "up", "bounce": "bounce"}
"""What a motion is in reverse, where it is one of the world's."""

TRUE, FROZEN, REVERSED = 0.6, 0.15, 0.15
"""Shares of the clips in training; the rest are shuffled."""

LABELS = 101
"""The stream of these draws, which no training set shares."""

RECIPE = Recipe(steps=3000)


@dataclass(frozen=True)
class Labelled:
    """frames: every second of a clip, f h w 3"""

    frames: Array
    scene: Scene
    motion: str


def labelled(seed: int, number: int) -> Labelled:
    """A drawn clip of any combination, and perhaps contradicted."""
    random = random_of(LABELS, seed, number)
    scene = random_scene(random, held=bool(random.uniform() < 0.125))
    frames = draw(scene, np.arange(0, FRAMES, EVERY, dtype=np.float32))
    kind = random.uniform()
    if scene.motion == "still" or kind < TRUE:
        return Labelled(frames, scene, scene.motion)
    if kind < TRUE + FROZEN:
        one = frames[random.integers(len(frames))]
        return Labelled(np.broadcast_to(one, frames.shape), scene, "still")
    if kind < TRUE + FROZEN + REVERSED:
        return Labelled(frames[::-1], scene, BACKWARDS.get(scene.motion, OTHER))
    return Labelled(frames[random.permutation(len(frames))], scene, OTHER)


def label_network() -> Classifier:
    """b f 3 h w -> names"""
    torch.manual_seed(0)
    return Classifier(LabelBody(), 128, NAMES)


class LabelBody(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pictures = nn.Sequential(block(2, 3, 24, 2), block(2, 24, 48, 2))
        self.clips = nn.Sequential(
            block(3, 48, 64, (1, 2, 2)), block(3, 64, 96, 2), block(3, 96, 128, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """b f 3 h w -> b c"""
        maps = self.pictures(x.flatten(0, 1) * 2 - 1).unflatten(0, x.shape[:2])
        return self.clips(maps.transpose(1, 2)).amax(dim=(2, 3, 4))


def for_network(clips: Sequence[Tensor]) -> Tensor:
    """each f h w 3 at full rate -> b f 3 h w"""
    return torch.stack([clip[::EVERY].movedim(-1, 1) for clip in clips]).float()


def batch_of(seed: int, step: int, size: int) -> Batch:
    drawn = [labelled(seed, step * size + i) for i in range(size)]
    random = random_of(LABELS, seed, step, size)
    frames = [worn(clip.frames, random) for clip in drawn]
    right = {
        "colour": [NAMES["colour"].index(clip.scene.colour) for clip in drawn],
        "shape": [NAMES["shape"].index(clip.scene.shape) for clip in drawn],
        "motion": [NAMES["motion"].index(clip.motion) for clip in drawn],
    }
    pictures = torch.from_numpy(np.stack(frames)).movedim(-1, 2).float().contiguous()
    return pictures, {kind: torch.tensor(numbers) for kind, numbers in right.items()}


def trained_labels(folder: Path, seed: int, recipe: Recipe = RECIPE) -> Classifier:
    """The network, trained on drawn clips of this seed; kept in the folder."""
    network = label_network()
    path = network_file(folder, network, recipe, seed, (TRUE, FROZEN, REVERSED))
    return train(network, lambda step, size: batch_of(seed, step, size), recipe, path)


def named(network: Classifier, clips: Sequence[Tensor], size: int = 16) -> dict[str, list[str]]:
    """Colour, shape and motion of each clip, f h w 3."""
    found: dict[str, list[str]] = {kind: [] for kind in network.names}
    for start in range(0, len(clips), size):
        for kind, names in network.told(for_network(clips[start : start + size])).items():
            found[kind] += names
    return found


def truth(scenes: Sequence[Scene]) -> dict[str, list[str]]:
    return {
        "colour": [scene.colour for scene in scenes],
        "shape": [scene.shape for scene in scenes],
        "motion": [scene.motion for scene in scenes],
    }
