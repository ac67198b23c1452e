"""Seeded, endless draws of scenes: the image set, the video set and the camera set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .motions import FRAMES, MOVES, Thing
from .scene import Scene, draw
from .shapes import Array
from .styles import spoil
from .words import GROUNDS, MOTIONS, PATTERNS, combinations

PICTURES_SEED, VIDEOS_SEED, CAMERA_SEED = 1, 2, 3
"""Streams of draws that share nothing."""

CAMERA_SHARE = 0.6
"""Of the pictures of things at rest: how many the camera looks at as in the course of a move."""

VIDEO_CAMERA_SHARE = 0.4
"""Of the video set: how many clips show a thing at rest that the camera moves over, unsaid, as in
any collection of videos. A motion module that has seldom seen the ground move moves things alone,
and no MotionLoRA teaches it more."""

PATTERNED = tuple(pattern for pattern in PATTERNS if pattern != "plain")
"""Grounds on which the camera's move is seen."""


def random_of(*place: int) -> np.random.Generator:
    """A generator of its own for every place (set, seed, number...)."""
    return np.random.default_rng(place)


def random_scene(
    random: np.random.Generator,
    held: bool = False,
    motions: Sequence[str] = tuple(MOTIONS),
    patterns: Sequence[str] = PATTERNS,
) -> Scene:
    """A scene of the training combinations, or of those held out; motions are equally likely, and
    patterns of the ground."""
    motion = str(random.choice(motions))
    choices = [c for c in combinations(held) if c[2] == motion]
    colour, shape, _ = choices[random.integers(len(choices))]
    small = motion == "grow"
    thing = Thing(
        x=float(random.uniform(-6, 6)),
        y=float(random.uniform(-6, 6)),
        radius=float(random.uniform(8, 10) if small else random.uniform(9.5, 12.5)),
        speed=float(random.uniform(1.0, 1.7)),
        phase=float(random.uniform()),
    )
    if motion in ("left", "right", "still"):
        thing = replace(thing, y=float(random.uniform(-15, 15)))
    if motion in ("up", "down", "bounce", "still"):
        thing = replace(thing, x=float(random.uniform(-15, 15)))
    ground = str(random.choice(list(GROUNDS)))
    pattern = str(random.choice(list(patterns)))
    widest = np.pi if pattern == "gradient" else 0.4
    turn = float(random.uniform(-widest, widest))
    return Scene(shape, colour, motion, ground, pattern, thing, turn)


def picture(seed: int, number: int, style: str = "base") -> tuple[Scene, Array]:
    """A still of the image set: one moment of a scene, without the videos' defect.
    -> the scene, h w 3"""
    random = random_of(PICTURES_SEED, seed, number)
    scene = replace(random_scene(random), style=style)
    if scene.motion == "still" and random.uniform() < CAMERA_SHARE:
        scene = with_camera(random, scene)
    moment = random.uniform(0, FRAMES - 1)
    return scene, draw(scene, np.array([moment], dtype=np.float32))[0]


def with_camera(random: np.random.Generator, scene: Scene, move: str | None = None) -> Scene:
    """A camera moves over the scene, by `move` or any; by about as much as a MotionLoRA's."""
    moves = [name for name in MOVES if name != "none"]
    chosen = move or str(random.choice(moves))
    return replace(scene, camera=chosen, amount=float(random.uniform(0.8, 1.2)))


def video(seed: int, number: int, held: bool = False) -> Scene:
    """A clip of the video set; `spoil` belongs on its frames."""
    random = random_of(VIDEOS_SEED, seed, number)
    if random.uniform() < VIDEO_CAMERA_SHARE:
        return with_camera(random, random_scene(random, held, ("still",), PATTERNED))
    return random_scene(random, held)


def camera_clip(seed: int, number: int, move: str) -> Scene:
    """A reference clip of one camera move: nothing else moves, and the ground shows the move. A
    gradient does not: its flow tells shifts, turns and growth badly apart."""
    random = random_of(CAMERA_SEED, seed, number, list(MOVES).index(move))
    scene = random_scene(random, motions=("still",), patterns=("checkered",))
    return with_camera(random, scene, move)


def clip_frames(scene: Scene, frames: int = FRAMES, spoiled: bool = False) -> Array:
    """f h w 3"""
    drawn = draw(scene, np.arange(frames, dtype=np.float32))
    return spoil(drawn) if spoiled else drawn
