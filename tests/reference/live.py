"""Live random material: no weight is neutral, no two frames of a video are alike.

Freshly made modules hide errors: their last projection is zero, their norms change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def live_weights(parameters: Iterable[tuple[str, Tensor]], seed: int) -> dict[str, Tensor]:
    """Random float64 values by name: matrices N(0, 1/fan-in), norms' scales near 1, biases near 0.

    `parameters` as from `module.named_parameters()`; only the shapes are used.
    """
    generator = torch.Generator().manual_seed(seed)
    return {name: live_tensor(name, p.shape, generator) for name, p in parameters}


def live_tensor(name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    values = torch.randn(shape, generator=generator, dtype=torch.float64)
    if len(shape) > 1:
        return values / shape[1:].numel() ** 0.5
    return 1 + 0.1 * values if name.endswith("weight") else 0.1 * values


def live_noise(seed: int, *shape: int) -> Tensor:
    """Standard normal float64 values."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def live_video(seed: int, b: int, c: int, f: int, h: int, w: int) -> Tensor:
    """Random `b c f h w` whose frames differ in mean and in contrast, so that the norm rules do."""
    contrast = 1 + live_noise(seed + 1, b, 1, f, 1, 1).abs()
    offset = live_noise(seed + 2, b, c, f, 1, 1)
    return live_noise(seed, b, c, f, h, w) * contrast + offset


def relative_error(ours: Tensor, truth: Tensor) -> float:
    """Norm of the difference over the norm of the truth, in float64."""
    truth = truth.double()
    return ((ours.double() - truth).norm() / truth.norm()).item()
