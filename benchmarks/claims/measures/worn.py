"""Drawn pictures as a generated one may look: a little blurred, noisy, and off in colour. Networks
that judge generated pictures are trained on these, so that such faults are not what they see."""

from __future__ import annotations

import numpy as np

from ....small_world.shapes import Array

NOISE, GAIN, OFFSET = 0.04, 0.12, 0.06
"""Up to: standard deviation; share of each colour's contrast; of its brightness."""

BLURRED = 0.5
"""Share of the clips that are blurred, by a kernel of 3 or 5 pixels."""


def worn(frames: Array, random: np.random.Generator) -> Array:
    """The same wear on all frames but for the noise.   f h w 3 -> f h w 3"""
    if random.uniform() < BLURRED:
        for _ in range(int(random.integers(1, 3))):
            frames = smoothed(frames)
    gain = 1 + random.uniform(-GAIN, GAIN, 3)
    offset = random.uniform(-OFFSET, OFFSET, 3)
    noise = random.uniform(0, NOISE) * random.standard_normal(frames.shape)
    return (0.5 + gain * (frames - 0.5) + offset + noise).clip(0, 1).astype(np.float32)


def smoothed(frames: Array) -> Array:
    """Means of 1 2 1 in height and width; those at the edge stand twice.   f h w 3"""
    for axis in (1, 2):
        places = np.arange(frames.shape[axis])
        low, high = (frames.take((places + i).clip(0, places[-1]), axis) for i in (-1, 1))
        frames = (low + 2 * frames + high) / 4
    return frames
