"""A SparseCtrl file -> a control, told by its content; in the authors' spelling and diffusers'."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import comfy.model_management as memory
import comfy.ops
import comfy.utils
import torch
from torch import Tensor

from ...detect import check_tensors, layout_of, motion_keys, positions_of
from ...empty_layers import EmptyLayers
from ...kinds import KIND_PHRASES, SPARSE_CONTROL, Shapes, kind_of
from ...layouts import strip_wrappers
from ...load import keep_own_tables
from ...read import read_finite
from ...specs import FAMILIES, MotionSpec, expected_shapes, table_shapes
from .control import SparseControl
from .network import EncoderLayout, SparseEncoder, SparseSpec

FAMILY = FAMILIES["v3"]
"""Whose rules SparseCtrl's motion modules have: norms per frame, 32 positions."""

TEXT = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
LATENT_HINT = "controlnet_cond_embedding.weight"
PICTURE_HINT = "controlnet_cond_embedding.conv_in.weight"
HINT_LAYERS = {
    # of controlnet_cond_embedding -> place in ComfyUI's stack
    "conv_in": 0,
    **{f"blocks.{i}": 2 * (i + 1) for i in range(6)},
    "conv_out": 14,
}


def load_sparse_control(path: str) -> SparseControl:
    """The control in a file. Raises ValueError with one sentence when the file is no SparseCtrl
    model, or is damaged or incomplete."""
    name = Path(path).name
    tensors = read_finite(path)
    kind = kind_of(tensors)
    if kind != SPARSE_CONTROL:
        raise ValueError(f"{name} is no SparseCtrl model but {KIND_PHRASES[kind]}.")
    try:
        spec, weights = sort_out(tensors, name)
    except ValueError as error:
        raise ValueError(f"{name} cannot be used as a SparseCtrl model: {error}.") from error
    return build(spec, weights)


def sort_out(tensors: Mapping[str, Tensor], name: str) -> tuple[SparseSpec, dict[str, Tensor]]:
    """What a file holds, and its weights by the names of the file's authors."""
    motion, _ = motion_keys(tensors)
    spatial = {strip_wrappers(key): key for key in tensors if key not in motion}
    weights = {new: tensors[old] for new, old in spatial.items()}
    weights |= {new: tensors[old] for old, new in motion.items()}
    shapes = {key: tuple(weight.shape) for key, weight in weights.items()}
    spec = spec_of(shapes, name)
    check_complete(shapes, spec)
    return spec, weights


def spec_of(shapes: Shapes, name: str) -> SparseSpec:
    """Widths, positions and hints, read from shapes in the authors' grammar."""
    found = layout_of({key: shape for key, shape in shapes.items() if ".motion_modules." in key})
    layout = EncoderLayout(found.widths, False, found.layers, found.attentions)
    positions = positions_of(shapes)
    hint = LATENT_HINT if LATENT_HINT in shapes else PICTURE_HINT
    for needed, key in (("hints", hint), ("text", TEXT)):
        if key not in shapes or len(shapes[key]) < 2:
            raise ValueError(f"the tensor that takes {needed} is missing in it: download it again")
    motion = MotionSpec(name, FAMILY, layout, FAMILY.positions if positions is None else positions)
    return SparseSpec(motion, shapes[TEXT][1], shapes[hint][1], hint == LATENT_HINT)


def empty_network(spec: SparseSpec) -> SparseEncoder:
    return SparseEncoder(spec, EmptyLayers, torch.float32, "meta")


def spatial_names(spec: SparseSpec, network: SparseEncoder) -> dict[str, str]:
    """Names of the file -> names of the empty network, motion modules left out."""
    config = spec.encoder()
    config["transformer_depth_output"] = [0] * len(config["transformer_depth"]) * 2
    names = comfy.utils.unet_to_diffusers(config)
    for end in ("weight", "bias"):
        names[f"controlnet_mid_block.{end}"] = f"middle_block_out.0.{end}"
        for i in range(len(network.zero_convs)):
            names[f"controlnet_down_blocks.{i}.{end}"] = f"zero_convs.{i}.0.{end}"
        layers = {"": 0} if spec.latents else HINT_LAYERS
        for layer, place in layers.items():
            key = ".".join(part for part in ("controlnet_cond_embedding", layer, end) if part)
            names[key] = f"input_hint_block.{place}.{end}"
    known = network.state_dict()
    return {theirs: ours for theirs, ours in names.items() if ours in known}


def check_complete(shapes: Shapes, spec: SparseSpec) -> None:
    """Raise ValueError unless every tensor is there, with its shape, and no other."""
    empty = empty_network(spec)
    made = empty.state_dict()
    names = spatial_names(spec, empty)
    expected = {theirs: tuple(made[ours].shape) for theirs, ours in names.items()}
    layout = spec.motion.layout
    expected |= expected_shapes(layout)
    check_tensors(shapes, expected, table_shapes(layout, spec.motion.positions), "SparseCtrl model")


def build(spec: SparseSpec, weights: Mapping[str, Tensor]) -> SparseControl:
    """A control with these weights (the file's names), in ComfyUI's choice of dtype."""
    device, offload = memory.get_torch_device(), memory.unet_offload_device()
    stored = comfy.utils.weight_dtype(dict(weights))
    dtype = memory.unet_dtype(model_params=-1, weight_dtype=stored)
    cast = memory.unet_manual_cast(dtype, device)
    network = SparseEncoder(spec, comfy.ops.pick_operations(dtype, cast), dtype, offload)
    names = spatial_names(spec, empty_network(spec))
    state = {ours: weights[theirs] for theirs, ours in names.items()}
    state |= {f"motion.{key}": weights[key] for key in expected_shapes(spec.motion.layout)}
    network.load_state_dict({key: weight.to(dtype) for key, weight in state.items()})
    tables = {key: t for key, t in weights.items() if key.endswith(".pos_encoder.pe")}
    keep_own_tables(network.motion, tables)
    return SparseControl(network, device, cast)
