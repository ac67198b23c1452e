"""An AnimateLCM-I2V file: a motion model of AnimateLCM, and its image encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...detect import (
    AUTOMATIC,
    Detected,
    check_complete,
    check_tensors,
    layout_of,
    motion_keys,
    positions_of,
)
from ...layouts import strip_wrappers
from ...model import MotionModel
from ..image_models import IMAGE_TO_VIDEO
from .encoder import ImageEncoder, encoder_shapes

START = "img_encoder."


def read_image_to_video(
    tensors: Mapping[str, Tensor], family: str
) -> tuple[dict[str, Tensor], Detected]:
    """Weights by the authors' names, and what they are."""
    if family != AUTOMATIC:
        raise ValueError(
            f"it is an AnimateLCM-I2V model, which family {family} would not compute: choose "
            f"{AUTOMATIC} as family on Load Motion Model"
        )
    official, _ = motion_keys(tensors)
    weights = {new: tensors[old] for old, new in official.items()}
    shapes = {key: tuple(weight.shape) for key, weight in weights.items()}
    layout, positions = layout_of(shapes), positions_of(shapes)
    check_complete(shapes, layout, positions)
    encoder = {strip_wrappers(key): weight for key, weight in tensors.items()}
    encoder = {key: weight for key, weight in encoder.items() if key.startswith(START)}
    found = {key: tuple(weight.shape) for key, weight in encoder.items()}
    check_tensors(found, encoder_shapes(layout.widths), {}, "image encoder")
    return {**weights, **encoder}, Detected(IMAGE_TO_VIDEO, layout, positions)


def add_encoder(
    model: MotionModel, operations: Any, dtype: torch.dtype, device: torch.device
) -> None:
    """Give a motion model of AnimateLCM-I2V its image encoder."""
    widths = model.spec.layout.widths
    model.img_encoder = ImageEncoder(widths, operations, dtype=dtype, device=device)
