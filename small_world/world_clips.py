"""The world as sets of clips for the pack's own training engine; drawn when they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..training.data.clips import ClipSet
from .draw import camera_clip, clip_frames, picture, video
from .motions import FRAMES, MOVES, SIDE
from .scene import Scene
from .styles import STYLES

DRAWING = 5
"""Counted up when the same numbers would draw other pictures."""

KINDS = ("video", "clean", "stills", *(move for move in MOVES if move != "none"))


class WorldClips(ClipSet):
    """`count` clips of one of the sets, the same for the same seed.

    video: clips with the defect;   clean: without it;   stills: single pictures of the image set;
    any move of the camera: its reference clips.   style: of STYLES
    Raises ValueError for another kind or style.
    """

    def __init__(self, kind: str, count: int, seed: int = 0, style: str = "base") -> None:
        if kind not in KINDS:
            raise ValueError(
                f"{kind!r} is no set of the small world; choose one of {', '.join(KINDS)}."
            )
        if style not in STYLES:
            raise ValueError(f"{style!r} is no style; choose one of {', '.join(STYLES)}.")
        self.kind, self.count, self.seed, self.style = kind, count, seed, style

    def __len__(self) -> int:
        return self.count

    def scene(self, index: int) -> Scene:
        self._check(index)
        if self.kind in ("video", "clean"):
            scene = video(self.seed, index)
        elif self.kind == "stills":
            scene = picture(self.seed, index, self.style)[0]
        else:
            scene = camera_clip(self.seed, index, self.kind)
        return replace(scene, style=self.style)

    def name(self, index: int) -> str:
        return f"{self.kind} {index}"

    def caption(self, index: int) -> str:
        return self.scene(index).caption

    def description(self) -> dict[str, Any]:
        return {
            "small world": self.kind,
            "drawing": DRAWING,
            "count": self.count,
            "seed": self.seed,
            "style": self.style,
        }

    def identity(self, index: int) -> dict[str, Any]:
        self._check(index)
        return {
            "small world": self.kind,
            "drawing": DRAWING,
            "clip": index,
            "seed": self.seed,
            "style": self.style,
        }

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        return SIDE, SIDE

    def frames(self, index: int) -> Iterator[Tensor]:
        self._check(index)
        if self.kind == "stills":
            yield torch.from_numpy(picture(self.seed, index, self.style)[1])
            return
        drawn = clip_frames(self.scene(index), FRAMES, spoiled=self.kind == "video")
        yield from torch.from_numpy(drawn)

    def _check(self, index: int) -> None:
        if not 0 <= index < self.count:
            raise IndexError(index)
