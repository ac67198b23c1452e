"""How much of a map goes through a module at once, and memory that its parts share."""

from __future__ import annotations

import math

from torch import Tensor

from ..specs import HEADS

CPU_ROWS = 2048
"""Rows at once on a CPU: enough for matrix products at full speed, few enough for its caches."""

PART_BYTES = 128 * 2**20
"""Bytes of the widest tensor on other devices: enough work for them, little beside the rest."""

MAX_PIXELS = 2**15 // HEADS
"""Pixels of one attention call, whose heads are those of all pixels: CUDA kernels launch one block
a head along a dimension of the grid that ends at 65535."""

ALIGNED = 16
"""What divides addresses and sizes that Triton compiles kernels with wide loads for."""


def rows_at_once(x: Tensor, channels: int, width: int = 8) -> int:
    """Rows of tokens whose widest tensor has `width` times as many channels: 8 in the
    feed-forward, 3 in attention."""
    if x.device.type == "cpu":
        return CPU_ROWS
    return max(1, PART_BYTES // (width * channels * x.element_size()))


def pixels_at_once(x: Tensor) -> int:
    """Pixels of a part, each with all its frames; parts are of about one size, and begin where
    kernels read best.   x: (b f) c n"""
    frames, channels, pixels = x.shape
    most = max(1, min(MAX_PIXELS, rows_at_once(x, channels, 3) // frames))
    size = -(-pixels // -(-pixels // most))
    aligned = min(pixels, -(-size // ALIGNED) * ALIGNED)
    return aligned if aligned <= most else size


class Scratch:
    """Memory by name, as large as the largest tensor that was asked for."""

    def __init__(self, like: Tensor) -> None:
        self.like = like
        self.held: dict[str, Tensor] = {}

    def of(self, name: str, *shape: int) -> Tensor:
        """A tensor of any content, in the memory that the last one of this name had."""
        size = math.prod(shape)
        held = self.held.get(name)
        if held is None or held.numel() < size:
            held = self.held[name] = self.like.new_empty(size)
        return held[:size].view(shape)
