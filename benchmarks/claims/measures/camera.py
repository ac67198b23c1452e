"""What the camera does in clips (Q2): the class of a clip, and its amounts beside the reference
clips' own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from ....measures.camera_signature import MOVES as NAMES
from ....measures.camera_signature import (
    CameraSignature,
    camera_signature,
    fit_affine,
)
from ....measures.flow import pairs
from ....small_world.motions import MOVES, PAN, ROLL, TILT, ZOOM

CAMERA_MOVES = tuple(move for move in MOVES if move != "none")
CLASSES = (*CAMERA_MOVES, "none")

AXES = {
    move: (axis, sign)
    for axis, both in NAMES.items()
    for move, sign in zip(both, (1, -1), strict=True)
}
"""Move -> the component of the camera that it is, and its sign."""


def signature(frames: Tensor) -> CameraSignature:
    """frames: f h w 3"""
    motions = [fit_affine(pair.flow) for pair in pairs(frames)]
    return camera_signature(motions, frames.shape[1], frames.shape[2])


@dataclass(frozen=True)
class Amounts:
    """Over the clip, 1 being a reference clip's: of "zoom in", "pan left", "tilt up" and "roll
    clockwise", below 0 of their opposites."""

    zoom: float
    pan: float
    tilt: float
    roll: float

    def of(self, move: str) -> float:
        axis, sign = AXES[move]
        return sign * float(getattr(self, axis))

    def beside(self, move: str) -> float:
        """The largest amount of anything but the move."""
        axis, _ = AXES[move]
        return max(abs(value) for name, value in vars(self).items() if name != axis)


def amounts(found: CameraSignature) -> Amounts:
    return Amounts(
        zoom=math.log(found.zoom_factor) / math.log(ZOOM),
        pan=found.pan_percent / (100 * PAN),
        tilt=found.tilt_percent / (100 * TILT),
        roll=math.radians(found.roll_degrees) / ROLL,
    )
