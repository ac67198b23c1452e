"""How far two sets of clips are apart: Frechet distances of two kinds of features (Q6).

Features of a random 3-D network see what things look like and hardly how they move; moments of the
normal flow see motion alone. Neither is FVD, whose network learned from real videos.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

WIDTHS = (16, 32, 32)
EDGE = 0.02
"""Length of a picture's gradient from which a point has a normal flow."""

CHANGE = 0.02
"""Change of a point's brightness from one frame to the next that counts as moving."""


def random_features(clips: Sequence[Tensor], seed: int) -> np.ndarray:
    """Of the last maps of a random network the mean, the standard deviation over time and the mean
    change from frame to frame.   each f h w 3 -> n c"""
    torch.manual_seed(seed)
    network, width = nn.Sequential(), 3
    for outputs in WIDTHS:
        network.append(nn.Conv3d(width, outputs, 3, (1, 2, 2), 1))
        network.extend([nn.GroupNorm(1, outputs), nn.LeakyReLU(0.2)])
        width = outputs
    found = []
    for clip in clips:
        with torch.no_grad():
            maps = network(clip.permute(3, 0, 1, 2)[None].float() * 2 - 1)[0].flatten(2)
        parts = maps.mean(1), maps.std(1), maps.diff(dim=1).abs().mean(1)
        found.append(torch.cat([part.mean(1) for part in parts]))
    return torch.stack(found).double().numpy()


def flow_features(clips: Sequence[Tensor]) -> np.ndarray:
    return np.stack([flow_moments(clip) for clip in clips])


def flow_moments(clip: Tensor) -> np.ndarray:
    """Twelve moments of the normal flow -I_t grad(I) / |grad(I)|^2, in pixels a frame: of its parts
    to the right and down and its length the mean, the standard deviation and that of the frames'
    means; the 90th percentile of its length; of the points that change, the share, its standard
    deviation over time.   f h w 3 -> 12"""
    luma = clip.double().numpy() @ np.array([0.299, 0.587, 0.114])
    gradient = [0.5 * (part[1:] + part[:-1]) for part in np.gradient(luma, axis=(2, 1))]
    change, steep = np.diff(luma, axis=0), np.hypot(*gradient)
    edge = steep > EDGE
    normal = np.where(edge, -change / np.maximum(steep, EDGE), 0.0).clip(-16, 16)
    found = []
    for part in (*(normal * g / np.maximum(steep, EDGE) for g in gradient), np.abs(normal)):
        found += [part[edge].mean() if edge.any() else 0.0, part.std(), part.mean((1, 2)).std()]
    fast = np.percentile(np.abs(normal[edge]), 90) if edge.any() else 0.0
    moving = (np.abs(change) > CHANGE).mean((1, 2))
    return np.array([*found, fast, moving.mean(), moving.std()])


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^1/2) (Dowson & Landau 1982), each feature in units
    of its standard deviation over `b`, the real clips.   n c, m c"""
    unit = np.maximum(b.std(axis=0), 1e-9)
    a, b = a / unit, b / unit
    means = a.mean(axis=0) - b.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (a, b))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    # the trace of (C_a C_b)^1/2 is that of (R C_b R)^1/2, which is symmetric
    both = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    return float(means @ means + np.trace(first) + np.trace(second) - 2 * both)
