"""Rays and pose encoder against the published code's formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adk_tests.reference.camera import pose_features, published_rays
from adk_tests.reference.live import live_noise, relative_error
from adk_tests.support import camera
from animatediff_kit.motion_models.adapters.camera_control.rays import pixel_rays
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.views.frame_parts import FrameParts

FP32 = 1e-6
CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [(16, 16), (16, 40), (24, 16)], ids=str)
def test_rays_equal_the_published_ones(size: tuple[int, int], record_property: Any) -> None:
    path = camera.path(5)
    truth = published_rays(np.linalg.inv(path.poses), path.lenses, *size, ratio=16 / 9)
    poses, lenses = (torch.from_numpy(part).float() for part in (path.relative(), path.lenses))
    ours = pixel_rays(poses, lenses, *size)
    assert ours.shape == (5, 6, *size)
    error = relative_error(ours, truth[0].movedim(1, 0))
    record_property("CameraCtrl's rays", error)
    assert error <= FP32
    still, _ = path.relative()[:1], path.lenses[:1]
    first = pixel_rays(torch.from_numpy(still).float(), lenses[:1], *size)
    assert not first[:, :3].any()  # the first frame's camera is at the origin
    assert torch.allclose(first[:, 3:].square().sum(1), torch.ones(1, *size))


@pytest.mark.parametrize(("frames", "size"), [(5, (64, 96)), (16, (72, 80))], ids=["even", "odd"])
def test_features_equal_the_reference(
    frames: int, size: tuple[int, int], tmp_path: Path, record_property: Any
) -> None:
    model: Any = camera.patcher(tmp_path).model
    rays = live_noise(4, frames, 6, *size).float()
    parts = FrameParts(1, frames, frames, CPU, CPU)
    with torch.no_grad():
        ours = model.features(lambda start: rays, Call.alone(1, frames), parts)
    weights = {key: weight.double() for key, weight in camera.weights().items()}
    truth = pose_features(weights, rays.double().movedim(0, 1)[None], camera.POSITIONS)
    rounded = pose_features(camera.weights(), rays.movedim(0, 1)[None], camera.POSITIONS)
    assert [f.shape[1] for f in ours] == [32, 64, 128, 128]
    for level, (one, other, its_own) in enumerate(zip(ours, truth, rounded, strict=True)):
        error, rounding = (
            relative_error(one, other[0].movedim(1, 0)),
            relative_error(its_own, other),
        )
        record_property(f"CameraCtrl's features, level {level}", error)
        assert error <= max(FP32, 2 * rounding)  # torch's kernels round more on some machines


def test_frames_in_parts_give_the_same(tmp_path: Path) -> None:
    model: Any = camera.patcher(tmp_path).model
    rays = live_noise(4, 7, 6, 64, 64).float()
    made = []
    for length in (7, 3):
        parts = FrameParts(1, 7, length, CPU, CPU)
        with torch.no_grad():
            made.append(
                model.features(
                    lambda start, n=length: rays[start : start + n], Call.alone(1, 7), parts
                )
            )
    for whole, parted in zip(*made, strict=True):
        assert relative_error(parted, whole) < 1e-5
