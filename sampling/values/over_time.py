"""A value over frames, sampling steps and pixels: what the socket ADK_STRENGTH carries.

It is a callable of the call (motion_models/strength.py), so whatever takes a strength takes it, and
each frame keeps its value in windows and views.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...motion_models.call import OPTION, Call
from ...motion_models.sound import check_number
from ...motion_models.strength import Strength, Values
from .keyframes import parse_keyframes
from .leaves import (
    Curve,
    Inverse,
    Joined,
    Leaf,
    Listed,
    Masked,
    Moment,
    Number,
    OverFrames,
    OverSteps,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class OverTime:
    """A value over time. `root` is what it is made of (leaves.py)."""

    root: Leaf

    def __call__(self, call: Call, height: int, width: int) -> Values:
        """A number, or (b f) 1 h w, or (b f) 1 1 1, for the frames of a call."""
        if OPTION in call.options:  # a run that is known, so this is told once in it
            call.run.keep(("told", self), lambda: self.tell(call.run.frames))
        values = self.root.at(
            Moment(call.indices, call.run.frames, call.progress, height, width, call.run.keep)
        )
        return values.repeat(call.videos, 1, 1, 1) if isinstance(values, Tensor) else values

    def times(self, factor: float | OverTime) -> OverTime:
        other = factor.root if isinstance(factor, OverTime) else Number(factor)
        return OverTime(Joined(other, self.root))

    @property
    def by_pixel(self) -> bool:
        return any(isinstance(part, Masked) for part in self.root.parts())

    @property
    def by_step(self) -> bool:
        return any(isinstance(part, OverSteps) for part in self.root.parts())

    def over_frames(self, frames: int, progress: float = 0.0) -> np.ndarray:
        """The number of each frame, means over the pixels.   -> f"""
        return self.maps(range(frames), frames, 16, 16, progress).mean((1, 2)).numpy()

    def maps(
        self, indices: Sequence[int], frames: int, height: int, width: int, progress: float = 0.0
    ) -> Tensor:
        """Some frames of a video of `frames`.   -> f h w"""
        values = self.root.at(Moment(indices, frames, progress, height, width))
        if not isinstance(values, Tensor):
            values = torch.tensor(float(values))
        return values.expand(len(indices), 1, height, width)[:, 0]

    def tell(self, frames: int) -> None:
        remarks = [r for part in self.root.parts() for r in part.remarks(frames)]
        if remarks:
            log.warning(
                "A strength over %d frames does not fit them: %s.", frames, "; ".join(remarks)
            )


def value_over_time(
    value: float = 1.0,
    per_frame: str = "",
    per_step: str = "",
    easing: str = "linear",
    mask: Tensor | None = None,
    outside: float = 0.0,
    numbers: Any = None,
    curve: Any = None,
) -> OverTime:
    """The product of all that is given, under the mask.   mask: m h w

    Raises ValueError for texts that cannot be read, and lists, curves and masks that are none.
    """
    root: Leaf = Number(finite("value", value))
    if keyframes := parse_keyframes(per_frame, "per_frame", easing):
        root = Joined(root, OverFrames(keyframes))
    if keyframes := parse_keyframes(per_step, "per_step", easing, over_steps=True):
        root = Joined(root, OverSteps(keyframes))
    if numbers is not None:
        root = Joined(root, listed(numbers))
    if curve is not None:
        root = Joined(root, Curve(checked_curve(curve)))
    if mask is not None:
        root = Masked(root, checked_mask(mask), finite("outside", outside))
    return OverTime(root)


def inverse(value: OverTime) -> OverTime:
    """1 - value."""
    return OverTime(Inverse(value.root))


def listed(numbers: Any) -> Leaf:
    """A list of numbers, one a frame; one number alone serves all."""
    if isinstance(numbers, Tensor | np.ndarray):
        numbers = numbers.reshape(-1).tolist()
    if isinstance(numbers, int | float):
        return Number(finite("floats", numbers))
    if not isinstance(numbers, list | tuple) or not numbers:
        raise ValueError(
            f"floats is {numbers!r}, which is no list of numbers. Connect a node that gives one "
            "number a frame."
        )
    return Listed(tuple(finite("floats", number) for number in numbers))


def finite(name: str, number: Any) -> float:
    try:
        found = float(number)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{name} holds {number!r}, which is no finite number. Give it numbers.")
    return found


def checked_curve(curve: Any) -> Any:
    if not callable(getattr(curve, "interp", None)):
        raise ValueError(
            f"curve is {type(curve).__name__}, which is no curve. Connect ComfyUI's Curve Editor."
        )
    return curve


def checked_mask(mask: Tensor) -> Tensor:
    """m h w, on the CPU.   mask: h w or m h w"""
    mask = mask.unsqueeze(0) if mask.ndim == 2 else mask
    if mask.ndim != 3 or 0 in mask.shape:
        raise ValueError(
            f"The mask has the shape {list(mask.shape)}; it must be one mask, or one a frame: "
            "frames, height, width."
        )
    if not torch.isfinite(mask).all():
        raise ValueError("The mask holds NaN or infinite numbers. Give it numbers from 0 to 1.")
    return mask.cpu()


def combined(number: float, over_time: OverTime | None) -> Strength:
    """A widget's number, multiplied by what is connected. Raises ValueError for NaN and the
    infinite, which a workflow that came as JSON may hold."""
    check_number("A strength", number)
    return number if over_time is None or number == 0.0 else over_time.times(number)


def whole_frames(over_time: OverTime, what: str) -> OverTime:
    """The value, for what acts on whole frames. Raises ValueError where it differs by pixel."""
    if over_time.by_pixel:
        raise ValueError(
            f"{what} acts on whole frames, but this strength has a mask, which differs by pixel. "
            "Take the mask off Schedule Strength."
        )
    return over_time
