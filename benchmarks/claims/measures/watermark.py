"""How much of the video set's watermark is in a clip (Q8): a matched filter.

Both the mark and the frames are high-passed, so that neither the brightness of a ground nor its
gradient counts; the mark's place is known.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from torch import Tensor

from ....measures.flow import grey
from ....small_world.styles import watermark

WIDTH = 4.0
"""Standard deviation in pixels of the blur that is taken away; strokes of the mark are 3 wide."""


def high_passed(pictures: np.ndarray) -> np.ndarray:
    """... h w -> ... h w"""
    pictures = pictures.astype(np.float64)
    return pictures - ndimage.gaussian_filter(pictures, WIDTH, mode="nearest", axes=(-2, -1))


def watermark_response(frames: Tensor) -> float:
    """The mark's contrast by least squares, the mean over the frames: 0 without it, 1 where it is
    white on black.   frames: f h w 3"""
    mark = high_passed(watermark())
    luma = high_passed(grey(frames.float().numpy()))
    return float((luma * mark).sum(axis=(1, 2)).mean() / (mark * mark).sum())
