"""A clip's measures as figures with names, and beside those of a reference clip."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from torch import Tensor

from .flow import check_frames
from .motion_measures import MotionMeasures
from .seams import Seams, SeamTriple, measure_seams

FLOW_RANGE, MOST_ERROR = (0.5, 2.0), 1.5
"""A clip moves like its reference where its flow over the reference's lies in this range, and its
warp error is at most so many times the reference's."""


def clip_figures(measures: MotionMeasures) -> dict[str, Any]:
    """Everything but the seams. Flow in pixels a frame, warp error in 0..1; see CameraSignature for
    the camera's. A figure that cannot be told is None."""
    error = measures.warp_error[np.isfinite(measures.warp_error)]
    return {
        "frames": len(measures),
        "width": measures.width,
        "height": measures.height,
        "camera": asdict(measures.camera()),
        "median_flow": float(np.median(measures.median_flow)),
        "high_flow": float(np.median(measures.high_flow)),
        "warp_error": float(error.mean()) if len(error) else None,
        "sharpness": float(measures.sharpness.mean()),
        "per_frame": {
            "median_flow": rounded(measures.median_flow),
            "high_flow": rounded(measures.high_flow),
            "warp_error": rounded(measures.warp_error),
        },
    }


def rounded(values: np.ndarray) -> list[float | None]:
    return [round(float(value), 5) if math.isfinite(value) else None for value in values]


def seam_figures(triple: SeamTriple, seams: Seams) -> dict[str, Any]:
    figures = {
        name: {**asdict(figure), "enough": figure.enough, "passes": figure.passes}
        for name, figure in vars(triple).items()
    }
    return {"steps": sorted(seams.steps), **figures, "passes": triple.passes}


def check_clips(images: Tensor, reference: Tensor | None) -> None:
    """Raise ValueError for clips that cannot be measured, or not beside each other.   f h w 3"""
    check_frames(images)
    if reference is None:
        return
    check_frames(reference, "reference images")
    (height, width), (other_height, other_width) = images.shape[1:3], reference.shape[1:3]
    if (height, width) != (other_height, other_width):
        raise ValueError(
            f"The images are {width} x {height} pixels and the reference images {other_width} x "
            f"{other_height}, so their motion in pixels cannot be compared. Resize one of them."
        )


def report(clips: Sequence[MotionMeasures], seams: Seams) -> dict[str, Any]:
    """All figures of a clip; with a second one as its reference, of the same size, the same of
    that, and what they are to each other. The seams are the first clip's."""
    figures = clip_figures(clips[0])
    found = seam_figures(measure_seams(clips[0], seams), seams) if seams.steps else None
    figures["seams"] = found
    for reference in clips[1:]:
        figures["reference"] = clip_figures(reference)
        figures["ratios"] = ratios(figures, figures["reference"])
    return figures


def ratios(figures: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """The clip's figures over the reference's; None where the reference has nothing of it."""
    found: dict[str, Any] = {
        name: quotient(figures[name], reference[name])
        for name in ("median_flow", "high_flow", "warp_error", "sharpness")
    }
    flow, error = found["median_flow"], found["warp_error"]
    found["moves_like_reference"] = (
        None
        if flow is None or error is None
        else FLOW_RANGE[0] <= flow <= FLOW_RANGE[1] and error <= MOST_ERROR
    )
    found["same_camera_move"] = figures["camera"]["move"] == reference["camera"]["move"]
    return found


def quotient(value: float | None, of: float | None) -> float | None:
    return None if value is None or not of else value / of


def as_json(figures: dict[str, Any]) -> str:
    return json.dumps(figures, indent=2, allow_nan=False)
