"""How like the picture each frame shall be: 1 is the picture itself, less leaves room for motion.

PIA's mask (arXiv:2312.13964, section 3.3); the curves are RANGE_LIST of open-mmlab/PIA's util.py,
by the distance of a frame from the picture's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...call import Call
from ...strength import Strength, Values


@dataclass(frozen=True)
class Curve:
    """values: by distance in frames, the last holds on. That of a loop comes back to 1, and is
    stretched to a video of another length, so that it does so at its end."""

    values: tuple[float, ...]
    loop: bool = False

    def at(self, distance: int, frames: int) -> float:
        """The value so many frames away from the picture, in a video of `frames` frames."""
        last = len(self.values) - 1
        if not self.loop or frames < 2:
            return self.values[min(distance, last)]
        place, over = divmod(distance * last, frames - 1)
        here, then = self.values[place], self.values[min(place + 1, last)]
        return here + (then - here) * over / (frames - 1)


PRESETS: dict[str, Curve] = {
    "small motion": Curve((1.0, 0.9, 0.85, 0.85, 0.85, 0.8)),
    "medium motion": Curve((1.0, 0.8, 0.8, 0.8, 0.79, 0.78, 0.75)),
    "large motion": Curve((1.0, 0.8, *[0.7] * 8, 0.6, 0.5, 0.5)),
    "small loop": Curve((1.0, 0.9, *[0.85] * 3, *[0.8] * 7, 0.85, 0.85, 0.9, 1.0), loop=True),
    "medium loop": Curve(
        (1.0, 0.8, 0.8, 0.8, 0.79, 0.78, *[0.75] * 5, 0.78, 0.79, 0.8, 0.8, 1.0), loop=True
    ),
    "large loop": Curve(
        (1.0, 0.8, *[0.7] * 4, 0.6, 0.5, 0.5, 0.6, *[0.7] * 4, 0.8, 1.0), loop=True
    ),
    "small restyle": Curve((0.5, 0.4, 0.4, 0.4, 0.35, 0.3)),
    "medium restyle": Curve((0.5, 0.4, 0.4, 0.4, 0.35, 0.35, 0.3, 0.25, 0.2)),
    "large restyle": Curve((0.5, 0.2)),
}
"""Restyling keeps what the picture shows and takes the checkpoint's look."""


@dataclass(frozen=True)
class Affinity:
    """A Strength: the values of a curve for the frames of a call, times another Strength.

    frame: that of the picture.
    """

    curve: Curve
    frame: int = 0
    times: Strength = 1.0

    def __call__(self, call: Call, height: int, width: int) -> Values:
        """-> (b f) 1 1 1, or (b f) 1 h w. Raises ValueError where the picture's frame is outside
        the video."""
        frames = call.run.frames
        if not 0 <= self.frame < frames:
            raise ValueError(
                f"The picture's frame {self.frame} lies outside the video, whose {frames} frames "
                f"are 0 to {frames - 1}. Change image_frame."
            )
        distances = [abs(index - self.frame) for index in call.indices]
        values = torch.tensor([self.curve.at(distance, frames) for distance in distances])
        mask = values.repeat(call.videos).view(-1, 1, 1, 1)
        other = self.times(call, height, width) if callable(self.times) else self.times
        return mask.to(other) * other if isinstance(other, Tensor) else mask * other
