"""What a camera's path looks like, from above, from the right and from behind.

Each camera is a dot, with one line where it looks and a fainter one to its upper side; the first is
dark, the last bright.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ..motion_models.adapters.camera_control.path import CameraPath

SIDE, EDGE, TOP = 256, 24, 24
SHOWN = 64
"""Cameras of a long path that are drawn."""

BACKGROUND, GRID, TEXT = (24, 26, 30), (58, 62, 70), (200, 204, 210)
FIRST, LAST = np.array([52, 86, 140]), np.array([255, 196, 92])

VIEWS = (
    # title, axis to the right, axis upwards (x to the right, y down, z forward), their signs
    ("from above", (0, 2), (1, 1)),
    ("from the right", (2, 1), (-1, -1)),
    ("from behind", (0, 1), (1, -1)),
)


def draw_path(path: CameraPath) -> Tensor:
    """-> 1 h w 3 in 0..1"""
    poses = path.relative()
    shown = poses[np.unique(np.linspace(0, len(poses) - 1, SHOWN).round().astype(int))]
    image = Image.new("RGB", (SIDE * len(VIEWS), SIDE + TOP), BACKGROUND)
    draw = ImageDraw.Draw(image)
    size = max(1.0, float(np.ptp(poses[:, :3, 3], axis=0).max()))
    for i, (title, axes, signs) in enumerate(VIEWS):
        left = i * SIDE
        draw.text((left + EDGE, 6), f"{title}, {size:.3g} wide", fill=TEXT)
        corners = (left + EDGE, TOP, left + SIDE - EDGE, TOP + SIDE - 2 * EDGE)
        draw.rectangle(corners, outline=GRID)
        draw_cameras(draw, shown, corners, list(axes), np.array(signs), size)
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255.0)[None]


def draw_cameras(
    draw: ImageDraw.ImageDraw,
    poses: np.ndarray,
    corners: tuple[int, int, int, int],
    axes: list[int],
    signs: np.ndarray,
    size: float,
) -> None:
    left, top, right, _ = corners
    room = right - left
    origins = poses[:, :3, 3]
    centre = (origins.max(0) + origins.min(0)) / 2

    def place(points: np.ndarray) -> list[tuple[float, float]]:
        flat = (points - centre)[..., axes] * signs / size * (room * 0.66)
        return [(left + room / 2 + x, top + room / 2 - y) for x, y in flat]

    reach = 0.12 * size
    dots = place(origins)
    looks = place(origins + reach * poses[:, :3, 2])
    above = place(origins - reach / 2 * poses[:, :3, 1])
    for i, (dot, look, up) in enumerate(zip(dots, looks, above, strict=True)):
        bright = FIRST + (LAST - FIRST) * (i / max(1, len(dots) - 1))
        colour = tuple(int(c) for c in bright)
        draw.line([dot, up], fill=tuple(int(c) for c in (bright + np.array(GRID)) / 2))
        draw.line([dot, look], fill=colour)
        draw.ellipse((dot[0] - 2, dot[1] - 2, dot[0] + 2, dot[1] + 2), fill=colour)
