"""What a value over time is made of, and how its parts are joined.

Each gives, for one moment, a number, or a tensor for the frames of that moment: f 1 1 1, or
f 1 h w where it differs by pixel. Where something names fewer frames than the video has, its last
entry holds on; `remarks` are the sentences that tell people so.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...motion_models.strength import Values
from .keyframes import Keyframe, value_at


@dataclass(frozen=True)
class Moment:
    """What is asked for: some frames of a video, at a part of sampling, for a map of a size.

    indices: of the frames in the video; frames: of the whole video; progress: 0..1; keep: as
    Run.keep of motion_models/call.py, for what is made once a run.
    """

    indices: Sequence[int]
    frames: int
    progress: float = 0.0
    height: int = 1
    width: int = 1
    keep: Callable[[Hashable, Callable[[], Any]], Any] = field(default=lambda _, make: make())


@dataclass(frozen=True, eq=False)
class Leaf:
    """A value; sub-classes say where it comes from."""

    def at(self, moment: Moment) -> Values:
        raise NotImplementedError

    def parts(self) -> Iterator[Leaf]:
        """Itself, and what it is joined of."""
        yield self

    def remarks(self, frames: int) -> list[str]:
        """What is to be told of it over a video of so many frames."""
        return []


@dataclass(frozen=True, eq=False)
class Number(Leaf):
    number: float

    def at(self, moment: Moment) -> Values:
        return self.number


@dataclass(frozen=True, eq=False)
class OverSteps(Leaf):
    """Keyframes over the part of sampling that is done."""

    keyframes: tuple[Keyframe, ...]

    def at(self, moment: Moment) -> Values:
        return value_at(self.keyframes, moment.progress)


@dataclass(frozen=True, eq=False)
class ByFrame(Leaf):
    """A number for each frame of the video."""

    def of_video(self, frames: int) -> np.ndarray:
        """-> f"""
        raise NotImplementedError

    def at(self, moment: Moment) -> Values:
        def make() -> Tensor:
            return torch.from_numpy(self.of_video(moment.frames).astype(np.float32))

        values: Tensor = moment.keep(("frames", self, moment.frames), make)
        return values[list(moment.indices)].view(-1, 1, 1, 1)


@dataclass(frozen=True, eq=False)
class OverFrames(ByFrame):
    """Keyframes over the frames."""

    keyframes: tuple[Keyframe, ...]

    def of_video(self, frames: int) -> np.ndarray:
        return np.array([value_at(self.keyframes, frame) for frame in range(frames)])

    def remarks(self, frames: int) -> list[str]:
        beyond = [f"{k.place:g}" for k in self.keyframes if k.place >= frames]
        if not beyond:
            return []
        plural = "s" if len(beyond) > 1 else ""
        return [f"its keyframe{plural} at {', '.join(beyond)} lie{'' if plural else 's'} behind it"]


@dataclass(frozen=True, eq=False)
class Listed(ByFrame):
    """A list of numbers, one a frame, as other packs' audio and curve nodes give them."""

    numbers: tuple[float, ...]

    def of_video(self, frames: int) -> np.ndarray:
        return np.array(self.numbers)[np.minimum(np.arange(frames), len(self.numbers) - 1)]

    def remarks(self, frames: int) -> list[str]:
        return counted("list", "numbers", len(self.numbers), frames)


@dataclass(frozen=True, eq=False)
class Curve(ByFrame):
    """ComfyUI's CURVE, stretched over the video: its 0 is the first frame, its 1 the last."""

    curve: Any

    def of_video(self, frames: int) -> np.ndarray:
        ways = np.arange(frames) / max(1, frames - 1)
        return np.array([float(self.curve.interp(float(way))) for way in ways])


@dataclass(frozen=True, eq=False)
class Joined(Leaf):
    """Two values that are multiplied."""

    first: Leaf
    second: Leaf

    def at(self, moment: Moment) -> Values:
        return self.first.at(moment) * self.second.at(moment)

    def parts(self) -> Iterator[Leaf]:
        yield from (self, *self.first.parts(), *self.second.parts())


@dataclass(frozen=True, eq=False)
class Inverse(Leaf):
    """1 - value: the other of two that cross over."""

    of: Leaf

    def at(self, moment: Moment) -> Values:
        return 1 - self.of.at(moment)

    def parts(self) -> Iterator[Leaf]:
        yield from (self, *self.of.parts())


@dataclass(frozen=True, eq=False)
class Masked(Leaf):
    """A value where the mask is 1, `outside` where it is 0, between them what lies between.

    mask: m h w in 0..1, one for all frames or one each; resized to the map, smoothed on the way
    down, as ComfyUI stretches masks.
    """

    inside: Leaf
    mask: Tensor
    outside: float

    def at(self, moment: Moment) -> Values:
        size = (moment.height, moment.width)

        def make() -> Tensor:
            mask = self.mask.unsqueeze(1).float()
            return functional.interpolate(mask, size, mode="bilinear", antialias=True).clamp(0, 1)

        resized: Tensor = moment.keep(("mask", self, size), make)
        mask = resized[[min(index, len(resized) - 1) for index in moment.indices]]
        return self.outside + (self.inside.at(moment) - self.outside) * mask

    def parts(self) -> Iterator[Leaf]:
        yield from (self, *self.inside.parts())

    def remarks(self, frames: int) -> list[str]:
        count = len(self.mask)
        return [] if count == 1 else counted("mask", "entries", count, frames)


def counted(what: str, entries: str, count: int, frames: int) -> list[str]:
    if count == frames:
        return []
    if count < frames:
        return [f"its {what} has {count} {entries}, of which the last holds on"]
    return [f"its {what} has {count} {entries}, of which those from {frames} on are unused"]
