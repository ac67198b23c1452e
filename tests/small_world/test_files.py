"""The weights that ship: all there, small, and read as what they are by the loaders of all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import comfy.model_management
import comfy.sd
import pytest
import torch
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from animatediff_kit.motion_models.kinds import kind_of
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.read import check_finite, read_weights
from animatediff_kit.small_world import files
from animatediff_kit.small_world.models import CONTEXT, TOKEN_IDS, UNET_PREFIX, part
from animatediff_kit.small_world.retrain import CAMERA_MOVES, Workshop, steps_of
from animatediff_kit.training.data.camera_moves import MOVES
from comfy.model_patcher import ModelPatcher
from torch import Tensor

MEGABYTE = 10**6
SHIPPED = sorted(path for path in files.WEIGHTS.rglob("*") if path.is_file())
BLIND = tuple(
    f"middle_block.1.transformer_blocks.0.attn1.{name}.weight" for name in ("to_q", "to_k")
)
"""Attention over the one latent of the lowest level: whatever is asked of it, training changes
nothing here."""
EVERY_FILE = pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])


def test_all_that_retraining_makes_lies_there_and_nothing_else(tmp_path: Path) -> None:
    made = {path for path, _ in steps_of(Workshop(tmp_path, {})).values()}
    assert {path for path in made if not path.is_relative_to(tmp_path)} == set(SHIPPED)


def test_the_files_are_small() -> None:
    sizes = [path.stat().st_size for path in SHIPPED]
    assert max(sizes) <= 20 * MEGABYTE and sum(sizes) <= 40 * MEGABYTE


@EVERY_FILE
def test_a_file_is_finite_half_precision_and_says_what_it_is(path: Path) -> None:
    tensors, metadata = read_weights(str(path))
    check_finite(tensors, path.name)
    kinds = {tensor.dtype for key, tensor in tensors.items() if key != TOKEN_IDS}
    assert kinds == {torch.float16}
    assert metadata


def test_the_motion_model_is_told_as_v3() -> None:
    spec = motion_model(load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))).spec
    assert (spec.family.name, spec.layout.widths) == ("v3", (64, 128, 64, 64))
    assert spec.positions == 32


def test_there_is_a_motion_lora_for_every_move_of_the_camera() -> None:
    assert set(CAMERA_MOVES) == set(MOVES)
    names = {files.motion_lora(move) for move in CAMERA_MOVES}
    assert names == {path.name for path in files.MOTION_LORAS.iterdir()}
    loaded = load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))
    for name in names:
        tensors = files.weights_of(files.MOTION_LORAS / name)
        assert kind_of(tensors) == "MotionLoRA"
        assert len(apply_motion_lora(loaded, tensors, 1.0, name).patches) == len(tensors) // 2


@pytest.mark.parametrize("name", [files.ADAPTER, files.NEON_LORA])
def test_core_puts_the_loras_on_as_this_pack_does(name: str) -> None:
    tensors = files.weights_of(files.LORAS / name)
    model, clip, _ = files.load(files.BASE)
    ours = apply_domain_adapter(model, tensors, 0.7, name)
    core, _ = comfy.sd.load_lora_for_models(model, clip, tensors, 0.7, 0.7)
    assert len(ours.patches) == len(tensors) // 2
    assert ours.patches.keys() == core.patches.keys()
    plain, one, other = (
        weights_on_the_device(patcher, ours.patches) for patcher in (model, ours, core)
    )
    for key, before in plain.items():
        assert torch.equal(one[key], other[key]), key
        assert not torch.equal(one[key], before) or key.endswith(BLIND), key


def weights_on_the_device(model: ModelPatcher, keys: Iterable[str]) -> dict[str, Tensor]:
    """Weights as they are while the model is in use."""
    comfy.model_management.load_models_gpu([model])
    weights = model.model.state_dict()
    taken = {key: weights[key].clone() for key in keys}
    comfy.model_management.unload_all_models()
    return taken


def test_the_outlined_model_keeps_what_it_was_not_trained_on() -> None:
    base, own = (
        files.weights_of(files.CHECKPOINTS / f"{name}.safetensors")
        for name in (files.BASE, files.OUTLINED)
    )
    assert own and own.keys() < part_names(base)
    unet = files.load(files.OUTLINED)[0].model.diffusion_model.state_dict()
    for key, weight in part(base | own, UNET_PREFIX).items():
        assert torch.equal(unet[key], weight.to(unet[key].dtype)), key


def part_names(weights: dict[str, Tensor]) -> set[str]:
    return {key for key in weights if key.startswith(UNET_PREFIX)}


def test_the_neon_model_is_the_base_with_a_lora() -> None:
    base, neon = (files.load(name)[0] for name in (files.BASE, files.NEON))
    assert neon.patches and not base.patches
    plain, underneath = (m.model.diffusion_model.state_dict() for m in (base, neon))
    assert all(torch.equal(plain[key], underneath[key]) for key in plain)


def test_models_that_are_loaded_twice_have_nothing_in_common() -> None:
    one, other = (files.load(files.BASE) for _ in range(2))
    weights = one[0].model.diffusion_model.state_dict()
    with torch.no_grad():
        weights["out.2.bias"].add_(1.0)
    assert not torch.equal(
        weights["out.2.bias"], other[0].model.diffusion_model.state_dict()["out.2.bias"]
    )
    assert one[1].patcher is not other[1].patcher and one[2].patcher is not other[2].patcher


def test_another_name_is_told_with_the_choices() -> None:
    with pytest.raises(ValueError, match="^'sepia' is no image model; choose one of base, outlin"):
        files.load("sepia")


def test_the_tokens_of_the_table_are_each_there_once() -> None:
    ids = files.weights_of(files.CHECKPOINTS / "base.safetensors")[TOKEN_IDS].tolist()
    assert ids == sorted(set(ids)) and len(ids) > CONTEXT // 2
