"""A PIA file: a whole UNet with motion modules whose first convolution takes 9 channels.

They are the noisy latent (4), the mask (1) and the picture's latent (4). On a community checkpoint
the weights of the first four and the bias are the checkpoint's (i2v_pipeline.py of
open-mmlab/PIA), so those of the last five are all that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...detect import AUTOMATIC, Detected, check_complete, layout_of, motion_keys, positions_of
from ...layouts import strip_wrappers
from ...model import MotionModel
from ..image_models import PIA

KEY = "conv_in.weight"
LATENT, SEEN = 4, 5
"""Channels of the noisy latent, and of mask and picture behind it."""


def read_pia(tensors: Mapping[str, Tensor], family: str) -> tuple[dict[str, Tensor], Detected]:
    """Weights by the authors' names, and what they are."""
    if family != AUTOMATIC:
        raise ValueError(
            f"it is a PIA model, which family {family} would not compute: choose {AUTOMATIC} as "
            "family on Load Motion Model"
        )
    official, _ = motion_keys(tensors)
    weights = {new: tensors[old] for old, new in official.items()}
    shapes = {key: tuple(weight.shape) for key, weight in weights.items()}
    layout, positions = layout_of(shapes), positions_of(shapes)
    check_complete(shapes, layout, positions)
    weights[KEY] = seen_weights(tensors, layout.widths[0])
    return weights, Detected(PIA, layout, positions)


def seen_weights(tensors: Mapping[str, Tensor], width: int) -> Tensor:
    """Those of the first convolution that meet mask and picture.   -> width 5 3 3"""
    (whole,) = (weight for key, weight in tensors.items() if strip_wrappers(key) == KEY)
    shape = (width, LATENT + SEEN, 3, 3)
    if tuple(whole.shape) != shape:
        raise ValueError(
            f"its {KEY} has the shape {list(whole.shape)} instead of {list(shape)}: download it "
            "again"
        )
    return whole[:, LATENT:].contiguous()


def add_convolution(
    model: MotionModel, operations: Any, dtype: torch.dtype, device: torch.device
) -> None:
    """Give a motion model of PIA its part of the first convolution."""
    width = model.spec.layout.widths[0]
    model.conv_in = operations.Conv2d(
        SEEN, width, 3, padding=1, bias=False, dtype=dtype, device=device
    )
