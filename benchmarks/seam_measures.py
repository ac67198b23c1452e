"""Three measures of seams between context windows, on the frames of a video.

No single one sees every seam, so each is taken where windows meet against everywhere else:

    motion     how far the flow departs from its median over the neighbouring frames: a jump, a
               change of speed or direction; 0.05 px are added, the flow's own noise
    warp       what is left between a frame and the next one warped back by the flow: a change of
               brightness or content
    sharpness  mean absolute Laplacian of a frame: the blur of averaged windows

Each is a ratio, 1 without seams, and is two-sided. Optical flow is DIS (Kroeger et al. 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

Video = np.ndarray
"""n h w, grey, uint8."""

FLOW_NOISE = 0.05
NEIGHBOURS = 3
EFFECT = 0.1
DRAWS = 999


@dataclass(frozen=True)
class Seams:
    """Where windows meet.

    steps: t for which frames t and t+1 do not lie in the same windows; frames: those that several
    windows share, and those beside a step.
    """

    steps: frozenset[int]
    frames: frozenset[int]


@dataclass(frozen=True)
class Measure:
    """ratio: at the seams to elsewhere; p: share of random places of as many seams that show as
    large an effect."""

    ratio: float
    p: float

    @property
    def passes(self) -> bool:
        return self.p > 0.05 or abs(self.ratio - 1) < EFFECT


def seams_of(windows: Sequence[Sequence[int]], frames: int) -> Seams:
    """The seams of these windows over a video of `frames` frames."""
    held = [{i for i, window in enumerate(windows) if frame in window} for frame in range(frames)]
    steps = {t for t in range(frames - 1) if held[t] != held[t + 1]}
    beside = steps | {t + 1 for t in steps}
    return Seams(
        frozenset(steps), frozenset(beside | {t for t in range(frames) if len(held[t]) > 1})
    )


def seam_triple(video: Video, seams: Seams) -> dict[str, Measure]:
    """The three measures of a video.   video: n h w, uint8"""
    flow = flows(video)
    return {
        "motion": compared(motion_departure(flow) + FLOW_NOISE, seams.steps),
        "warp": compared(warp_residual(video, flow), seams.steps),
        "sharpness": compared(sharpness(video), seams.frames),
    }


def flows(video: Video) -> np.ndarray:
    """n h w -> n-1 h w 2: where each pixel of a frame lies in the next one, in pixels."""
    opencv: Any = cv2  # its type stubs do not know every function
    dis = opencv.DISOpticalFlow_create(opencv.DISOPTICAL_FLOW_PRESET_MEDIUM)
    pairs = zip(video[:-1], video[1:], strict=True)
    return np.stack([dis.calc(first, second, None) for first, second in pairs])


def motion_departure(flow: np.ndarray) -> np.ndarray:
    """n-1 h w 2 -> n-1: mean distance of the flow from its median over the neighbouring steps."""
    count = len(flow)
    near = [flow[max(0, t - NEIGHBOURS) : t + NEIGHBOURS + 1] for t in range(count)]
    medians = np.stack([np.median(steps, axis=0) for steps in near])
    return np.linalg.norm(flow - medians, axis=-1).mean((1, 2))


def warp_residual(video: Video, flow: np.ndarray) -> np.ndarray:
    """n h w, n-1 h w 2 -> n-1: mean difference of a frame and the next one warped back, in grey
    levels. Pixels that leave the picture are left out."""
    height, width = video.shape[1:]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    residuals = []
    for first, second, step in zip(video[:-1], video[1:], flow, strict=True):
        to_x, to_y = x + step[..., 0], y + step[..., 1]
        inside = (to_x >= 0) & (to_x <= width - 1) & (to_y >= 0) & (to_y <= height - 1)
        warped = cv2.remap(second.astype(np.float32), to_x, to_y, cv2.INTER_LINEAR)
        residuals.append(np.abs(warped - first)[inside].mean())
    return np.array(residuals)


def sharpness(video: Video) -> np.ndarray:
    """n h w -> n: mean absolute Laplacian, in grey levels."""
    return np.array([np.abs(cv2.Laplacian(frame, cv2.CV_32F)).mean() for frame in video])


def compared(values: np.ndarray, places: frozenset[int]) -> Measure:
    """The mean at `places` to the mean elsewhere, and how often chance does as much."""
    chosen = sorted(places)
    ratio = ratio_at(values, chosen)
    draw = np.random.default_rng(0)
    drawn = [draw.choice(len(values), len(chosen), replace=False) for _ in range(DRAWS)]
    as_large = sum(
        abs(np.log(ratio_at(values, other))) >= abs(np.log(ratio)) - 1e-12 for other in drawn
    )
    return Measure(ratio, float(1 + as_large) / (1 + DRAWS))


def ratio_at(values: np.ndarray, places: Any) -> float:
    elsewhere = np.ones(len(values), bool)
    elsewhere[places] = False
    return float(values[~elsewhere].mean() / max(values[elsewhere].mean(), 1e-9))
