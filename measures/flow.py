"""Optical flow between neighbouring frames, by OpenCV's DIS (Kroeger et al. 2016).

The flow of a pair of frames says where each pixel of the first is found in the second: x right,
y down, in pixels, good to a few hundredths of one where there is no noise. No weights are needed,
so none are downloaded.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

SMALLEST = 32
"""Pixels a side; DIS compares patches of 8 over several scales."""


def opencv() -> Any:
    """The module cv2, or ValueError where OpenCV, an extra for training, is not installed."""
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        raise ValueError(
            "Motion is measured with OpenCV, which is not installed. Install the extras for "
            "training into ComfyUI's Python: `pip install -r requirements-training.txt`."
        ) from error


def check_frames(frames: Tensor, name: str = "images") -> None:
    """Raise ValueError for frames in which no motion can be measured.   frames: f h w 3"""
    count, height, width = frames.shape[:3]
    if frames.shape[-1] != 3:
        raise ValueError(
            f"The {name} have {frames.shape[-1]} colour channels; motion is measured in pictures "
            "of 3, without transparency. Take it off with Split Image with Alpha."
        )
    if count < 2:
        raise ValueError(
            f"The {name} hold {count} frame; motion needs at least 2. Connect the frames of a "
            "video as one batch."
        )
    if min(height, width) < SMALLEST:
        raise ValueError(
            f"The {name} are {width} x {height} pixels; motion is measured from {SMALLEST} x "
            f"{SMALLEST} on. Use larger frames."
        )
    for index, frame in enumerate(frames):
        if not bool(frame.isfinite().all()):
            raise ValueError(
                f"Frame {index} of the {name} holds values that are no numbers (NaN or infinity), "
                "so no motion can be measured. Look at the node that made it."
            )


@dataclass(frozen=True)
class Pair:
    """Two neighbouring frames, h w 3, and the flow from the first to the second, h w 2; float32."""

    first: np.ndarray
    second: np.ndarray
    flow: np.ndarray


def pairs(frames: Tensor) -> Iterator[Pair]:
    """Every pair of neighbouring frames in order, one in memory at a time.   frames: f h w 3"""
    cv2 = opencv()
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first = pixels(frames[0])
    for frame in frames[1:]:
        second = pixels(frame)
        yield Pair(first, second, dis.calc(eight_bits(first), eight_bits(second), None))
        first = second


def pixels(frame: Tensor) -> np.ndarray:
    return np.ascontiguousarray(frame.detach().cpu().float().numpy())


def grey(frame: np.ndarray) -> np.ndarray:
    """Luma (ITU-R BT.601).   h w 3 -> h w"""
    return frame @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def eight_bits(frame: np.ndarray) -> np.ndarray:
    """What DIS takes.   h w 3 in 0..1 -> h w in 0..255"""
    return (grey(frame).clip(0, 1) * 255).round().astype(np.uint8)


def warp_error(pair: Pair) -> float | None:
    """Mean absolute difference of the first frame and the second pulled back along the flow, in
    0..1, where the flow stays inside the picture; None where it leaves it everywhere.

    Low is not good by itself. A still clip has the error of its noise, just as a perfect pan has,
    and a flow that is wrong on purpose can bring unrelated frames together: shuffled frames have a
    low error *per pixel of flow*. So report it with the median flow, never alone and never as a
    quotient of the two, and hold both against those of a real clip.
    """
    cv2 = opencv()
    height, width = pair.flow.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x + pair.flow[..., 0], y + pair.flow[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    if not inside.any():
        return None
    warped = cv2.remap(pair.second, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return float(np.abs(warped - pair.first)[inside].mean())
