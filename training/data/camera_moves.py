"""Camera moves made by cropping: a window that shrinks, shifts or turns over a clip's frames.

AnimateDiff trains its MotionLoRAs on videos augmented by rules (Guo et al. 2024, section 4.3). Its
amounts are not published; those here are the middle of what the authors' eight MotionLoRAs do to
a video of 16 frames. A window goes against what is seen: it moves left, so the picture's content
moves right, which is a pan to the left.

x points right and y down; an angle is positive clockwise, as seen on the screen.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..files.fingerprints import digest_of
from .clips import Clip, ClipSet, UnfitClip
from .too_small import too_small

ZOOM, PAN, TILT, ROLL = 1.45, 0.30, 0.24, math.radians(26)
"""Over a whole clip at amount 1: growth of the content, its shift in window widths and in window
heights, its turn."""

AMOUNT_JITTER, PLACE_JITTER = 0.1, 0.25
"""Each clip's own: part of the amount, and part of the room that the window leaves."""


@dataclass(frozen=True)
class Pose:
    """A window against the largest upright one: centre in its own widths and heights, relative
    size, and the content's angle in radians."""

    x: float = 0.0
    y: float = 0.0
    size: float = 1.0
    angle: float = 0.0

    def and_then(self, other: Pose) -> Pose:
        x, y, size, angle = self.x + other.x, self.y + other.y, self.size, self.angle
        return Pose(x, y, size * other.size, angle + other.angle)

    def extent(self, aspect: float) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of its bounding box, in widths of the largest window."""
        w, h = self.size, self.size / aspect
        sin, cos = abs(math.sin(self.angle)), abs(math.cos(self.angle))
        half_x, half_y = (w * cos + h * sin) / 2, (w * sin + h * cos) / 2
        x, y = self.x * w, self.y * h
        return x - half_x, y - half_y, x + half_x, y + half_y


@dataclass(frozen=True)
class Window:
    """A turned rectangle in a picture; pixels, from the picture's top left corner."""

    x: float
    y: float
    width: float
    height: float
    angle: float

    def corners(self) -> list[tuple[float, float]]:
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        halves = [(a * self.width / 2, b * self.height / 2) for a in (-1, 1) for b in (-1, 1)]
        return [(self.x + cos * a + sin * b, self.y - sin * a + cos * b) for a, b in halves]


def pose(move: str, u: float, amount: float) -> Pose:
    """The window of a move at u, from 0 in the first frame to 1 in the last."""
    v = amount * (u - 0.5)
    poses = {
        "zoom in": Pose(size=ZOOM ** (-amount * u)),  # geometric: its speed looks constant
        "zoom out": Pose(size=ZOOM ** (amount * (u - 1))),
        "pan left": Pose(x=-PAN * v),
        "pan right": Pose(x=PAN * v),
        "tilt up": Pose(y=-TILT * v),
        "tilt down": Pose(y=TILT * v),
        "roll clockwise": Pose(angle=ROLL * v),
        "roll anticlockwise": Pose(angle=-ROLL * v),
    }
    return poses[move]


MOVES = (
    "zoom in",
    "zoom out",
    "pan left",
    "pan right",
    "tilt up",
    "tilt down",
    "roll clockwise",
    "roll anticlockwise",
)


def place(
    poses: list[Pose], picture: tuple[int, int], aspect: float, place_x: float, place_y: float
) -> list[Window]:
    """The windows of a clip, as large as a picture (height, width) lets them be together.

    place_x, place_y: where in the room that is left over, 0 left or top, 1 right or bottom.
    """
    height, width = picture
    lefts, tops, rights, bottoms = zip(*(p.extent(aspect) for p in poses), strict=True)
    left, top = min(lefts), min(tops)
    unit = min(width / (max(rights) - left), height / (max(bottoms) - top))
    room_x = width - unit * (max(rights) - left)
    room_y = height - unit * (max(bottoms) - top)
    return [
        Window(
            unit * (p.x * p.size - left) + room_x * place_x,
            unit * (p.y * p.size / aspect - top) + room_y * place_y,
            unit * p.size,
            unit * p.size / aspect,
            p.angle,
        )
        for p in poses
    ]


