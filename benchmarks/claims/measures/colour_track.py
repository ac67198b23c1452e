"""Where the coloured thing is in each frame, and how smoothly it goes (Q4).

The thing is the largest patch whose colour is clearly nearer to its own than to its ground's. No
trained network finds it, so nothing that learned from the world judges it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from torch import Tensor

from ....small_world.scene import Scene
from ....small_world.styles import STYLES, neon_ground, neon_thing
from ....small_world.words import COLOURS, GROUNDS

Array = np.ndarray[Any, Any]

NEARER = 0.8
"""How far a pixel is from the thing's colour, over how far it is from the ground's, at most; the
copies that trail behind a thing are further."""

LEAST = 25
"""Pixels of a thing. The smallest one drawn has about 150, its outline about 80."""

WAY = 6.0
"""Pixels over a clip of 16 frames below which nothing is said to move; what moves goes 15 to 25."""


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


def colours_of(scene: Scene) -> tuple[Array, Array]:
    """The thing's colour and those of its ground.   -> 3, 2 3"""
    thing, near = COLOURS[scene.colour], np.asarray(GROUNDS[scene.ground])
    if STYLES[scene.style].neon:
        thing, near = neon_thing(thing), np.asarray(neon_ground(GROUNDS[scene.ground]))
    far = near + 0.3 * (1 - near) if near.mean() < 0.5 else 0.65 * near  # as scene.paint_ground
    return np.asarray(thing), np.stack((near, far))


def track(frames: Tensor, scene: Scene) -> Track:
    """The thing of a scene in a clip of it.   frames: f h w 3"""
    thing, grounds = colours_of(scene)
    found = [place(frame, thing, grounds) for frame in frames.double().numpy()]
    x, y, area = np.array([row[:3] for row in found]).T
    return Track(x, y, area, np.array([row[3] for row in found]))


def place(frame: Array, thing: Array, grounds: Array) -> tuple[float, float, float, Array]:
    """x, y, area and mean colour of the largest patch of the thing's colour.   frame: h w 3"""
    away = np.linalg.norm(frame - thing, axis=-1)
    nearest_ground = np.linalg.norm(frame[..., None, :] - grounds, axis=-1).min(axis=-1)
    labelled: Any = ndimage.label(away < NEARER * nearest_ground, np.ones((3, 3)))
    labels, count = labelled
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    if not count or sizes.max() < LEAST:
        return math.nan, math.nan, math.nan, np.full(3, math.nan)
    patch = labels == 1 + int(sizes.argmax())
    y, x = np.nonzero(patch)
    return float(x.mean()), float(y.mean()), float(patch.sum()), frame[patch].mean(axis=0)


@dataclass(frozen=True)
class Smoothness:
    """residual: root mean square of the distance from the constant velocity that fits best, in
    pixels; area, colour: how much they vary, the standard deviation as a share of the mean and in
    0..1; lost: the share of frames without the thing. NaN where fewer than 4 frames have it."""

    residual: float
    area: float
    colour: float
    lost: float


def smoothness(track: Track) -> Smoothness:
    seen = track.seen
    lost = 1 - float(seen.mean())
    if seen.sum() < 4:
        return Smoothness(math.nan, math.nan, math.nan, lost)
    line = np.stack((np.ones(seen.sum()), np.flatnonzero(seen)), 1)
    places = np.stack((track.x[seen], track.y[seen]), 1)
    left = places - line @ np.linalg.lstsq(line, places, rcond=None)[0]
    area = track.area[seen]
    colour = float(np.linalg.norm(track.colour[seen].std(axis=0)))
    residual = float(np.sqrt((left**2).sum(axis=1).mean()))
    return Smoothness(residual, float(area.std() / area.mean()), colour, lost)


def way(track: Track) -> tuple[float, float]:
    """How far the thing goes over the clip, right and down, by the constant velocity that fits
    best; 0 where fewer than half of the frames have it."""
    seen = track.seen
    if 2 * seen.sum() < len(seen):
        return 0.0, 0.0
    line = np.stack((np.ones(seen.sum()), np.flatnonzero(seen)), 1)
    places = np.stack((track.x[seen], track.y[seen]), 1)
    right, down = np.linalg.lstsq(line, places, rcond=None)[0][1] * (len(seen) - 1)
    return float(right), float(down)


def direction(track: Track) -> str:
    """left, right, up or down, where the thing goes WAY pixels that way and at most half as far
    across it; else "none"."""
    right, down = way(track)
    along, across = max(abs(right), abs(down)), min(abs(right), abs(down))
    if along < WAY or across > along / 2:
        return "none"
    if abs(right) >= abs(down):
        return "right" if right > 0 else "left"
    return "down" if down > 0 else "up"
