"""Where the coloured thing is in each frame, and how smoothly it goes (Q4).

The thing is the largest patch whose colour is clearly nearer to its own than to its ground's. No
trained network finds it, so nothing that learned from the world judges it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage
from torch import Tensor

from ...small_world.scene import Scene
from ...small_world.styles import STYLES, neon_ground, neon_thing
from ...small_world.words import COLOURS, GROUNDS

Array = np.ndarray[Any, Any]

NEARER = 0.8
"""How far a pixel is from the thing's colour, over how far it is from the ground's, at most; the
copies that trail behind a thing are further."""
LEAST = 25  # pixels of a thing: the smallest one drawn has about 150, its outline about 80
WAY = 6.0  # pixels over 16 frames below which nothing is said to move; what moves goes 15 to 25


@dataclass(frozen=True)
class Track:
    """x right, y down: the middle of the thing in pixels from the picture's corner;   area: pixels;
    colour: its mean.   f, f, f, f 3; NaN where the thing is lost"""

    x: Array
    y: Array
    area: Array
    colour: Array

    @property
    def seen(self) -> Array:
        return np.isfinite(self.x)

    def line(self) -> tuple[Array, Array]:
        """The constant velocity that fits best, in pixels a frame, and how far each place is from
        it.   -> 2, n 2"""
        times = np.flatnonzero(self.seen).astype(np.float64)
        design = np.stack((np.ones_like(times), times), 1)
        places = np.stack((self.x[self.seen], self.y[self.seen]), 1)
        found = np.linalg.lstsq(design, places, rcond=None)[0]
        return found[1], places - design @ found


def track(frames: Tensor, scene: Scene) -> Track:
    """The thing of a scene in a clip of it.   frames: f h w 3"""
    thing, near = COLOURS[scene.colour], np.asarray(GROUNDS[scene.ground])
    if STYLES[scene.style].neon:
        thing, near = neon_thing(thing), np.asarray(neon_ground(GROUNDS[scene.ground]))
    far = near + 0.3 * (1 - near) if near.mean() < 0.5 else 0.65 * near  # as scene.paint_ground
    colours = np.asarray(thing), np.stack((near, far))
    found = np.array([place(frame, *colours) for frame in frames.double().numpy()])
    return Track(*found.T[:3], colour=found[:, 3:])


def place(frame: Array, thing: Array, grounds: Array) -> Array:
    """x, y, area and mean colour of the largest patch of the thing's colour.   h w 3 -> 6"""
    away = np.linalg.norm(frame - thing, axis=-1)
    nearest_ground = np.linalg.norm(frame[..., None, :] - grounds, axis=-1).min(axis=-1)
    found: Any = ndimage.label(away < NEARER * nearest_ground, np.ones((3, 3)))
    sizes = np.bincount(found[0].ravel())[1:]
    if not len(sizes) or sizes.max() < LEAST:
        return np.full(6, np.nan)
    patch = found[0] == 1 + int(sizes.argmax())
    y, x = np.nonzero(patch)
    return np.array([x.mean(), y.mean(), patch.sum(), *frame[patch].mean(axis=0)])


class Smoothness(NamedTuple):
    """residual: root mean square of the distance from the constant velocity that fits best, in
    pixels; area, colour: how much they vary, the standard deviation as a share of the mean and in
    0..1; lost: the share of frames without the thing. NaN where fewer than 4 frames have it."""

    residual: float
    area: float
    colour: float
    lost: float


def smoothness(track: Track) -> Smoothness:
    seen, lost = track.seen, 1 - float(track.seen.mean())
    if seen.sum() < 4:
        return Smoothness(math.nan, math.nan, math.nan, lost)
    residual = np.sqrt((track.line()[1] ** 2).sum(axis=1).mean())
    area, colour = track.area[seen], track.colour[seen].std(axis=0)
    varies = float(area.std() / area.mean())
    return Smoothness(float(residual), varies, float(np.linalg.norm(colour)), lost)


def way(track: Track) -> tuple[float, float]:
    """How far the thing goes over the clip, right and down, by the constant velocity that fits
    best; 0 where fewer than half of the frames have it."""
    if 2 * track.seen.sum() < len(track.seen):
        return 0.0, 0.0
    right, down = track.line()[0] * (len(track.seen) - 1)
    return float(right), float(down)


def direction(track: Track) -> str:
    """left, right, up or down, where the thing goes WAY pixels that way and at most half as far
    across it; else "none"."""
    right, down = way(track)
    across, along = sorted((abs(right), abs(down)))
    if along < WAY or across > along / 2:
        return "none"
    if abs(right) >= abs(down):
        return "right" if right > 0 else "left"
    return "down" if down > 0 else "up"
