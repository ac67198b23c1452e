"""Files of every extension, spelling, wrapping and dtype end in the same module weights."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import comfy.model_management
import pytest
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models.folders import EXTENSIONS
from animatediff_kit.motion_models.load import load_motion_model, motion_model, weight_dtype
from safetensors.torch import save_file
from torch import Tensor

WIDTHS = (32, 64, 64, 96)


@cache
def stored(family: str, positions: int | None) -> dict[str, Tensor]:
    widths = WIDTHS[:3] if family in ("SDXL beta", "HotshotXL") else WIDTHS
    weights = tiny.motion_weights(family, widths=widths)
    return weights if positions is None else spellings.with_tables(weights, positions)


def write(path: Path, content: dict[str, Any], metadata: dict[str, str] | None = None) -> str:
    if path.suffix in (".safetensors", ".sft"):
        save_file(content, str(path), metadata=metadata)
    else:
        torch.save(content, path)
    return str(path)


def loaded(path: str, family: str = "automatic") -> dict[str, Tensor]:
    return motion_model(load_motion_model(path, family)).state_dict()


def same(weights: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    matrices = {key: w for key, w in expected.items() if not key.endswith(".pe")}
    return weights.keys() == matrices.keys() and all(
        torch.equal(weights[key], matrix) for key, matrix in matrices.items()
    )


@pytest.mark.parametrize("extension", sorted(EXTENSIONS))
def test_every_extension(tmp_path, extension):
    weights = stored("v3", 32)
    patcher = load_motion_model(write(tmp_path / f"my motion{extension}", weights))
    model = motion_model(patcher)
    assert same(model.state_dict(), weights)
    assert model.spec.name == f"my motion{extension}"
    assert (model.spec.family.name, model.spec.positions) == ("v3", 32)
    assert model.spec.layout.widths == WIDTHS
    assert model.source == (str(tmp_path / f"my motion{extension}"), "automatic")


def test_old_torch_format(tmp_path):
    weights = stored("v2", 32)
    torch.save({"state_dict": weights}, tmp_path / "old.ckpt", _use_new_zipfile_serialization=False)
    assert same(loaded(str(tmp_path / "old.ckpt")), weights)


PACKAGES = {
    "plain": lambda w: w,
    "state_dict": lambda w: {"state_dict": w},
    "training": lambda w: {
        "epoch": 3,
        "global_step": 100,
        "state_dict": spellings.prefixed(spellings.unet_dump(w)),
    },
    "config beside it": lambda w: {**w, "animatediff_config": {"unet": 1}},
    "config and state_dict": lambda w: {"state_dict": w, "animatediff_config": None},
    "module entry": lambda w: {"module": w, "step": 1},
    "nested": lambda w: {"state_dict": {"module": w, "ema": 0.5}},
    "module prefix": spellings.prefixed,
    "unet prefix": lambda w: spellings.prefixed(w, "unet."),
    "module.unet prefix": lambda w: spellings.prefixed(w, "module.unet."),
    "checkpoint prefix": lambda w: spellings.prefixed(w, "model.diffusion_model."),
    "whole unet": spellings.unet_dump,
    "diffusers": spellings.diffusers,
    "prefixed diffusers": lambda w: spellings.prefixed(spellings.diffusers(w)),
    "parameters": lambda w: {key: torch.nn.Parameter(t) for key, t in w.items()},
}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_wrapping_ends_in_the_same_weights(tmp_path, package):
    weights = stored("v2", 32)
    path = write(tmp_path / "m.ckpt", PACKAGES[package](weights))
    model = motion_model(load_motion_model(path))
    assert same(model.state_dict(), weights)
    assert (model.spec.family.name, model.spec.positions) == ("v2", 32)


FILES = {
    # family, rows of the table, spelling
    "v1": ("v1", 24, dict),
    "v2": ("v2", 32, dict),
    "v3": ("v3", 32, dict),
    "v3 diffusers": ("v3", 32, spellings.diffusers),
    "SDXL beta": ("SDXL beta", 32, dict),
    "HotshotXL": ("HotshotXL", 24, spellings.hotshot),
    "HotshotXL diffusers": ("HotshotXL", 24, spellings.diffusers),
    "AnimateLCM": ("AnimateLCM", None, dict),
    "AnimateLCM diffusers": ("AnimateLCM", None, spellings.diffusers),
    "LongAnimateDiff": ("LongAnimateDiff", 64, dict),
}


@pytest.mark.parametrize("name", FILES)
def test_every_family_and_spelling(tmp_path, name):
    family, positions, spell = FILES[name]
    weights = stored(family, positions)
    model = motion_model(load_motion_model(write(tmp_path / "m.safetensors", spell(weights))))
    assert same(model.state_dict(), weights)
    assert model.spec.family.name == family
    assert model.spec.positions == (positions or 64)
    pe = model.get_submodule("up_blocks.0.motion_modules.2.temporal_transformer").get_submodule(
        "transformer_blocks.0.attention_blocks.1.pos_encoder"
    )
    assert pe.pe.shape == (1, model.spec.positions, model.spec.layout.widths[-1])


STORED = [torch.float16, torch.bfloat16, torch.float32, torch.float8_e4m3fn, torch.float8_e5m2]


@pytest.mark.parametrize("dtype", STORED, ids=str)
@pytest.mark.parametrize("extension", [".safetensors", ".ckpt"])
def test_every_stored_dtype(tmp_path, dtype, extension):
    weights = {key: w.to(dtype) for key, w in stored("v3", 32).items()}
    model = motion_model(load_motion_model(write(tmp_path / f"m{extension}", weights)))
    exact = {key: w.to(model.dtype) for key, w in weights.items()}
    assert {w.dtype for w in model.state_dict().values()} == {model.dtype}
    assert torch.tensor([], dtype=model.dtype).element_size() >= dtype.itemsize
    assert same(model.state_dict(), exact)


def test_mixed_dtypes(tmp_path):
    weights = {
        key: w.half() if w.ndim > 1 else w.bfloat16() if "norm" in key else w.float()
        for key, w in stored("v3", 32).items()
    }
    model = motion_model(load_motion_model(write(tmp_path / "m.safetensors", weights)))
    assert same(model.state_dict(), {key: w.to(model.dtype) for key, w in weights.items()})


@pytest.fixture
def comfyui_keeps_dtypes(monkeypatch):
    """ComfyUI's answer on a GPU that computes in every dtype; a CPU's answer is float32."""
    monkeypatch.setattr(
        comfy.model_management, "unet_dtype", lambda model_params, weight_dtype: weight_dtype
    )


def test_dtype_is_that_of_most_matrices(comfyui_keeps_dtypes):
    matrix, norm = torch.ones(4, 4), torch.ones(4)
    mostly_half = {"a": matrix.half(), "b": matrix.half(), "c": matrix, "d": norm, "e": norm}
    assert weight_dtype(mostly_half) == torch.float16
    assert weight_dtype({"a": matrix, "b": norm.half(), "c": norm.half()}) == torch.float32


@pytest.mark.parametrize("dtype", STORED, ids=str)
def test_weights_keep_their_bits_where_comfyui_computes_in_them(
    tmp_path, comfyui_keeps_dtypes, dtype
):
    weights = {key: w.to(dtype) for key, w in stored("v3", 32).items()}
    model = motion_model(load_motion_model(write(tmp_path / "m.safetensors", weights)))
    assert model.dtype == dtype
    assert all(
        torch.equal(w.view(torch.uint8), weights[key].view(torch.uint8))
        for key, w in model.state_dict().items()
    )


def test_file_is_not_changed_and_loads_again(tmp_path):
    path = write(tmp_path / "m.safetensors", stored("v3", 32))
    before = Path(path).read_bytes()
    first, second = load_motion_model(path), load_motion_model(path)
    assert Path(path).read_bytes() == before
    assert motion_model(first) is not motion_model(second)
    assert same(motion_model(first).state_dict(), motion_model(second).state_dict())


def test_copy_for_another_device_is_the_same_model(tmp_path):
    patcher = load_motion_model(write(tmp_path / "m.safetensors", stored("v3", 32)), "v1")
    function, arguments = patcher.cached_patcher_init
    again = function(*arguments, disable_dynamic=True)
    assert motion_model(again).spec == motion_model(patcher).spec
    assert motion_model(again).spec.family.name == "v1"
