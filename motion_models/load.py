"""A motion model file -> a ModelPatcher of a MotionModel, told by its content."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import comfy.model_management as memory
import comfy.ops
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from .adapters import image_models
from .adapters.image_to_video.read import add_encoder, read_image_to_video
from .adapters.pia.read import add_convolution, read_pia
from .compat import is_dynamic, patcher_class, remember_loader
from .detect import AUTOMATIC, Detected, identify, motion_keys
from .kinds import IMAGE_TO_VIDEO, KIND_PHRASES, MOTION_MODEL, PIA, kind_of
from .model import MotionModel
from .model import motion_model as motion_model
from .modules import PositionalEncoding
from .read import read_weights
from .sound import check_finite, not_floating
from .specs import FAMILIES, MotionSpec

log = logging.getLogger(__name__)

FLOAT32_ARITHMETIC = 1e-5
"""By how much position tables of different machines differ: the angle of row t carries t times the
rounding of its frequency."""


def load_motion_model(
    path: str, family: str = AUTOMATIC, disable_dynamic: bool = False
) -> ModelPatcher:
    """The motion model in a file, ready to be applied to any number of models.

    `family` is a name in FAMILIES, or "automatic". `disable_dynamic` is ComfyUI's wish for a
    patcher that keeps its weights in memory. Raises ValueError with one sentence when the file is
    no motion model, is damaged, or cannot be told apart.
    """
    name = Path(path).name
    if family not in (AUTOMATIC, *FAMILIES):
        raise ValueError(
            f"{family!r} is no family of motion models; the families are {', '.join(FAMILIES)}."
        )
    tensors, about = read_weights(path)
    if family == AUTOMATIC:
        family = family_in(about)
    weights, detected = sort_out(tensors, family, name)
    check_finite(weights, name)
    spec = MotionSpec(name, detected.family, detected.layout, table_length(detected))
    patcher = build(spec, weights, disable_dynamic)
    patcher.model.source = (path, family)
    remember_loader(patcher, load_motion_model, (path, family))
    for note in detected.notes:
        log.warning(
            "%s was taken for %s: %s. The family input overrides it.",
            name,
            detected.family.name,
            note,
        )
    return patcher


def family_in(about: Mapping[str, str]) -> str:
    """The family that our own training wrote into a file's metadata, else "automatic"."""
    ours = about.get("tool", "").startswith("AnimateDiff Kit")
    return about["family"] if ours and about.get("family") in FAMILIES else AUTOMATIC


def sort_out(
    tensors: Mapping[str, Tensor], family: str, name: str
) -> tuple[dict[str, Tensor], Detected]:
    """Weights by the authors' names, and what they are. Raises ValueError naming the file."""
    kind = kind_of(tensors)
    if kind not in READERS:
        raise ValueError(f"{name} is no motion model but {KIND_PHRASES[kind]}.")
    try:
        return READERS[kind](tensors, family)
    except ValueError as error:
        raise ValueError(f"{name} cannot be used as a motion model: {error}.") from error


def read_motion_model(
    tensors: Mapping[str, Tensor], family: str
) -> tuple[dict[str, Tensor], Detected]:
    """Weights by the authors' names, and what they are."""
    official, grammar = motion_keys(tensors)
    weights = {new: tensors[old] for old, new in official.items()}
    shapes = {key: tuple(t.shape) for key, t in weights.items()}
    if (wrong := not_floating(weights)) is not None:
        raise ValueError(
            f"its weights are of type {weights[wrong].dtype}, in {wrong} for one, which holds no "
            "fractions: download it again"
        )
    return weights, identify(shapes, grammar, family)


READERS = {
    MOTION_MODEL: read_motion_model,
    PIA: read_pia,
    IMAGE_TO_VIDEO: read_image_to_video,
}
"""What can be loaded as a motion model, by its kind (kinds.py), and what reads it."""

PARTS = {
    image_models.PIA: add_convolution,
    image_models.IMAGE_TO_VIDEO: add_encoder,
}
"""What a family has beside its motion modules, and what adds the layers for it."""


def table_length(detected: Detected) -> int:
    return detected.positions if detected.positions is not None else detected.family.positions


def build(
    spec: MotionSpec, weights: Mapping[str, Tensor], disable_dynamic: bool = False
) -> ModelPatcher:
    """A ModelPatcher of a MotionModel with these weights (authors' names), in ComfyUI's choice
    of dtype."""
    tables = {key: t for key, t in weights.items() if key.endswith(".pos_encoder.pe")}
    matrices = {key: t for key, t in weights.items() if key not in tables}
    dtype = weight_dtype(matrices)
    offload = memory.unet_offload_device()
    model = MotionModel(spec, comfy.ops.manual_cast, dtype, offload)
    if spec.family in PARTS:
        PARTS[spec.family](model, comfy.ops.manual_cast, dtype, offload)
    patcher = patcher_class(disable_dynamic)(model, memory.get_torch_device(), offload)
    assign = {"assign": True} if is_dynamic(patcher) else {}
    model.load_state_dict({key: t.to(dtype) for key, t in matrices.items()}, strict=True, **assign)
    keep_own_tables(model, tables)
    return patcher


def weight_dtype(weights: Mapping[str, Tensor]) -> torch.dtype:
    """ComfyUI's choice for a UNet of this size and stored dtype; the layers cast to the UNet's
    own dtype."""
    stored = [t.dtype for t in weights.values() if t.ndim > 1]
    parameters = sum(t.numel() for t in weights.values())
    most = max(set(stored), key=stored.count)
    return memory.unet_dtype(model_params=parameters, weight_dtype=most)


def keep_own_tables(model: MotionModel, tables: Mapping[str, Tensor]) -> None:
    """Use a stored position table where it is not the sinusoidal one.

    A table that equals the formula to its own precision was only rounded, by saving or by another
    machine's float32 arithmetic, and the formula is exact, as in the authors' loader; any other was
    trained or altered, and is kept as it is.
    """
    for key, stored in tables.items():
        encoder = model.get_submodule(key.removesuffix(".pe"))
        assert isinstance(encoder, PositionalEncoding)
        rounding = max(2 * torch.finfo(stored.dtype).eps, FLOAT32_ARITHMETIC)
        if not torch.allclose(stored.float(), encoder.pe, rtol=0.0, atol=rounding):
            encoder.pe = stored.float()
            other = key.replace("attention_blocks.0", "attention_blocks.1")
            if other not in tables:  # diffusers keeps one table for both attentions
                keep_own_tables(model, {other: stored})
