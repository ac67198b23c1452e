"""The judge that names colour, shape and motion of a clip (Q7).

A still picture of this world gives its motion away: what moves has a trail. So that the network
answers by what moves and not by the trail, it is also shown clips that contradict theirs: frozen
ones, which are "still"; reversed ones, which go the other way; and shuffled ones, "other".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ....small_world.draw import random_of, random_scene
from ....small_world.motions import FRAMES
from ....small_world.scene import Scene, draw
from ....small_world.shapes import Array
from ....small_world.words import COLOURS, MOTIONS, SHAPES
from .judge import Batch, Judge, JudgingNetwork
from .worn import worn

EVERY = 2
"""Of the frames, every second is looked at."""

OTHER = "other"
NAMES = {"colour": tuple(COLOURS), "shape": SHAPES, "motion": (*MOTIONS, OTHER)}
BACKWARDS = {"left": "right", "right": "left", "up": "down", "down": "up", "bounce": "bounce"}
"""What a motion is in reverse, where it is one of the world's."""

TRUE, FROZEN, REVERSED = 0.6, 0.15, 0.15
"""Shares of the clips in training; the rest are shuffled."""

LABELS = 101
"""The stream of these draws, which no training set shares."""


class Labelled(NamedTuple):
    """frames: every second of a clip, f h w 3; motion: what it shows, whatever its scene says"""

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


def batch_of(seed: int, step: int, size: int) -> Batch:
    drawn = [labelled(seed, step * size + i) for i in range(size)]
    random = random_of(LABELS, seed, step, size)
    frames = np.stack([worn(clip.frames, random) for clip in drawn])
    shown = {**truth([clip.scene for clip in drawn]), "motion": [clip.motion for clip in drawn]}
    right = {
        kind: torch.tensor([NAMES[kind].index(n) for n in names]) for kind, names in shown.items()
    }
    return torch.from_numpy(frames).movedim(-1, 2).float().contiguous(), right


JUDGE = Judge(
    NAMES,
    pictures=(24, 48),
    clips=((64, (1, 2, 2)), (96, (2, 2, 2)), (128, (2, 2, 2))),
    draw=batch_of,
    steps=3000,
    shares=(TRUE, FROZEN, REVERSED),
)


def for_network(clips: Sequence[Tensor]) -> Tensor:
    """each f h w 3 at full rate -> b f 3 h w"""
    return torch.stack([clip[::EVERY].movedim(-1, 1) for clip in clips]).float()


def named(network: JudgingNetwork, clips: Sequence[Tensor], size: int = 16) -> dict[str, list[str]]:
    """Colour, shape and motion of each clip, f h w 3."""
    found: dict[str, list[str]] = {kind: [] for kind in network.names}
    for start in range(0, len(clips), size):
        for kind, names in network.told(for_network(clips[start : start + size])).items():
            found[kind] += names
    return found


def truth(scenes: Sequence[Scene]) -> dict[str, list[str]]:
    return {kind: [getattr(scene, kind) for scene in scenes] for kind in NAMES}
