"""Names and shapes of weights, where ComfyUI's own layers have none before a file is read."""

from __future__ import annotations

from pathlib import Path

import comfy.ops
import pytest
import torch
from adk_tests.support import camera, sparse
from animatediff_kit.motion_models.adapters.camera_control.read import load_camera_control
from animatediff_kit.motion_models.adapters.sparse_control.load import load_sparse_control
from animatediff_kit.motion_models.empty_layers import EmptyLayers


def test_each_layer_has_its_weights() -> None:
    layer = EmptyLayers.Linear(3, 2, device="meta")
    assert {k: tuple(w.shape) for k, w in layer.state_dict().items()} == {
        "weight": (2, 3),
        "bias": (2,),
    }
    filled = EmptyLayers.Linear(3, 2)
    filled.load_state_dict({"weight": torch.ones(2, 3), "bias": torch.zeros(2)})
    assert torch.equal(filled(torch.ones(1, 3)), torch.full((1, 2), 3.0))


def test_files_are_read_with_dynamic_vram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest ComfyUI turns it on by itself on NVIDIA's GPUs."""
    memory = pytest.importorskip("comfy.memory_management", reason="this ComfyUI has none")
    monkeypatch.setattr(memory, "aimdo_enabled", True)
    layer = comfy.ops.disable_weight_init.Linear(3, 2)
    assert layer.weight is None, "else this tests nothing"
    torch.save(camera.weights(), tmp_path / "camera.ckpt")
    assert load_camera_control(str(tmp_path / "camera.ckpt"))
    for kind in ("rgb", "scribble"):
        file = str(tmp_path / f"{kind}.ckpt")
        torch.save(sparse.weights(kind), file)
        loaded = load_sparse_control(file).control_model.state_dict()
        assert all(torch.isfinite(weight).all() for weight in loaded.values())
