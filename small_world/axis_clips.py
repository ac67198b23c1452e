"""Clips over which the camera moves along one axis or two, by signed amounts that are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..training.data.camera_axes import AXES
from ..training.data.clips import ClipSet
from .draw import clip_frames, random_of, random_scene
from .motions import FRAMES, SIDE
from .scene import Scene
from .world_clips import DRAWING

AXES_SEED = 4
"""A stream of draws that shares nothing with those of draw.py."""

ALONE = 0.4
"""Of the clips: how many move along one axis; the others move along two."""


class AxisClips(ClipSet):
    """`count` clips of still things on checkered grounds, the same for the same seed.

    most: the amounts are drawn evenly from -most to most, 1 being a reference clip's of the camera.
    """

    def __init__(self, count: int, seed: int = 0, most: float = 1.0) -> None:
        self.count, self.seed, self.most = count, seed, most

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"axes {index}"

    def amounts(self, index: int) -> tuple[float, ...]:
        """Of each axis, in the order of AXES; 1 is what a file's strength of 1 is to show."""
        random = self._random(index)
        chosen = random.permutation(len(AXES))[: 1 if random.uniform() < ALONE else 2]
        found = np.zeros(len(AXES))
        found[chosen] = random.uniform(-1, 1, len(chosen))
        return tuple(found.tolist())

    def scene(self, index: int) -> Scene:
        self._check(index)
        random = self._random(index, 1)
        scene = random_scene(random, motions=("still",), patterns=("checkered",))
        pairs = zip(AXES.values(), self.amounts(index), strict=True)
        moves = tuple((move, self.most * amount) for (move, _), amount in pairs if amount)
        return replace(scene, more=moves)

    def caption(self, index: int) -> str:
        return self.scene(index).caption

    def description(self) -> dict[str, Any]:
        return {
            "small world": "axes",
            "drawing": DRAWING,
            "count": self.count,
            "seed": self.seed,
            "most": self.most,
        }

    def identity(self, index: int) -> dict[str, Any]:
        self._check(index)
        shared = {key: value for key, value in self.description().items() if key != "count"}
        return {**shared, "clip": index}

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        return SIDE, SIDE

    def frames(self, index: int) -> Iterator[Tensor]:
        yield from torch.from_numpy(clip_frames(self.scene(index), FRAMES))

    def _random(self, index: int, stream: int = 0) -> np.random.Generator:
        return random_of(AXES_SEED, self.seed, index, stream)

    def _check(self, index: int) -> None:
        if not 0 <= index < self.count:
            raise IndexError(index)
