"""One clip of a thing that slides over its ground without a tail: a motion that neither its caption
nor its picture tells, so that a motion module shows it by a MotionLoRA alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..training.data.clips import ClipSet
from .motions import DIRECTIONS, FRAMES, SIDE, Thing
from .scene import Scene, draw
from .world_clips import DRAWING

SPEED = 1.4
"""Pixels a frame."""

STILL = Scene("circle", "red", "still", "gray", "checkered", Thing(0.0, 0.0, 11.0))


class SlidingClip(ClipSet):
    """The thing of `scene`, which is still in its caption, slides to the left, right, up or down.
    Raises ValueError for another way."""

    def __init__(self, way: str, scene: Scene = STILL) -> None:
        if way not in DIRECTIONS:
            raise ValueError(f"{way!r} is no way; choose one of {', '.join(DIRECTIONS)}.")
        self.way, self.scene = way, scene

    def __len__(self) -> int:
        return 1

    def name(self, index: int) -> str:
        return f"sliding {self.way}"

    def caption(self, index: int) -> str:
        return self.scene.caption

    def description(self) -> dict[str, Any]:
        scene = {**vars(self.scene), "thing": vars(self.scene.thing), "more": []}
        return {"small world": "sliding", "drawing": DRAWING, "way": self.way, "scene": scene}

    def identity(self, index: int) -> dict[str, Any]:
        return self.description()

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        return SIDE, SIDE

    def frames(self, index: int) -> Iterator[Tensor]:
        right, down = DIRECTIONS[self.way]
        for time in range(FRAMES):
            gone, thing = SPEED * (time - (FRAMES - 1) / 2), self.scene.thing
            placed = replace(thing, x=thing.x + right * gone, y=thing.y + down * gone)
            drawn = draw(replace(self.scene, thing=placed), np.array([time], dtype=np.float32))
            yield torch.from_numpy(drawn[0])
