"""Weights files whose matrices are stored in 8 bits with a scale, decoded as they are read.

ComfyUI names such layers in three ways: by a tensor `layer.comfy_quant` (JSON in bytes), by the
metadata `_quantization_metadata`, and by a tensor `scaled_fp8` beside `layer.scale_weight` (comfy/
ops.py and utils.py). The decoded weights are plain ones, in half precision: so LoRAs, merging and
every other layer take them, and this ComfyUI need not know the format. The file is small, the
weights in memory are not; a file in float8 without scales stays in 8 bits there as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

FORMATS = {
    # ComfyUI's name -> how numbers are stored
    "float8_e4m3fn": torch.float8_e4m3fn,
    "float8_e5m2": torch.float8_e5m2,
    "int8_tensorwise": torch.int8,
}

LONGEST = 2**16
"""Bytes of what is said of one layer."""

METADATA, MARK, OLD_MARK = "_quantization_metadata", ".comfy_quant", "scaled_fp8"
WEIGHT, SCALE, OLD_SCALE = ".weight", ".weight_scale", ".scale_weight"
OF_INPUTS = (".input_scale", ".scale_input")
"""Scales of what a layer is given, for products in 8 bits; decoded weights have no use for them."""


def decoded(tensors: dict[str, Tensor], about: Mapping[str, str], name: str) -> dict[str, Tensor]:
    """The tensors of a weights file with every quantised layer in half precision, and without what
    said how; those of any other file as they are.   about: the file's metadata

    Raises ValueError for a format that is not decoded here, and for scales that do not fit.
    """
    layers = layers_in(tensors, about, name)
    if not layers:
        return tensors
    plain = {key: t for key, t in tensors.items() if not is_told(key, layers)}
    for layer, settings in layers.items():
        if layer + WEIGHT not in tensors:
            raise ValueError(
                f"{name} names {layer} as quantised, and holds no {layer}{WEIGHT}. Download it "
                "again."
            )
        plain[layer + WEIGHT] = decoded_weight(tensors, layer, settings, name)
    return plain


def layers_in(
    tensors: Mapping[str, Tensor], about: Mapping[str, str], name: str
) -> dict[str, dict[str, Any]]:
    """What is said of each quantised layer, by the layer's name."""
    layers: dict[str, dict[str, Any]] = {}
    if METADATA in about:
        layers.update(read(about[METADATA], name).get("layers", {}))
    for key, tensor in tensors.items():
        if key.endswith(MARK):
            written = bytes(tensor.flatten()[:LONGEST].to(torch.uint8).tolist())
            layers[key.removesuffix(MARK)] = read(written, name)
        elif key.endswith(OLD_SCALE):
            layer = key.removesuffix(OLD_SCALE)
            stored = getattr(tensors.get(layer + WEIGHT), "dtype", None)
            found = (form for form, dtype in FORMATS.items() if dtype == stored)
            layers.setdefault(layer, {"format": next(found, str(stored))})
    return layers


def read(text: str | bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        layers = found.get("layers", {})
        if all(isinstance(settings, dict) for settings in (layers, *layers.values())):
            return found
    except (ValueError, AttributeError, RecursionError):
        pass
    raise ValueError(
        f"{name} says of its quantised layers {text[:60]!r}, which cannot be read. Download it "
        "again."
    )


def is_told(key: str, layers: Mapping[str, Any]) -> bool:
    """Whether a tensor is none of the weights, but says how one was quantised."""
    if key.split(".")[-1] == OLD_MARK:
        return True
    for end in (MARK, SCALE, OLD_SCALE, *OF_INPUTS):
        if key.endswith(end) and key.removesuffix(end) in layers:
            return True
    return False


def decoded_weight(
    tensors: Mapping[str, Tensor], layer: str, settings: Mapping[str, Any], name: str
) -> Tensor:
    """Number times scale, one scale for a matrix or one for each of its rows.   -> out in, float16;
    float32 where that would not hold it"""
    form, weight = settings.get("format"), tensors[layer + WEIGHT]
    turned = settings.get("convrot") or (settings.get("params") or {}).get("convrot")
    if form not in FORMATS or turned or layer + ".pre_quant_scale" in tensors:
        raise ValueError(
            f"{name} holds weights quantised as {form}{' and rotated' * bool(turned)}, {layer} for "
            f"one; {', '.join(FORMATS)} can be read. Get it in one of these, or in half precision."
        )
    scale = tensors.get(layer + SCALE, tensors.get(layer + OLD_SCALE))
    scale = torch.ones(()) if scale is None else scale
    fits = weight.ndim == 2 and scale.numel() in (1, len(weight))
    if weight.dtype != FORMATS[form] or not fits:
        raise ValueError(
            f"{name} holds {layer} as {weight.dtype} of shape {list(weight.shape)} with "
            f"{scale.numel()} scales; {form} is a matrix of {FORMATS[form]} with 1 scale, "
            "or as many as it has rows. Download it again."
        )
    exact = weight.float() * scale.float().reshape(-1, 1)
    half = exact.half()
    return half if bool(half.isfinite().all()) else exact
