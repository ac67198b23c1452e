"""Paths of a camera from its moves: joined one behind the other, eased, and laid over poses that
are given.

Axes are those of the poses: x to the right, y down, z forward. A move is what the camera has done
at its end, measured from where it began and how it looked there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..motion_models.adapters.camera_control.path import LENS, CameraPath
from .easings import EASINGS

MOVE_EASINGS = tuple(name for name in EASINGS if name != "step")
"""A camera that stands still and then jumps is no move."""


@dataclass(frozen=True)
class CameraMove:
    """zoom: distance forward; right, up: distances to the side; pan, tilt, roll: degrees that the
    camera turns to the right, upwards and clockwise; orbit: degrees that it goes round a point
    ahead, to the right; radius: distance of that point."""

    zoom: float = 0.0
    right: float = 0.0
    up: float = 0.0
    pan: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    orbit: float = 0.0
    radius: float = 2.0

    def __post_init__(self) -> None:
        """Raise ValueError for a part that is no finite number."""
        for name, amount in vars(self).items():
            if not math.isfinite(amount):
                raise ValueError(
                    f"{name} of the camera's move is {amount}; moves are finite. Write how far the "
                    "camera goes or turns."
                )

    def at(self, part: float) -> np.ndarray:
        """The pose when so much of the move is done, 0 to 1.   -> 4 4, camera to world"""
        around = turned(1, -self.orbit * part)
        around[:3, 3] = (0, 0, self.radius)
        around = around @ moved(0, 0, -self.radius)
        return (
            around
            @ moved(self.right * part, -self.up * part, self.zoom * part)
            @ turned(1, self.pan * part)
            @ turned(0, self.tilt * part)
            @ turned(2, self.roll * part)
        )


def turned(axis: int, degrees: float) -> np.ndarray:
    """A turn about x, y or z, from the axis behind it to the one behind that.   -> 4 4"""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    pose = np.eye(4)
    pose[a, a], pose[a, b], pose[b, a], pose[b, b] = c, -s, s, c
    return pose


def moved(x: float, y: float, z: float) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, 3] = (x, y, z)
    return pose


def camera_path(
    frames: int,
    move: CameraMove,
    easing: str = "linear",
    before: CameraPath | None = None,
    given: CameraPath | None = None,
) -> CameraPath:
    """A path of so many frames, from the first pose to the end of the move; behind `before`, where
    it goes on from the last pose, and adds frames to those.

    given: poses that the move is made in; where they are not as many as the frames, they are spread
    evenly over them, from first to last. Raises ValueError for an unknown easing.
    """
    if easing not in MOVE_EASINGS:
        raise ValueError(
            f"{easing!r} is no easing of a camera's move; choose one of {', '.join(MOVE_EASINGS)}."
        )
    known = 0 if before is None else 1  # its last frame is where this begins
    last = max(1, frames + known - 1)
    parts = [i / last for i in range(known, frames + known)]
    base = still(frames) if given is None else spread(given, parts)
    lenses = base.lenses if given is not None or before is None else before.lenses[-1:]
    poses = np.stack(
        [
            pose @ move.at(EASINGS[easing](part))
            for pose, part in zip(base.poses, parts, strict=True)
        ]
    )
    lenses = np.broadcast_to(lenses, (frames, 4))
    if before is None:
        return CameraPath(poses, lenses)
    return CameraPath(
        np.concatenate([before.poses, before.poses[-1] @ poses]),
        np.concatenate([before.lenses, lenses]),
    )


def still(frames: int) -> CameraPath:
    return CameraPath(np.tile(np.eye(4), (frames, 1, 1)), np.tile(LENS, (frames, 1)))


def spread(path: CameraPath, parts: list[float]) -> CameraPath:
    """The path at these parts of it, 0 to 1, as its first camera sees it; between two poses the
    camera goes straight, and turns about one axis."""
    poses, made, lenses = path.relative(), [], []
    for part in parts:
        place = part * (len(path) - 1)
        here = min(int(place + 1e-9), max(0, len(path) - 2))
        then, over = min(here + 1, len(path) - 1), place - here
        pose = np.eye(4)
        pose[:3, :3] = between(poses[here, :3, :3], poses[then, :3, :3], over)
        pose[:3, 3] = (1 - over) * poses[here, :3, 3] + over * poses[then, :3, 3]
        made.append(pose)
        lenses.append((1 - over) * path.lenses[here] + over * path.lenses[then])
    return CameraPath(np.stack(made), np.stack(lenses))


def between(first: np.ndarray, second: np.ndarray, part: float) -> np.ndarray:
    """The rotation so far on the way from one to the other, by Rodrigues' formula.   3 3"""
    if part < 1e-9 or part > 1 - 1e-9:
        return first if part < 0.5 else second
    turn = first.T @ second
    angle = math.acos(float(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    if angle < 1e-6:
        return first
    if angle > math.pi - 1e-6:
        axis = np.linalg.svd(turn - np.eye(3))[2][-1]
    else:
        axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        axis = axis / (2 * math.sin(angle))
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = angle * part
    return first @ (np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross)
