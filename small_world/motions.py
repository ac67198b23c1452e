"""Where a thing is in each frame, and where the camera looks.

x points right and y down, in pixels from the picture's middle; times are frames; angles are
clockwise on the screen. The amounts of the camera are those of training/data/camera_moves.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..training.data.camera_moves import PAN, ROLL, TILT, ZOOM
from .shapes import Array

SIDE = 64
"""Pixels of a picture's width and height."""

FRAMES = 16

DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}

ORBIT, ORBIT_PERIOD = 12.0, 20.0
FLOOR, HOP, HOP_PERIOD = 16.0, 20.0, 10.0
GROWTH = 0.06


@dataclass(frozen=True)
class Thing:
    """What moves.   x, y: its place, or what it goes round;   radius: pixels;   speed: pixels a
    frame;   phase: 0..1, where in its round or hop it begins"""

    x: float
    y: float
    radius: float
    speed: float = 1.2
    phase: float = 0.0


@dataclass(frozen=True)
class Track:
    """x, y, radius: f, in pixels"""

    x: Array
    y: Array
    radius: Array


def track(motion: str, thing: Thing, times: Array) -> Track:
    """Where the thing is at each time; it passes its (x, y) in the middle of a clip.   times: f"""
    middle = times - (FRAMES - 1) / 2
    x, y = np.full_like(times, thing.x), np.full_like(times, thing.y)
    radius = np.full_like(times, thing.radius)
    if motion in DIRECTIONS:
        right, down = DIRECTIONS[motion]
        x, y = x + right * thing.speed * middle, y + down * thing.speed * middle
    elif motion == "orbit":
        angle = 2 * np.pi * (thing.phase + times / ORBIT_PERIOD)
        x, y = x + ORBIT * np.cos(angle), y + ORBIT * np.sin(angle)
    elif motion == "bounce":
        y = FLOOR - thing.radius - HOP * np.abs(np.sin(np.pi * (thing.phase + times / HOP_PERIOD)))
    elif motion == "grow":
        radius = radius * np.exp(GROWTH * middle)
    return Track(x, y, radius)


@dataclass(frozen=True)
class View:
    """How the content stands in the picture: turned by `angle`, grown by `scale`, then shifted.
    Each: f"""

    x: Array
    y: Array
    scale: Array
    angle: Array

    def to_world(self, px: Array, py: Array) -> tuple[Array, Array]:
        """Points of the picture -> points of the world.   px, py: h w -> f h w"""
        frames = (slice(None), None, None)
        x, y = px - self.x[frames], py - self.y[frames]
        cos, sin = np.cos(self.angle)[frames], np.sin(self.angle)[frames]
        scale = self.scale[frames]
        return (cos * x + sin * y) / scale, (cos * y - sin * x) / scale

    def beside(self, other: View) -> View:
        """Both at the same time."""
        x, y, angle = self.x + other.x, self.y + other.y, self.angle + other.angle
        return View(x, y, self.scale * other.scale, angle)


MOVES = {
    # move -> what becomes of the content from the first frame (v = -1/2) to the last (1/2):
    # way right, way down, the logarithm of its growth, its turn
    "none": (0.0, 0.0, 0.0, 0.0),
    "zoom in": (0.0, 0.0, math.log(ZOOM), 0.0),
    "zoom out": (0.0, 0.0, -math.log(ZOOM), 0.0),
    "pan left": (PAN * SIDE, 0.0, 0.0, 0.0),
    "pan right": (-PAN * SIDE, 0.0, 0.0, 0.0),
    "tilt up": (0.0, TILT * SIDE, 0.0, 0.0),
    "tilt down": (0.0, -TILT * SIDE, 0.0, 0.0),
    "roll clockwise": (0.0, 0.0, 0.0, ROLL),
    "roll anticlockwise": (0.0, 0.0, 0.0, -ROLL),
}


def view(move: str, times: Array, amount: float = 1.0) -> View:
    """The camera's view at each time.   times: f"""
    v = (times / (FRAMES - 1) - 0.5) * amount
    right, down, growth, turn = MOVES[move]
    return View(right * v, down * v, np.exp(growth * v), turn * v)
