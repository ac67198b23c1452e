"""Clips of known motion, drawn without the code under test: a texture seen by a camera that moves,
and what can go wrong with one.

Frames are f h w 3 in 0..1; x points right, y down, angles are positive clockwise on the screen.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Size = tuple[int, int]

SIDE, WAVES = 128, 40


def texture(seed: int, u: Tensor, v: Tensor) -> Tensor:
    """A sum of waves 8 to 64 pixels long, in three colours: exact between the pixels too, so that
    motion by fractions of a pixel is true.   u, v: ... -> ... 3 in 0..1"""
    generator = torch.Generator().manual_seed(seed)
    lengths = 8 * 8 ** torch.rand(WAVES, generator=generator)
    angles, phases = (2 * math.pi * torch.rand(WAVES, generator=generator) for _ in range(2))
    weights = torch.randn((WAVES, 3), generator=generator) * lengths[:, None] ** 0.5
    weights *= 0.16 / weights.pow(2).sum(0).div(2).sqrt()
    along = u[..., None] * angles.cos() + v[..., None] * angles.sin()
    return (0.5 + (2 * math.pi * along / lengths + phases).cos() @ weights).clamp(0, 1)


def seen(seed: int, x: float, y: float, zoom: float, angle: float, size: Size) -> Tensor:
    """A texture with its content shifted by x, y pixels, enlarged and turned.   -> h w 3"""
    rows = torch.arange(size[0]) - (size[0] - 1) / 2 - y
    columns = torch.arange(size[1]) - (size[1] - 1) / 2 - x
    v, u = torch.meshgrid(rows, columns, indexing="ij")
    cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
    return texture(seed, cos * u + sin * v, cos * v - sin * u)


def camera(
    frames: int = 16,
    pan: float = 0.0,
    tilt: float = 0.0,
    zoom: float = 1.0,
    roll: float = 0.0,
    seed: int = 0,
    size: Size = (SIDE, SIDE),
    jumps: dict[int, tuple[float, float, float]] | None = None,
) -> Tensor:
    """The content moves by pan, tilt pixels a frame to the right and down, grows by the factor
    zoom and turns by roll degrees.   -> f h w 3

    jumps: what is added once, from a frame on: pixels right, pixels down, factor.
    """
    clip = []
    for i in range(frames):
        u = i - (frames - 1) / 2
        done = [jump for frame, jump in (jumps or {}).items() if i >= frame]
        x, y = pan * u + sum(j[0] for j in done), tilt * u + sum(j[1] for j in done)
        factor = zoom**u * math.prod(j[2] for j in done)
        clip.append(seen(seed, x, y, factor, math.radians(roll * u), size))
    return torch.stack(clip)


def noisy(clip: Tensor, amount: float, seed: int = 0) -> Tensor:
    """amount: standard deviation, of 1"""
    noise = torch.randn(clip.shape, generator=torch.Generator().manual_seed(seed))
    return (clip + amount * noise).clamp(0, 1)


def shuffled(clip: Tensor, seed: int = 0) -> Tensor:
    return clip[torch.randperm(len(clip), generator=torch.Generator().manual_seed(seed))]


def flickering(clip: Tensor, amount: float, seed: int = 0) -> Tensor:
    """Every frame brighter or darker by up to `amount`."""
    generator = torch.Generator().manual_seed(seed)
    return clip * (1 + amount * (2 * torch.rand((len(clip), 1, 1, 1), generator=generator) - 1))


def with_square(clip: Tensor, side: int, speed: float) -> Tensor:
    """A textured square that moves to the right over a clip."""
    clip, rows = clip.clone(), (clip.shape[1] - side) // 2
    patch = seen(99, 0, 0, 1, 0, (side, side))
    for i, frame in enumerate(clip):
        left = 4 + round(speed * i)
        frame[rows : rows + side, left : left + side] = patch
    return clip
