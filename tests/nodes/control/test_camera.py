"""Plan Camera Path and Apply Camera Control, run as ComfyUI runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from adk_tests.support import camera, folders, tiny
from adk_tests.support.folders import register_folders
from animatediff_kit.motion_models.adapters.camera_control.path import write_poses
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.nodes.control.camera import ApplyCameraControl, CameraPath
from animatediff_kit.sampling.values.over_time import value_over_time
from safetensors.torch import save_file


def test_a_path_steers_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folders.install(tmp_path, monkeypatch)
    register_folders()
    (root / "animatediff_models").mkdir(parents=True)
    save_file(camera.weights(), str(root / "animatediff_models" / "camera.safetensors"))
    first, *_ = CameraPath.execute(2, zoom=1.0).result
    path, picture, text = CameraPath.execute(2, pan=30.0, before=first).result
    assert len(path) == 4 and picture.shape[0] == 1
    animated = apply_motion_model(tiny.image_model(), tiny.motion_patcher("v3"))
    strength = value_over_time(per_frame="0: 0, 3: 1")
    (model,) = ApplyCameraControl.execute(
        animated, "camera.safetensors", path, 0.9, 0.0, 1.0, strength
    ).result
    plain, steered = (tiny.sample(m, frames=4, steps=1) for m in (animated, model))
    assert not torch.allclose(plain, steered, atol=1e-3)
    again, *_ = CameraPath.execute(4, poses=text).result
    assert again.poses == pytest.approx(path.poses, abs=1e-7)


def test_texts_are_judged_before_the_graph_runs() -> None:
    assert CameraPath.validate_inputs(write_poses(camera.path(3))) is True
    assert CameraPath.validate_inputs("  ") is True and CameraPath.validate_inputs(None) is True
    told = CameraPath.validate_inputs("1 2 3")
    assert isinstance(told, str) and told.startswith("Line 1 of poses holds 3 values")
    told = ApplyCameraControl.validate_inputs("no_such_file.ckpt")
    assert isinstance(told, str)
    assert np.isfinite(CameraPath.execute().result[0].poses).all()