def crop(frame: Tensor, window: Window, height: int, width: int, finer: int) -> Tensor:
    """What a window shows, at the size wanted.   h w 3 -> height width 3

    One bilinear resampling on a grid `finer` times as fine, whose cells are then averaged: an
    antialiasing filter that turns with the window.
    """
    rows, columns = frame.shape[:2]
    cos, sin = math.cos(window.angle), math.sin(window.angle)
    w, h = window.width, window.height
    affine = torch.tensor(
        [
            [cos * w / columns, sin * h / columns, 2 * window.x / columns - 1],
            [-sin * w / rows, cos * h / rows, 2 * window.y / rows - 1],
        ],
        dtype=torch.float32,
        device=frame.device,
    )
    shape = [1, 3, height * finer, width * finer]
    grid = functional.affine_grid(affine[None], shape, align_corners=False)
    picture = frame.movedim(-1, 0)[None]
    fine = functional.grid_sample(picture, grid, padding_mode="border", align_corners=False)
    return functional.avg_pool2d(fine, finer)[0].movedim(0, -1).contiguous()


class CameraMove(ClipSet):
    """Another set's clips, with a camera moving over them. On a set that has a camera move
    already, both happen at once.

    Each clip's amount and place vary a little with the seed and what the clip is, whatever others
    there are; jitter 0 keeps them in the middle. Raises ValueError for an unknown move and an
    amount that is not positive, and UnfitClip when a clip is read whose picture is too small.
    """

    def __init__(
        self, clips: ClipSet, move: str, amount: float = 1.0, seed: int = 0, jitter: float = 1.0
    ) -> None:
        if move not in MOVES:
            raise ValueError(f"{move!r} is no camera move; choose one of {', '.join(MOVES)}.")
        if not 0 < amount <= 4:
            raise ValueError(f"The amount is {amount:g}; set it above 0, and to 4 at most.")
        inner = clips if isinstance(clips, CameraMove) else None
        self.clips: ClipSet = inner.clips if inner else clips
        self.moves: list[tuple[str, float]] = [*(inner.moves if inner else []), (move, amount)]
        self.seed, self.jitter = seed, jitter

    def __len__(self) -> int:
        return len(self.clips)

    def name(self, index: int) -> str:
        return self.clips.name(index)

    def caption(self, index: int) -> str:
        return self.clips.caption(index)

    def captions(self, index: int) -> tuple[str, ...]:
        return self.clips.captions(index)

    def fps(self, index: int) -> float:
        return self.clips.fps(index)

    def description(self) -> dict[str, Any]:
        return {**self._camera(), **self.clips.description()}

    def identity(self, index: int) -> dict[str, Any]:
        return {**self._camera(), **self.clips.identity(index)}

    def _camera(self) -> dict[str, Any]:
        moves = [list(move) for move in self.moves]
        return {"camera": moves, "camera_seed": self.seed, "camera_jitter": self.jitter}

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        return self.clips.training_size(height, width)

    def frame_count(self, index: int) -> int:
        return self.clips.frame_count(index)

    def frames(self, index: int) -> Iterator[Tensor]:
        """Cropped one by one: a clip's pictures at full size are never in memory together."""
        windows: list[Window] = []
        height = width = finer = 0
        for number, frame in enumerate(self.clips.frames(index)):
            if not windows:
                picture = frame.shape[0], frame.shape[1]
                height, width = self.training_size(*picture)
                windows = self.windows(index, self.frame_count(index), picture)
                self._check_resolution(index, windows, picture)
                finer = math.ceil(max(window.width for window in windows) / width - 1e-6)
            yield crop(frame, windows[number], height, width, finer)

    def read(self, index: int) -> Clip:
        return self._clip(index, list(self.frames(index)))

    def windows(self, index: int, frames: int, picture: tuple[int, int]) -> list[Window]:
        """A clip's windows in its pictures of (height, width)."""
        own = {"name": self.clips.name(index), "clip": self.clips.identity(index)}
        chance = random.Random(f"{self.seed}/{digest_of(own)}")

        def vary(middle: float, by: float) -> float:
            return middle + by * self.jitter * chance.uniform(-1, 1)

        moves = [(move, amount * vary(1.0, AMOUNT_JITTER)) for move, amount in self.moves]
        height, width = self.training_size(*picture)
        places = vary(0.5, PLACE_JITTER), vary(0.5, PLACE_JITTER)
        poses = [Pose()] * frames
        for move, amount in moves:
            over = [pose(move, i / max(1, frames - 1), amount) for i in range(frames)]
            poses = [p.and_then(q) for p, q in zip(poses, over, strict=True)]
        return place(poses, picture, width / height, *places)

    def _check_resolution(
        self, index: int, windows: list[Window], picture: tuple[int, int]
    ) -> None:
        """Raise UnfitClip where a window has fewer pixels than the training wants."""
        height, width = self.training_size(*picture)
        smallest = min(windows, key=lambda window: window.width)
        if smallest.width > width - 0.5:
            return
        moves, window = [move for move, _ in self.moves], (smallest.height, smallest.width)
        raise UnfitClip(too_small(self.name(index), picture, (height, width), moves, window))
