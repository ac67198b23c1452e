"""Motion models in 8 bits with scales, as ComfyUI stores them, load and run as what they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import comfy.ops
import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.quantised import FORMATS, decoded
from comfy.model_patcher import ModelPatcher
from safetensors.torch import save_file
from torch import Tensor

LARGEST = {"float8_e4m3fn": 448.0, "float8_e5m2": 57344.0, "int8_tensorwise": 127.0}
ERROR = {"float8_e4m3fn": 0.05, "float8_e5m2": 0.1, "int8_tensorwise": 0.02}
"""Of a weight, relative to all of its matrix, at most: e4m3 rounds by 1/32, e5m2 by 1/16."""


def scale_of(weight: Tensor, form: str, by_row: bool) -> Tensor:
    dims = (1,) if by_row else (0, 1)
    return weight.abs().amax(dims, keepdim=by_row) / LARGEST[form]


def stored(weight: Tensor, form: str, scale: Tensor) -> Tensor:
    scaled = weight / scale
    return (scaled.round() if form.startswith("int8") else scaled).to(FORMATS[form])


def quantised(form: str, spelling: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A live v2 motion model whose matrices but one are quantised, and the file's metadata."""
    file: dict[str, Tensor] = {}
    layers: dict[str, Any] = {}
    for key, weight in tiny.motion_weights("v2").items():
        layer = key.removesuffix(".weight")
        if weight.ndim != 2 or layer == "mid_block.motion_modules.0.temporal_transformer.proj_in":
            file[key] = weight.half()
            continue
        scale = scale_of(weight, form, by_row=form.startswith("int8") and ".to_q" in layer)
        file[key] = stored(weight, form, scale)
        file[layer + (".scale_weight" if spelling == "scaled_fp8" else ".weight_scale")] = scale
        layers[layer] = {"format": form}
    if spelling == "scaled_fp8":
        file["scaled_fp8"] = torch.zeros(2, dtype=FORMATS[form])
    if spelling == "comfy_quant":
        for layer, settings in layers.items():
            text = json.dumps(settings).encode()
            file[f"{layer}.comfy_quant"] = torch.tensor(list(text), dtype=torch.uint8)
    about = {"_quantization_metadata": json.dumps({"format_version": "1.0", "layers": layers})}
    return file, about if spelling == "metadata" else {}


@pytest.mark.parametrize(
    ("form", "spelling"),
    [
        ("float8_e4m3fn", "scaled_fp8"),
        ("float8_e4m3fn", "metadata"),
        ("float8_e5m2", "comfy_quant"),
        ("int8_tensorwise", "comfy_quant"),
    ],
)
def test_it_loads_and_runs(tmp_path: Path, base: ModelPatcher, form: str, spelling: str) -> None:
    tensors, about = quantised(form, spelling)
    path = tmp_path / "motion.safetensors"
    save_file(tensors, path, about)
    motion = load_motion_model(str(path))
    found, weights = motion_model(motion).state_dict(), tiny.motion_weights("v2")
    assert found.keys() == weights.keys()
    for key, weight in weights.items():
        off = float((found[key].float() - weight).norm() / weight.norm())
        assert off < ERROR[form], key
    lora = tiny.motion_lora("v2", 3)
    exact = by_hand.motion_from("v2", {key: w.clone() for key, w in found.items()})
    with_lora, expected = (
        tiny.sample(apply_motion_model(base, apply_motion_lora(m, lora, 0.5, "lora")))
        for m in (motion, exact)
    )
    assert by_hand.same(with_lora, expected)


LAYOUTS = ("TensorCoreFP8E4M3Layout", "TensorCoreFP8Layout")


def core_linear(form: str, file: dict[str, Tensor], size: tuple[int, int]) -> Any:
    """ComfyUI's own layer of a quantised file."""
    make: Any = comfy.ops.mixed_precision_ops
    try:  # ComfyUI 0.3.75 is told the layers, 0.33 reads them from the file
        ops = make(layer_quant_config={"layer": {"format": form}}, compute_dtype=torch.float32,
                   full_precision_mm=True)  # fmt: skip
    except TypeError:
        ops = make(compute_dtype=torch.float32, full_precision_mm=True)
        text = list(json.dumps({"format": form}).encode())
        file = {**file, "layer.comfy_quant": torch.tensor(text, dtype=torch.uint8)}
    held = torch.nn.Module()
    held.layer = ops.Linear(*size, device="cpu")
    held.load_state_dict(dict(file))
    return held.layer


