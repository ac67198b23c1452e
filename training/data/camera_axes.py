"""Clips over which the camera moves along axes by signed amounts that are known, cut from pictures.

What is trained on them takes the amounts with it (training/models/axes.py). A picture gives many
clips, each of another amount; about half of them move along two axes at once, where several are
asked for, so that the files go together.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from .camera_moves import PLACE_JITTER, CameraMove, Pose, Window, place, pose
from .clips import ClipSet
from .image_clips import StillClips

AXES = {
    # axis -> the move at amounts above 0, and the move below
    "zoom": ("zoom in", "zoom out"),
    "pan": ("pan left", "pan right"),
    "tilt": ("tilt up", "tilt down"),
    "roll": ("roll clockwise", "roll anticlockwise"),
}

ALONE = 0.4
"""Of the clips of several axes: how many move along one; the others move along two."""

MOST = 1.0
"""Of the amounts on both sides of 0; 1 is what the authors' MotionLoRAs show."""


class PromptedStills(StillClips):
    """Pictures that are still, each with the prompt that it was drawn by.   images: b h w 3"""

    def __init__(
        self, images: Tensor, prompts: Sequence[str], frames: int, width: int, height: int
    ) -> None:
        super().__init__(images, prompts[0], frames, width, height)
        self.prompts = [prompt.strip() for prompt in prompts]

    def caption(self, index: int) -> str:
        return self.prompts[index]

    def description(self) -> dict[str, Any]:
        return {**super().description(), "caption": self.prompts}


class Repeated(ClipSet):
    """`count` clips that show those of a set in turn."""

    def __init__(self, clips: ClipSet, count: int) -> None:
        self.clips, self.count = clips, count

    def __len__(self) -> int:
        return self.count

    def _inner(self, index: int) -> int:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return index % len(self.clips)

    def name(self, index: int) -> str:
        return f"{self.clips.name(self._inner(index))}, clip {index}"

    def caption(self, index: int) -> str:
        return self.clips.caption(self._inner(index))

    def captions(self, index: int) -> tuple[str, ...]:
        return self.clips.captions(self._inner(index))

    def description(self) -> dict[str, Any]:
        return {"count": self.count, **self.clips.description()}

    def identity(self, index: int) -> dict[str, Any]:
        return self.clips.identity(self._inner(index))

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        return self.clips.training_size(height, width)

    def frame_count(self, index: int) -> int:
        return self.clips.frame_count(self._inner(index))

    def frames(self, index: int) -> Iterator[Tensor]:
        return self.clips.frames(self._inner(index))


class CameraAxes(CameraMove):
    """`count` clips of still pictures with a camera moving over them.

    axes: of AXES, at least one. Raises ValueError for an unknown axis, for none, for fewer clips
    than pictures, and when a clip is read whose picture is too small.
    """

    def __init__(self, clips: ClipSet, axes: Sequence[str], count: int, seed: int = 0) -> None:
        for axis in axes:
            if axis not in AXES:
                raise ValueError(f"{axis!r} is no axis; choose one of {', '.join(AXES)}.")
        if not axes:
            raise ValueError("No axis is chosen; at least one is trained.")
        if count < len(clips):
            raise ValueError(
                f"{count} clips cannot show {len(clips)} pictures; set the number of clips to "
                f"{len(clips)} or more."
            )
        super().__init__(clips, AXES[axes[0]][0], seed=seed)
        self.clips = Repeated(clips, count)
        self.axes = tuple(axes)
        self.moves = [(AXES[axis][0], MOST) for axis in axes]

    def amounts(self, index: int) -> tuple[float, ...]:
        """Of each axis in a clip, from -1 to 1."""
        chance = self._chance(index)
        several = 1 if chance.random() < ALONE else 2
        chosen = chance.sample(range(len(self.axes)), min(several, len(self.axes)))
        return tuple(
            chance.uniform(-1, 1) if axis in chosen else 0.0 for axis in range(len(self.axes))
        )

    def description(self) -> dict[str, Any]:
        return {**self._drawn(), **self.clips.description()}

    def identity(self, index: int) -> dict[str, Any]:
        return {**self._drawn(), "camera_index": index, **self.clips.identity(index)}

    def _drawn(self) -> dict[str, Any]:
        return {"camera_axes": list(self.axes), "camera_most": MOST, "camera_seed": self.seed}

    def windows(self, index: int, frames: int, picture: tuple[int, int]) -> list[Window]:
        height, width = self.training_size(*picture)
        poses = [Pose()] * frames
        for axis, amount in zip(self.axes, self.amounts(index), strict=True):
            move = AXES[axis][0]
            over = [pose(move, i / max(1, frames - 1), MOST * amount) for i in range(frames)]
            poses = [p.and_then(q) for p, q in zip(poses, over, strict=True)]
        chance = self._chance(index, "place")
        where = [0.5 + PLACE_JITTER * chance.uniform(-1, 1) for _ in range(2)]
        return place(poses, picture, width / height, *where)

    def _chance(self, index: int, what: str = "amounts") -> random.Random:
        return random.Random(f"{self.seed}/{index}/{what}")
