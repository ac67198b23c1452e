"""What is measured of each pair of frames, and what it comes to over a clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from .camera_signature import Affine, CameraSignature, camera_signature, fit_affine
from .flow import check_frames, grey, opencv, pairs, pixels, warp_error

CELLS = 16
"""The flow is kept as its means over this many cells a side, for arrows and for seams."""


@dataclass(frozen=True)
class MotionMeasures:
    """Of a clip of f frames of h x w pixels.

    median_flow, high_flow: f-1, the median and the 90th percentile of the flow's length in pixels;
    warp_error: f-1, 0..1, NaN where the content leaves the picture; read flow.warp_error's caution
    before comparing it. cells: f-1 CELLS CELLS 2, the flow's means. sharpness: f, the variance of
    the Laplacian of the luma (Pech-Pacheco et al. 2000). motions: f-1, the camera of each pair.
    """

    height: int
    width: int
    median_flow: np.ndarray
    high_flow: np.ndarray
    warp_error: np.ndarray
    cells: np.ndarray
    sharpness: np.ndarray
    motions: tuple[Affine, ...]

    def __len__(self) -> int:
        return len(self.sharpness)

    def camera(self) -> CameraSignature:
        return camera_signature(self.motions, self.height, self.width)


def measure_motion(frames: Tensor, each: Callable[[], None] = lambda: None) -> MotionMeasures:
    """Measure a clip in one pass, in the memory of a pair of frames.   frames: f h w 3 in 0..1

    each: called after every pair; what it raises ends the pass.
    Raises ValueError for one frame, frames that are too small, NaN, and without OpenCV.
    """
    check_frames(frames)
    cv2 = opencv()
    lengths, errors, cells, motions = [], [], [], []
    for pair in pairs(frames):
        lengths.append(np.percentile(np.linalg.norm(pair.flow, axis=-1), (50, 90)))
        error = warp_error(pair)
        errors.append(np.nan if error is None else error)
        cells.append(cv2.resize(pair.flow, (CELLS, CELLS), interpolation=cv2.INTER_AREA))
        motions.append(fit_affine(pair.flow))
        each()
    median, high = np.array(lengths).T
    sharpness = [cv2.Laplacian(grey(pixels(frame)), cv2.CV_32F).var() for frame in frames]
    height, width = frames.shape[1:3]
    return MotionMeasures(
        height,
        width,
        median,
        high,
        np.array(errors),
        np.array(cells),
        np.array(sharpness, dtype=np.float64),
        tuple(motions),
    )
