"""Training clips: what a set of them offers, and how a frame comes to the training size.

A set decodes nothing until it is asked for a clip, and holds no pixels between two of them.
Shapes: f frames, h w picture, 3 colours, values 0..1 (ComfyUI's IMAGE).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from torch import Tensor
from torch.nn import functional

BUCKET = 64
"""Sides of aspect buckets, in pixels: 8 latent pixels, which the UNet halves three times."""

LATENT = 8
"""Pixels a latent pixel stands for."""


LARGE = 30_000_000
"""Pixels of a picture above which it is made smaller before it is worked on."""

LARGE_CLIP = 500_000_000
"""The same of all pictures of a clip together, which are in memory at one time: 1.5 GB."""


class UnreadableClip(ValueError):
    """A clip whose file is damaged. Its text names the file; encoding goes on without it."""


class UnfitClip(ValueError):
    """A clip that cannot be made by the settings, of a picture that is too small for one. Encoding
    goes on without a few of many."""


@dataclass(frozen=True)
class Clip:
    """frames: f h w 3, float32 in 0..1"""

    name: str
    caption: str
    frames: Tensor


class ClipSet(ABC):
    """An ordered set of clips. Two sets of equal `description` hold equal pixels and captions; two
    clips of equal `name` and `identity` have equal pixels, wherever they lie. Several threads may
    `read`."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """What messages call the clip."""

    @abstractmethod
    def caption(self, index: int) -> str: ...

    def captions(self, index: int) -> tuple[str, ...]:
        """All that a clip may be shown with, of which each epoch of training draws one."""
        return (self.caption(index),)

    def fps(self, index: int) -> float:
        """Frames a second that a clip shows, for people; 0 where nobody knows."""
        return 0.0

    def part(self, index: int) -> int:
        """Clips of one part are about equally large; there may be several where sets are joined."""
        return 0

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Everything that decides pixels and captions, as JSON: files, dates, settings."""

    @abstractmethod
    def identity(self, index: int) -> dict[str, Any]:
        """Everything beside its name that decides a clip's pixels at the training size, as JSON:
        the file's content, cut, size; no path and no date."""

    @abstractmethod
    def training_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) at which a clip of these source pixels is trained."""

    @abstractmethod
    def frames(self, index: int) -> Iterator[Tensor]:
        """A clip's frames one by one at the source's size, each h w 3. Pictures of more than LARGE
        pixels come smaller, at twice the training size or more. Raises UnreadableClip."""

    def frame_count(self, index: int) -> int:
        """How many `frames` yields. Raises UnreadableClip."""
        return sum(1 for _ in self.frames(index))

    def source(self, index: int) -> Clip:
        """A clip at the source's own size. Raises UnreadableClip."""
        return self._clip(index, list(self.frames(index)))

    def read(self, index: int) -> Clip:
        """A clip at the training size, resized and cropped around the middle. Raises
        UnreadableClip."""
        return self._clip(
            index, [fit(f, *self.training_size(*f.shape[:2])) for f in self.frames(index)]
        )

    def _clip(self, index: int, frames: list[Tensor]) -> Clip:
        return Clip(self.name(index), self.caption(index), torch.stack(frames))


def check_size(height: int, width: int) -> None:
    """Raise ValueError for a training size that the VAE would crop."""
    if min(height, width) < BUCKET or height % LATENT or width % LATENT:
        raise ValueError(
            f"The training size is {width} x {height}; both sides must be multiples of {LATENT}, "
            f"{BUCKET} or more. Set width and height to such numbers, 256 x 256 for one."
        )


def check_memory(frames: int, height: int, width: int) -> None:
    """Raise ValueError where a clip at its training size does not fit into memory, once as frames
    and once as a whole."""
    needed, free = 2 * frames * height * width * 3 * 4, psutil.virtual_memory().available
    if needed > free:
        raise ValueError(
            f"A clip of {frames} frames of {width} x {height} takes {needed / 1e9:.1f} GB of "
            f"memory, and {free / 1e9:.1f} GB are free. Set frames, width or height lower."
        )


def reduction(
    height: int, width: int, wanted_height: int, wanted_width: int, frames: int = 1
) -> int:
    """The whole number that a large picture's sides can be divided by, with twice the wanted size
    left; 1 for pictures of up to LARGE pixels, of which a clip has up to LARGE_CLIP."""
    if height * width <= LARGE and frames * height * width <= LARGE_CLIP:
        return 1
    return max(1, min(height // wanted_height, width // wanted_width) // 2)


def fit(frame: Tensor, height: int, width: int) -> Tensor:
    """The largest part around the middle that has the wanted shape, resized with antialiasing.
    h w 3 -> height width 3"""
    rows, columns = frame.shape[:2]
    if (rows, columns) == (height, width):
        return frame
    scale = min(rows / height, columns / width)
    h, w = min(rows, round(height * scale)), min(columns, round(width * scale))
    top, left = (rows - h) // 2, (columns - w) // 2
    part = frame[top : top + h, left : left + w].movedim(-1, 0)[None]
    resized = functional.interpolate(
        part, (height, width), mode="bilinear", antialias=True, align_corners=False
    )
    return resized[0].movedim(0, -1).contiguous()


def bucket_size(height: int, width: int, area: int) -> tuple[int, int]:
    """(height, width) of the aspect bucket nearest to a picture's shape: multiples of 64 pixels
    whose product comes nearest below `area`."""
    side = max(1, math.isqrt(area) // BUCKET)
    choices = {(area // (BUCKET * BUCKET) // w, w) for w in range(1, 4 * side + 1)}
    shapes = [(h, w) for h, w in choices if h > 0 and max(h / w, w / h) <= 4] or [(1, 1)]
    wanted = math.log(height / width)
    h, w = min(sorted(shapes), key=lambda shape: abs(math.log(shape[0] / shape[1]) - wanted))
    return h * BUCKET, w * BUCKET
