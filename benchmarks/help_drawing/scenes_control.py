"""Scenes of the nodes that need weights the small world has not: what they make of their inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...motion_models.adapters.camera_control.rays import pixel_rays
from ...motion_models.adapters.sparse_control.placement import SPREADS
from ...motion_models.modules import sinusoidal_positions
from ...sampling.camera_picture import BACKGROUND, EDGE, SIDE, TOP, VIEWS, draw_path
from ...small_world.motions import FRAMES
from .clips import taken
from .kept import Frames, as_bytes
from .layout import (
    BLUE,
    FAINT,
    GAP,
    Pen,
    above,
    again,
    beside,
    blank,
    drawn,
    enlarged,
    labelled,
    shrunk,
)
from .world import first


def a_path(**moves: float) -> Any:
    return first("ADK_CameraPath", frames=FRAMES, **moves)


def path(seed: int) -> Frames:
    return beside([walked_path(a_path(zoom=1.0, up=0.5, orbit=60), view) for view in (0, 1)])


def walked_path(path: Any, view: int, width: int = 128) -> Frames:
    """One view of the node's picture; a ring goes from camera to camera."""
    whole = as_bytes(draw_path(path))[0][TOP : TOP + SIDE - 2 * EDGE + 1]
    left = view * SIDE + EDGE
    picture = whole[:, left : left + SIDE - 2 * EDGE + 1]
    origins = path.relative()[:, :3, 3]
    _, axes, signs = VIEWS[view]
    size = max(1.0, float(np.ptp(origins, axis=0).max()))
    centre = (origins.max(0) + origins.min(0)) / 2
    room = picture.shape[0] - 1
    places = (origins - centre)[:, list(axes)] * np.array(signs) / size * (room * 0.66)

    def draw(pen: Pen, number: int) -> None:
        x, y = room / 2 + places[number, 0], room / 2 - places[number, 1]
        pen.ellipse((x - 9, y - 9, x + 9, y + 9), outline=(255, 255, 255), width=3)

    ringed = drawn(again(picture[None], FRAMES), draw)
    return np.stack([shrunk(page, width) for page in ringed])


def rays(seed: int) -> Frames:
    """The path, and the ray of each pixel as a colour: where it points, and its moment."""
    path = a_path(zoom=1.0, pan=40)
    poses = torch.from_numpy(path.relative()).float()
    lenses = torch.tensor(np.asarray(path.lenses)).float()
    found = pixel_rays(poses, lenses, 64, 64)
    moments, directions = (as_colours(found[:, part]) for part in (slice(3), slice(3, 6)))
    right = above([enlarged(directions, 1), enlarged(moments, 1)])
    return beside([walked_path(path, 0, 132), right], 3 * GAP)


def as_colours(vectors: torch.Tensor) -> Frames:
    """f 3 h w -> f h w 3, from the least to the most of the clip"""
    least, most = vectors.min(), vectors.max()
    return as_bytes(((vectors - least) / (most - least)).movedim(1, -1))


def placements(seed: int) -> Frames:
    """Three hints at their frames of sixteen, one spread after the other."""
    clip = taken("star", seed)
    pages = []
    for name, spread in SPREADS.items():
        at = spread(3, FRAMES)
        page = cells({frame: clip[hint] for frame, hint in zip(at, (0, 7, 15), strict=True)})
        pages.append(labelled(again(page[None], 8), name))
    return np.concatenate(pages)


def cells(hints: dict[int, np.ndarray], columns: int = 4, side: int = 60) -> np.ndarray:
    """A square for each frame, in it the hint that it has.   -> h w 3"""
    rows = FRAMES // columns
    page = blank(1, rows * (side + GAP), columns * (side + GAP))

    def draw(pen: Pen, number: int) -> None:
        for frame in range(FRAMES):
            left, top = (side + GAP) * (frame % columns), (side + GAP) * (frame // columns)
            pen.rectangle((left, top, left + side - 1, top + side - 1), outline=FAINT)
            if frame in hints:
                page[0, top : top + side, left : left + side] = hints[frame][2:62, 2:62]
            else:
                pen.text((left + side / 2, top + side / 2), f"{frame}", fill=FAINT, anchor="mm")

    outlined = drawn(page.copy(), draw)
    return np.where(page == np.array(BACKGROUND, np.uint8), outlined, page)[0]


def frame_code(seed: int) -> Frames:
    """One picture for every frame; a row of the code for each of them."""
    code = 0.8 * sinusoidal_positions(FRAMES, 32)[0]
    grey = as_bytes((code[None, ..., None] / 2 + 0.5).expand(1, FRAMES, 32, 3))
    table = again(enlarged(grey, 1).repeat(8, 1).repeat(4, 2), FRAMES)

    def draw(pen: Pen, number: int) -> None:
        pen.rectangle((0, 8 * number, 127, 8 * number + 7), outline=BLUE, width=2)

    picture = again(enlarged(taken("star", seed)[:1]), FRAMES)
    return beside([picture, drawn(table, draw)])
