"""A CameraCtrl file -> a ModelPatcher of a CameraControl, told by its content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import comfy.model_management as memory
import comfy.ops
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...compat import is_dynamic, patcher_class, remember_loader
from ...detect import check_tensors, positions_of
from ...empty_layers import EmptyLayers
from ...kinds import CAMERA_CONTROL, KIND_PHRASES, Shapes, kind_of
from ...layouts import strip_wrappers
from ...load import weight_dtype
from ...modules import PositionalEncoding
from ...read import read_finite
from ...specs import FAMILIES, MotionLayout, MotionSpec
from .encoder import CameraControl, CameraSpec

FAMILY, POSITIONS = FAMILIES["v3"], 16
"""What it was trained with (configs/train_cameractrl)."""

LEVEL = re.compile(r"encoder_down_conv_blocks\.(\d+)\.(\d+)\.block2\.weight")
TABLE = ".pos_encoder.pe"


def load_camera_control(path: str, disable_dynamic: bool = False) -> ModelPatcher:
    """The adapter in a file. Raises ValueError with one sentence when the file is no CameraCtrl
    adapter, or is damaged or incomplete."""
    name = Path(path).name
    tensors = read_finite(path)
    kind = kind_of(tensors)
    if kind != CAMERA_CONTROL:
        raise ValueError(f"{name} is no CameraCtrl adapter but {KIND_PHRASES[kind]}.")
    weights = {strip_wrappers(key): weight for key, weight in tensors.items()}
    try:
        spec = spec_of({key: tuple(weight.shape) for key, weight in weights.items()}, name)
    except ValueError as error:
        raise ValueError(f"{name} cannot be used as a CameraCtrl adapter: {error}.") from error
    patcher = build(spec, weights, disable_dynamic)
    patcher.model.source = path
    remember_loader(patcher, load_camera_control, (path,))
    return patcher


def spec_of(shapes: Shapes, name: str) -> CameraSpec:
    """Widths, blocks and positions, read from shapes; raises ValueError unless every tensor is
    there, with its shape, and no other."""
    found = [
        (*map(int, match.groups()), shapes[key][0])
        for key in shapes
        if (match := LEVEL.fullmatch(key))
    ]
    widths = tuple(width for _, j, width in sorted(found) if j == 0)
    blocks = max((j + 1 for _, j, _ in found), default=0)
    middle = any(key.startswith("mid_block.") for key in shapes)
    positions = positions_of(shapes) or POSITIONS
    if not widths:
        raise ValueError("its pose encoder is missing: download it again")
    motion = MotionSpec(name, FAMILY, MotionLayout(widths, middle), positions)
    spec = CameraSpec(motion, blocks)
    empty = CameraControl(spec, EmptyLayers, torch.float32, "meta")
    expected = {key: tuple(weight.shape) for key, weight in empty.state_dict().items()}
    tables = {f"{n}.pe": (1, positions, m.pe.shape[-1]) for n, m in encoders(empty).items()}
    check_tensors(shapes, expected, tables, "CameraCtrl adapter")
    return spec


def encoders(model: CameraControl) -> dict[str, PositionalEncoding]:
    return {n: m for n, m in model.named_modules() if isinstance(m, PositionalEncoding)}


def build(
    spec: CameraSpec, weights: Mapping[str, Tensor], disable_dynamic: bool = False
) -> ModelPatcher:
    """A ModelPatcher with these weights (the authors' names), in ComfyUI's choice of dtype."""
    matrices = {key: weight for key, weight in weights.items() if not key.endswith(TABLE)}
    dtype, offload = weight_dtype(matrices), memory.unet_offload_device()
    model = CameraControl(spec, comfy.ops.manual_cast, dtype, offload)
    patcher = patcher_class(disable_dynamic)(model, memory.get_torch_device(), offload)
    assign = {"assign": True} if is_dynamic(patcher) else {}
    model.load_state_dict({k: w.to(dtype) for k, w in matrices.items()}, strict=True, **assign)
    for name, encoder in encoders(model).items():
        if f"{name}.pe" in weights:  # the authors' loader takes the file's tables, too
            encoder.pe = weights[f"{name}.pe"].float()
    return patcher
