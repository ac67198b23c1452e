"""Measure Motion as ComfyUI calls it: picture and figures, seams of the windows, bad input."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import comfy.model_management
import pytest
import torch
from adk_tests.support.moving import camera, noisy
from animatediff_kit.nodes.training.measure import MeasureMotion
from torch import Tensor


def clip(frames: int = 6, **motion: Any) -> Tensor:
    return noisy(camera(frames, size=(64, 96), **motion), 0.01)


def run(images: Tensor, **inputs: Any) -> tuple[Tensor, dict[str, Any]]:
    picture, figures = MeasureMotion.execute(images, **inputs).args
    return picture, json.loads(figures)


def test_a_picture_and_figures_come_out() -> None:
    picture, figures = run(clip(pan=1.5))
    assert picture.shape == (1, 768, 1024, 3) and picture.dtype == torch.float32
    assert 0 <= float(picture.min()) < float(picture.max()) <= 1
    assert figures["camera"]["move"] == "pan left"
    assert figures["camera"]["pan_percent"] == pytest.approx(100 * 7.5 / 96, abs=0.5)
    assert figures["seams"] is None and "reference" not in figures


def test_a_reference_stands_beside() -> None:
    picture, figures = run(clip(tilt=-1), reference=clip(tilt=-2))
    assert picture.shape == (1, 768, 1024, 3)
    assert figures["camera"]["move"] == figures["reference"]["camera"]["move"] == "tilt down"
    assert figures["ratios"]["median_flow"] == pytest.approx(0.5, abs=0.05)


def test_seams_are_those_of_the_windows_given() -> None:
    starts = (6, 12, 18, 24)
    images = clip(32, pan=0.5, jumps={start: (1.5, 0, 1) for start in starts})
    _, figures = run(images, window_length=8, window_overlap=2)
    assert figures["seams"]["steps"] == sorted([*(s - 1 for s in starts), *(s + 1 for s in starts)])
    assert not figures["seams"]["motion"]["passes"] and not figures["seams"]["passes"]
    assert run(clip(32, pan=0.5), window_length=8, window_overlap=2)[1]["seams"]["passes"]
    assert run(images, window_length=0)[1]["seams"] is None
    assert run(images[:16], window_length=16)[1]["seams"] is None


def test_bad_input_is_refused_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    images = clip(3)
    with pytest.raises(ValueError, match="hold 1 frame; motion needs at least 2"):
        run(images[:1])
    with pytest.raises(ValueError, match=r"96 x 64 pixels and the reference images 64 x 96"):
        run(images, reference=images.transpose(1, 2))
    with pytest.raises(ValueError, match="overlap of 16 frames leaves windows of 16 no step"):
        run(images, window_overlap=16)
    broken = images.clone()
    broken[2] = math.nan
    with pytest.raises(ValueError, match="Frame 2 of the reference images"):
        run(images, reference=broken)
    for module in ("cv2", "matplotlib"):
        with monkeypatch.context() as missing:
            missing.setitem(sys.modules, module, None)
            with pytest.raises(ValueError, match="pip install -r requirements-training.txt"):
                run(images)


def test_cancel_ends_it() -> None:
    comfy.model_management.interrupt_current_processing()
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        run(clip(3))
    assert run(clip(3))[1]["frames"] == 3
