"""What belongs to each frame of the video, cut down to the frames of one window.

ComfyUI lets a batch of conditionings be shorter than the batch of latents (it repeats from the
start) or longer (the rest is unused); frame i therefore has entry i modulo the batch's size, and
that is what its window gets. A single entry serves all frames and is passed on as it is.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .controls import Hints
from .frames import frames_of

Cond = dict[str, Any]


def window_conds(
    conds: list[list[Cond] | None], window: list[int], hints: Hints
) -> list[list[Cond] | None]:
    """The conditionings of one model call (positive, negative...) for one window; `hints` cuts
    their ControlNets."""
    return [
        None if group is None else [window_cond(cond, window, hints) for cond in group]
        for group in conds
    ]


def window_cond(cond: Cond, window: list[int], hints: Hints) -> Cond:
    """One conditioning for one window: text, pooled text, inpainting latents, mask, ControlNets,
    GLIGEN."""
    cut = dict(cond)
    cut["model_conds"] = {
        key: window_model_cond(value, window) for key, value in cond.get("model_conds", {}).items()
    }
    if isinstance(cond.get("mask"), Tensor):
        cut["mask"] = frames_of(cond["mask"], window)
    if cond.get("control") is not None:
        cut["control"] = hints.of(cond["control"], window)
    if cond.get("gligen") is not None:
        cut["gligen"] = window_gligen(cond["gligen"], window)
    return cut


def window_model_cond(value: Any, window: list[int]) -> Any:
    """One of ComfyUI's CONDRegular, CONDCrossAttn, CONDNoiseShape, CONDList...; constants stay
    as they are."""
    held = getattr(value, "cond", None)
    if isinstance(held, Tensor):
        return value._copy_with(frames_of(held, window))
    if isinstance(held, list) and held and all(isinstance(entry, Tensor) for entry in held):
        return value._copy_with([frames_of(entry, window) for entry in held])
    return value


def controls_of(conds: list[list[Cond] | None]) -> list[Any]:
    """The ControlNets of conditionings."""
    return [cond["control"] for group in conds for cond in group or () if cond.get("control")]


def window_gligen(gligen: tuple[Any, ...], window: list[int]) -> tuple[Any, ...]:
    """GLIGEN's boxes: one list for all frames ("position"), or one a frame ("position_batched")."""
    kind, model, boxes = gligen
    if kind != "position_batched":
        return gligen
    return kind, model, [boxes[frame % len(boxes)] for frame in window]
