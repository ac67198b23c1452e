"""One scene, drawn frame by frame.

A motion shows in a still picture too, as speed does in a drawing: what moves along a line has a
tail, what goes round or bounces trails faint copies of itself, what grows has a halo, what bounces
casts a shadow. So a text-to-image model can learn the words of motion from stills, as real ones
know `running`; the motion module reads no text and finds the motion in the image features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .motions import DIRECTIONS, FLOOR, SIDE, Thing, Track, track, view
from .shapes import Array, coverage, distance
from .styles import GLOW, STYLES, Colour, neon_ground, neon_thing
from .words import COLOURS, GROUNDS, caption

TRAIL = ((6.0, 0.12), (4.0, 0.2), (2.0, 0.3))
"""(frames ago, opacity) of the copies behind what goes round or bounces."""

TAIL = ((13.0, 0.35, 0.4), (10.0, 0.5, 0.55), (7.0, 0.65, 0.7), (4.0, 0.8, 0.85))
"""(frames ago, radius, opacity) of the copies that are the tail of what moves along a line, white
on dark grounds and black on light ones. It has to be plain at once: a model that sees no more than
where a thing is learns `left` from it, or not at all."""

WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
HALO, HALO_OPACITY = 1.45, 0.35
CELL, SLOPE = 16.0, 112.0
"""Pixels of a checkered cell, and of a gradient's whole way up and down."""


@dataclass(frozen=True)
class Scene:
    """All that a clip shows. `turn`: the direction of a gradient or pattern in radians; `camera`:
    a move of MOVES, by `amount`, and `more` moves at the same time."""

    shape: str
    colour: str
    motion: str
    ground: str
    pattern: str
    thing: Thing
    turn: float = 0.0
    camera: str = "none"
    amount: float = 1.0
    style: str = "base"
    more: tuple[tuple[str, float], ...] = ()

    @property
    def caption(self) -> str:
        return caption(self.colour, self.shape, self.motion, self.ground, self.pattern)


def draw(scene: Scene, times: Array) -> Array:
    """The scene at these times, in frames.   times: f -> f h w 3 in 0..1"""
    places = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    px, py = np.meshgrid(places, places)
    seen = view(scene.camera, times, scene.amount)
    for move, amount in scene.more:
        seen = seen.beside(view(move, times, amount))
    x, y = (part.astype(np.float32) for part in seen.to_world(px, py))
    style = STYLES[scene.style]
    colour, ground = COLOURS[scene.colour], GROUNDS[scene.ground]
    if style.neon:
        colour, ground = neon_thing(colour), neon_ground(ground)
    frames = paint_ground(scene, ground, x, y)
    for paint_colour, opacity in layers(scene, colour, ground, times, x, y):
        paint(frames, paint_colour, opacity)
    return frames.clip(0, 1)


def paint(frames: Array, colour: Colour, opacity: Array) -> None:
    """frames: f h w 3, changed in place;   opacity: f h w"""
    share = opacity[..., None]
    frames += share * (np.asarray(colour, dtype=np.float32) - frames)


def paint_ground(scene: Scene, ground: Colour, x: Array, y: Array) -> Array:
    """-> f h w 3"""
    near = np.asarray(ground, dtype=np.float32)
    far = near + 0.3 * (1 - near) if near.mean() < 0.5 else 0.65 * near
    cos, sin = np.cos(scene.turn), np.sin(scene.turn)
    along, across = cos * x + sin * y, cos * y - sin * x
    if scene.pattern == "gradient":
        share = 0.5 - 0.5 * np.cos(2 * np.pi * along / SLOPE + np.pi / 2)
    elif scene.pattern == "checkered":
        waves = np.sin(np.pi * along / CELL) * np.sin(np.pi * across / CELL)
        share = np.clip(0.5 + 2.0 * waves, 0, 1)  # edges two or three pixels wide
    else:
        share = np.zeros_like(x)
    return near + share[..., None].astype(np.float32) * (far - near)


def layers(
    scene: Scene, colour: Colour, ground: Colour, times: Array, x: Array, y: Array
) -> list[tuple[Colour, Array]]:
    """(colour, opacity f h w) from the back to the front."""
    now = track(scene.motion, scene.thing, times)
    style = STYLES[scene.style]
    found: list[tuple[Colour, Array]] = []
    if scene.motion in DIRECTIONS:
        contrast = WHITE if np.mean(ground) < 0.5 else BLACK
        found += [(contrast, opacity) for opacity in tail(scene, times, x, y)]
    if scene.motion == "bounce":
        found.append((BLACK, 0.45 * shadow(now, x, y)))
    if scene.motion == "grow":
        halo = replace_radius(now, HALO)
        found.append((colour, HALO_OPACITY * coverage(outline(scene.shape, halo, x, y, 2.0))))
    if scene.motion in ("orbit", "bounce"):
        for ago, opacity in TRAIL:
            before = track(scene.motion, scene.thing, times - np.float32(ago))
            copy = coverage(outline(scene.shape, before, x, y, style.stroke))
            found.append((colour, opacity * copy))
    signed = outline(scene.shape, now, x, y, style.stroke)
    if style.neon:
        found.append((colour, 0.55 * np.exp(-np.clip(signed, 0, None) / GLOW)))
    found.append((colour, coverage(signed)))
    return found


def tail(scene: Scene, times: Array, x: Array, y: Array) -> list[Array]:
    """Opacities f h w, the furthest first."""
    found: list[Array] = []
    for ago, radius, opacity in TAIL:
        before = track(scene.motion, scene.thing, times - np.float32(ago))
        smaller = replace_radius(before, radius)
        found.append(opacity * coverage(outline("circle", smaller, x, y, 0.0)))
    return found


def outline(shape: str, where: Track, x: Array, y: Array, stroke: float) -> Array:
    """Signed distance to the filled shape, or to its outline's stroke.   -> f h w"""
    frames = (slice(None), None, None)
    radius = where.radius[frames].astype(np.float32)
    signed = distance(shape, x - where.x[frames], y - where.y[frames], radius).astype(np.float32)
    return np.abs(signed + stroke / 2) - stroke / 2 if stroke else signed


def replace_radius(where: Track, factor: float) -> Track:
    return replace(where, radius=where.radius * np.float32(factor))


def shadow(now: Track, x: Array, y: Array) -> Array:
    """An ellipse on the floor below."""
    frames = (slice(None), None, None)
    radius = now.radius[frames]
    wide, flat = (x - now.x[frames]) / radius, (y - FLOOR - 1.5) / (0.3 * radius)
    return np.clip(3 * (1 - np.hypot(wide, flat)), 0, 1).astype(np.float32)