@pytest.mark.parametrize("form", FORMATS)
def test_it_is_what_comfyui_makes_of_it(form: str) -> None:
    from comfy.quant_ops import QUANT_ALGOS

    if form not in QUANT_ALGOS:
        pytest.skip(f"this ComfyUI has no {form}")
    weight = torch.randn((48, 32), generator=torch.Generator().manual_seed(1))
    scale = scale_of(weight, form, by_row=False)
    file = {
        "layer.weight": stored(weight, form, scale),
        "layer.weight_scale": scale,
        "layer.bias": torch.zeros(48),
    }
    text = {"_quantization_metadata": json.dumps({"layers": {"layer": {"format": form}}})}
    ours = decoded(dict(file), text, "m")
    assert ours.keys() == {"layer.weight", "layer.bias"}
    theirs = core_linear(form, file, (32, 48)).weight
    found = ours["layer.weight"].float()
    torch.testing.assert_close(found, theirs.dequantize(), rtol=1e-3, atol=1e-6)  # float16


def test_other_files_stay_as_they_are() -> None:
    tensors = {"a.weight": torch.ones(2, 2).to(torch.float8_e4m3fn), "b": torch.zeros(3)}
    assert decoded(tensors, {"tool": "x"}, "m") is tensors


def test_numbers_beyond_half_precision_stay_whole() -> None:
    """The check of weights that follows tells of them; infinite ones would hide their size."""
    tensors = {"a.weight": torch.ones(2, 2).to(torch.int8), "a.scale_weight": torch.tensor(1e6)}
    assert float(decoded(tensors, {}, "m")["a.weight"].max()) == 1e6


def told(text: object) -> Tensor:
    return torch.tensor(list(json.dumps(text).encode()), dtype=torch.uint8)


ROW = torch.ones(2, 4).to(torch.int8)
BAD: dict[str, tuple[dict[str, Tensor], str]] = {
    "unknown": (
        {"a.weight": ROW, "a.comfy_quant": told({"format": "nvfp4"})},
        "holds weights quantised as nvfp4, a for one; float8_e4m3fn, float8_e5m2, "
        "int8_tensorwise can be read. Get it in one of these",
    ),
    "rotated": (
        {"a.weight": ROW, "a.comfy_quant": told({"format": "int8_tensorwise", "convrot": True})},
        "quantised as int8_tensorwise and rotated, a for one",
    ),
    "smoothed": (
        {
            "a.weight": ROW,
            "a.pre_quant_scale": torch.ones(4),
            "a.comfy_quant": told({"format": "int8_tensorwise"}),
        },
        "quantised as int8_tensorwise, a for one",
    ),
    "another type": (
        {"a.weight": ROW.half(), "a.comfy_quant": told({"format": "int8_tensorwise"})},
        r"holds a as torch.float16 of shape \[2, 4\] with 1 scales; int8_tensorwise is a matrix of",
    ),
    "scales that do not fit": (
        {
            "a.weight": ROW,
            "a.weight_scale": torch.ones(3),
            "a.comfy_quant": told({"format": "int8_tensorwise"}),
        },
        "3 scales; int8_tensorwise is a matrix of torch.int8 with 1 scale, "
        "or as many as it has rows",
    ),
    "no weight": (
        {"a.comfy_quant": told({"format": "int8_tensorwise"})},
        r"names a as quantised, and holds no a\.weight",
    ),
    "no JSON": ({"a.weight": ROW, "a.comfy_quant": torch.zeros(3)}, "which cannot be read"),
    "a list": ({"a.weight": ROW, "a.comfy_quant": told([1])}, "which cannot be read"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_decoded_is_told(case: str) -> None:
    tensors, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        decoded(tensors, {}, "m.safetensors")


@pytest.mark.parametrize("text", ["{", '{"layers": 3}', '{"layers": {"a": 3}}', "7"])
def test_metadata_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="says of its quantised layers"):
        decoded({"a.weight": ROW}, {"_quantization_metadata": text}, "m.safetensors")
