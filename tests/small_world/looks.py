"""Scenes to look at, and what of a drawn picture is measured: by pixels alone, not by the code that
drew them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from animatediff_kit.small_world.motions import FRAMES, SIDE, Thing
from animatediff_kit.small_world.scene import Scene
from animatediff_kit.small_world.words import COLOURS, GROUNDS

PLACES = np.arange(SIDE) - (SIDE - 1) / 2
"""Of the columns from the middle, to the right, and of the rows, down."""

TIMES = np.arange(FRAMES, dtype=np.float32)


def scene(motion: str = "still", place: dict[str, float] | None = None, **more: Any) -> Scene:
    """A red circle of radius 8 in the middle of a plain black ground, unless told otherwise."""
    thing = replace(Thing(x=0.0, y=0.0, radius=8.0), **(place or {}))
    looks: dict[str, Any] = dict(shape="circle", colour="red", ground="black", pattern="plain")
    return Scene(motion=motion, thing=thing, **{**looks, **more})


def share(frames: np.ndarray, seen: Scene) -> np.ndarray:
    """How much of each pixel has the thing's colour, on a plain ground.   f h w 3 -> f h w"""
    ground, colour = np.array(GROUNDS[seen.ground]), np.array(COLOURS[seen.colour])
    way = colour - ground
    return (frames - ground) @ way / (way @ way)


def centre(shares: np.ndarray) -> np.ndarray:
    """f h w -> f 2: x, y in pixels from the picture's middle"""
    total = shares.sum((1, 2))
    x, y = (shares * PLACES).sum((1, 2)), (shares * PLACES[:, None]).sum((1, 2))
    return np.stack((x, y), -1) / total[:, None]
