"""Training a MotionLoRA on from a file instead of from nothing.

What strong and weak noise teach differs: the way that a camera moves is settled in strong noise,
how far it goes in weaker noise, which drowns the other where both are trained at once. Two runs
after one another, the second from the first's file, have both.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...motion_models.kinds import KIND_PHRASES, MOTION_LORA, kind_of
from ...motion_models.lora import LowRank, parse_motion_lora
from ...motion_models.specs import MotionSpec


def start_from(
    parameters: Mapping[str, nn.Parameter],
    tensors: Mapping[str, Tensor],
    spec: MotionSpec,
    scale: float = 1.0,
) -> None:
    """Set a MotionLoRA's parameters to those of a file in any spelling; its alpha goes into `up`,
    and the scale that the parameters are trained with out of it.

    Raises ValueError for a file of another kind, of other layers or of another rank.
    """
    kind = kind_of(tensors)
    if kind != MOTION_LORA:
        raise ValueError(f"The file to start from is no MotionLoRA but {KIND_PHRASES[kind]}.")
    trained = parse_motion_lora(dict(parameters), spec).pairs
    found = parse_motion_lora(tensors, spec).pairs
    if any(pair.magnitude is not None for pair in found.values()):
        raise ValueError(
            "The file to start from is a DoRA, whose dora_scale a MotionLoRA lacks; start from a "
            "plain LoRA, or from none."
        )
    check_layers(trained, found, spec)
    with torch.no_grad():
        for layer, pair in trained.items():
            copy(found[layer], pair, scale)


def check_layers(
    trained: Mapping[str, LowRank], found: Mapping[str, LowRank], spec: MotionSpec
) -> None:
    """Raise ValueError unless the file's pairs are those that are trained, of the same shapes."""
    if trained.keys() != found.keys():
        raise ValueError(
            f"The MotionLoRA to start from changes {len(trained.keys() & found.keys())} of the "
            f"{len(trained)} layers of {spec.name} that are trained, and "
            f"{len(found.keys() - trained.keys())} others; start from one that was trained on this "
            "motion model."
        )
    for layer, pair in trained.items():
        shapes = [
            [None if part is None else tuple(part.shape) for part in (one.down, one.up)]
            for one in (found[layer], pair)
        ]
        there, wanted = map(shapes_text, shapes)
        if there != wanted:
            raise ValueError(
                f"In the MotionLoRA to start from, {layer} has the shapes {there}, and those that "
                f"are trained are {wanted}; start from one of the same motion model, and set the "
                "rank to the file's, which is the first number."
            )


def shapes_text(shapes: list[tuple[int, ...] | None]) -> str:
    return " and ".join("none" if s is None else "x".join(map(str, s)) for s in shapes)


def copy(source: LowRank, target: LowRank, trained_at: float) -> None:
    assert source.down is not None and source.up is not None  # check_layers has compared them
    assert target.down is not None and target.up is not None
    scale = 1.0 if source.alpha is None else source.alpha / source.down.shape[0]
    target.down.copy_(source.down)
    target.up.copy_(source.up.float() * (scale / trained_at))
