"""What the camera does in clips (Q2): the class of a clip, and its amounts beside the reference
clips' own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from ....measures.camera_signature import MOVES as NAMES
from ....measures.camera_signature import CameraSignature, camera_signature, fit_affine
from ....measures.flow import pairs
from ....small_world.motions import PAN, ROLL, TILT, ZOOM

CAMERA_MOVES = tuple(move for both in NAMES.values() for move in both)
CLASSES = (*CAMERA_MOVES, "none")


def signature(frames: Tensor) -> CameraSignature:
    """Of the camera alone; measure_motion measures more.   frames: f h w 3"""
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
        axis = axis_of(move)
        return float(getattr(self, axis)) * (1 if move == NAMES[axis][0] else -1)

    def beside(self, move: str) -> float:
        """The largest amount of anything but the move."""
        return max(abs(value) for axis, value in vars(self).items() if axis != axis_of(move))


def axis_of(move: str) -> str:
    """The component of the camera that a move is."""
    return next(axis for axis, both in NAMES.items() if move in both)


def amounts(found: CameraSignature) -> Amounts:
    return Amounts(
        zoom=math.log(found.zoom_factor) / math.log(ZOOM),
        pan=found.pan_percent / (100 * PAN),
        tilt=found.tilt_percent / (100 * TILT),
        roll=math.radians(found.roll_degrees) / ROLL,
    )
