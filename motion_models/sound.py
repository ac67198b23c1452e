"""Which numbers weights, and what weighs them, may be: plain ones of a size that trained ones have.

A number that is too large makes NaN of every frame, far from where it came from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor

LARGEST = 65504.0
"""Above the largest number of float16 a weight is infinite where the UNet computes in half
precision, and cannot stand in a file of half precision, as most are. Trained weights are of the
order of 1."""


def check_plain(tensors: Mapping[str, Tensor], name: str) -> None:
    """Raise ValueError for a tensor that is none of plain numbers, each of which the file holds."""
    for key, tensor in tensors.items():
        if what := strangeness(tensor):
            raise ValueError(
                f"{name} holds {what}, {key} for one, where weights belong. Get them as "
                ".safetensors, or from their author."
            )


def strangeness(tensor: Tensor) -> str | None:
    """What a tensor is, if it is no plain one."""
    if tensor.is_nested:
        return "a nested tensor"
    if tensor.layout != torch.strided:
        return "a sparse tensor"
    if tensor.is_quantized:
        return "a quantised tensor"
    if tensor.is_meta:
        return "a tensor without numbers"
    if tensor.is_complex():
        return "complex numbers"
    needed, stored = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
    if needed > stored:
        return f"a tensor of shape {list(tensor.shape)} of which only {stored:,} bytes are stored"
    return None


def check_finite(weights: Mapping[str, Tensor], name: str) -> None:
    """Raise ValueError if a weight is NaN, infinite or larger than LARGEST, which would turn every
    frame black, and ComfyUI's InterruptProcessingException after Cancel: this is what reads the
    numbers from the disk, gigabytes at times."""
    for key, weight in weights.items():
        throw_exception_if_processing_interrupted()
        largest = largest_of(weight)
        if not math.isfinite(largest):
            raise ValueError(
                f"{name} holds NaN or infinite weights, in {key} for one. Download it again."
            )
        if largest > LARGEST:
            raise ValueError(
                f"{name} holds a weight of {largest:.3g} in {key}, and {LARGEST:g}, the largest "
                "number of half precision, is the most that one can be. Download it again."
            )


def largest_of(weight: Tensor) -> float:
    """The size of a tensor's largest number, whatever its sign; NaN or infinite where one is. 0 of
    whole numbers, which are no weights.

    The extremes tell, since NaN goes before all else in both. Finding them writes nothing and takes
    a seventh to a tenth of the time of `torch.isfinite(weight).all()`, which writes whole tensors.
    """
    if not weight.is_floating_point() or weight.numel() == 0:
        return 0.0
    values = weight.float() if weight.element_size() == 1 else weight
    return float(torch.stack(values.aminmax()).double().abs().max())


def not_floating(weights: Mapping[str, Tensor]) -> str | None:
    """The name of a tensor of whole numbers or truth values, if there is one."""
    return next((key for key, weight in weights.items() if not weight.is_floating_point()), None)


def alpha_of(whose: str, key: str, alpha: Tensor) -> float:
    """The number that an alpha is. Raises ValueError that begins with `whose`."""
    if alpha.numel() != 1:
        raise ValueError(
            f"{whose} {key} has the shape {list(alpha.shape)}, where one number belongs. "
            "Download it again."
        )
    value = float(alpha)
    if not abs(value) <= LARGEST:
        raise ValueError(
            f"{whose} {key} is {value:.3g}, and {LARGEST:g} is the most that an alpha can be. "
            "Download it again."
        )
    return value


def check_number(name: str, value: object) -> None:
    """Raise ValueError for a number that nothing can be multiplied with, which a workflow that came
    as JSON may hold. name: of the input. What is no number at all, passes."""
    if isinstance(value, (int, float)) and not math.isfinite(value):
        raise ValueError(f"{name} is {value}, which is no number to multiply with. Set it to 1.")
