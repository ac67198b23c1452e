"""CameraCtrl files, told by their content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import camera, tiny
from animatediff_kit.motion_models.adapters.camera_control.encoder import CameraControl, CameraSpec
from animatediff_kit.motion_models.adapters.camera_control.read import load_camera_control
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from animatediff_kit.motion_models.load import load_motion_model
from animatediff_kit.motion_models.read import read_weights
from animatediff_kit.motion_models.specs import FAMILIES, MotionLayout, MotionSpec
from safetensors.torch import save_file
from torch import Tensor, nn


def test_the_format_is_the_published_one() -> None:
    """nums_rb 2, cin 384, ksize 1, sk, one attention: configs/train_cameractrl."""
    layout = MotionLayout((320, 640, 1280, 1280), False)
    spec = CameraSpec(MotionSpec("", FAMILIES["v3"], layout, 16), 2)
    empty = CameraControl(spec, nn, torch.float32, "meta")
    shapes = {key: tuple(weight.shape) for key, weight in empty.state_dict().items()}
    assert shapes == {**camera.encoder_shapes(), **camera.merge_shapes()}


def test_the_authors_checkpoint_is_read(tmp_path: Path) -> None:
    """Two dictionaries side by side, among others (train_camera_control.py)."""
    weights = camera.weights()
    encoder = {key: weight for key, weight in weights.items() if key.startswith("encoder")}
    content = {
        "epoch": 1,
        "global_step": 2,
        "pose_encoder_state_dict": encoder,
        "attention_processor_state_dict": {k: w for k, w in weights.items() if k not in encoder},
        "optimizer_state_dict": {"state": {0: {"exp_avg": torch.ones(3)}}},
    }
    torch.save(content, tmp_path / "CameraCtrl.ckpt")
    tensors, _ = read_weights(str(tmp_path / "CameraCtrl.ckpt"))
    assert tensors.keys() == weights.keys()
    patcher = load_camera_control(str(tmp_path / "CameraCtrl.ckpt"))
    model: Any = patcher.model
    assert model.spec.motion.positions == 16 and model.spec.blocks == 2
    assert all(torch.equal(w, weights[k]) for k, w in model.state_dict().items())


def test_a_file_without_the_rest_of_the_checkpoint_is_read(tmp_path: Path) -> None:
    """As CameraCtrl_pruned.safetensors is: encoder and merges side by side."""
    weights = camera.weights()
    save_file(weights, str(tmp_path / "CameraCtrl_pruned.safetensors"))
    model = load_camera_control(str(tmp_path / "CameraCtrl_pruned.safetensors")).model
    assert all(torch.equal(w, weights[k]) for k, w in model.state_dict().items())


def test_a_table_of_the_file_is_kept(tmp_path: Path) -> None:
    weights, name = camera.weights(), "encoder_down_attention_blocks.1.0.attention_blocks.0"
    trained = torch.randn(1, 16, 64)
    save_file({**weights, f"{name}.pos_encoder.pe": trained}, str(tmp_path / "c.safetensors"))
    model = load_camera_control(str(tmp_path / "c.safetensors")).model
    assert torch.equal(model.get_submodule(f"{name}.pos_encoder").pe, trained)


def changed(change: str) -> dict[str, Tensor]:
    weights = camera.weights()
    first = next(key for key in weights if "qkv_merge" in key)
    if change == "missing":
        del weights[first]
    elif change == "shape":
        weights[first] = torch.ones(31, 32)
    elif change == "surplus":
        weights["encoder_down_conv_blocks.0.0.skep.weight"] = torch.ones(32, 32, 1, 1)
    elif change == "no encoder":
        weights = {key: weight for key, weight in weights.items() if "qkv_merge" in key}
    return weights


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("missing", "cannot be used as a CameraCtrl adapter: 1 of its .* tensors are missing"),
        ("shape", "1 of its tensors have the wrong shape, .*qkv_merge"),
        ("surplus", "1 of its tensors belong to no CameraCtrl adapter known here"),
        ("no encoder", "its pose encoder is missing: download it again.$"),
    ],
)
def test_bad_files(change: str, sentence: str, tmp_path: Path) -> None:
    save_file(changed(change), str(tmp_path / "bad.safetensors"))
    with pytest.raises(ValueError, match=sentence):
        load_camera_control(str(tmp_path / "bad.safetensors"))


def test_wrong_loaders_name_the_right_one(tmp_path: Path) -> None:
    save_file(tiny.motion_weights("v2"), str(tmp_path / "motion.safetensors"))
    save_file(camera.weights(), str(tmp_path / "camera.safetensors"))
    with pytest.raises(
        ValueError, match="^motion.safetensors is no CameraCtrl adapter but a motion model: load it"
    ):
        load_camera_control(str(tmp_path / "motion.safetensors"))
    sentence = "a CameraCtrl adapter: choose it in Apply Camera Control"
    with pytest.raises(ValueError, match=f"^camera.safetensors is no motion model but {sentence}"):
        load_motion_model(str(tmp_path / "camera.safetensors"))
    with pytest.raises(ValueError, match=sentence):
        apply_domain_adapter(tiny.image_model(), camera.weights(), 1.0, "camera.safetensors")
