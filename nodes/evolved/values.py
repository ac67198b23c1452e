"""Nodes that hand on values: multivals, keyframes and names of MotionLoRAs."""

from __future__ import annotations

from typing import Any

from .attach import Loras
from .inputs import (
    choice,
    is_motion_lora,
    motion_lora,
    number,
    percent,
    socket,
    sockets,
    switch,
    whole,
)
from .keyframes import Keyframe
from .multivals import Multival, multival, scaled_mask
from .old_node import OldNode


def dynamic(float_val: Any = 1.0, mask_optional: Any = None, **unknown: Any) -> tuple[Multival]:
    return (multival(float_val, mask_optional),)


def of_mask(
    mask: Any,
    min_float_val: Any = 0.0,
    max_float_val: Any = 1.0,
    scaling: str = "absolute",
    **unknown: Any,
) -> tuple[Multival]:
    return (scaled_mask(min_float_val, max_float_val, mask, scaling == "relative"),)


def keyframe(
    start_percent: float = 0.0,
    prev_ad_keyframes: tuple[Keyframe, ...] = (),
    scale_multival: Multival | None = None,
    effect_multival: Multival | None = None,
    inherit_missing: bool = True,
    guarantee_steps: int = 1,
    **unknown: Any,
) -> tuple[tuple[Keyframe, ...]]:
    inherit = bool(inherit_missing)
    new = Keyframe(start_percent, scale_multival, effect_multival, inherit, guarantee_steps)
    return ((*(prev_ad_keyframes or ()), new),)


def lora(
    name: str | None, strength: float = 1.0, prev_motion_lora: Loras | None = None, **unknown: Any
) -> tuple[Loras]:
    """Pages where no file was there saved none."""
    new = () if name in (None, "None") else ((name, strength),)
    return ((*(prev_motion_lora or ()), *new),)


NODES = (
    OldNode(
        "ADE_AnimateDiffLoRALoader",
        "Load AnimateDiff LoRA 🎭🅐🅓",
        lambda: [
            motion_lora(),
            number("strength", 1.0, 0.0, 10.0),
            *sockets("MOTION_LORA prev_motion_lora"),
        ],
        (("MOTION_LORA", "MOTION_LORA"),),
        lora,
        (("name", is_motion_lora),),
    ),
    OldNode(
        "ADE_MultivalDynamic",
        "Multival 🎭🅐🅓",
        lambda: [number("float_val", 1.0), *sockets("MASK mask_optional")],
        (("MULTIVAL", "MULTIVAL"),),
        dynamic,
    ),
    OldNode(
        "ADE_MultivalScaledMask",
        "Multival Scaled Mask 🎭🅐🅓",
        lambda: [
            number("min_float_val", 0.0),
            number("max_float_val", 1.0),
            socket("MASK", "mask", optional=False),
            choice("scaling", ["absolute", "relative"], optional=True),
        ],
        (("MULTIVAL", "MULTIVAL"),),
        of_mask,
    ),
    OldNode(
        "ADE_AnimateDiffKeyframe",
        "AnimateDiff Keyframe 🎭🅐🅓",
        lambda: [
            percent("start_percent", 0.0),
            *sockets("AD_KEYFRAMES prev_ad_keyframes", "MULTIVAL scale_multival"),
            *sockets("MULTIVAL effect_multival", "PER_BLOCK per_block_replace"),
            switch("inherit_missing", True, optional=True),
            whole("guarantee_steps", 1, optional=True),
        ],
        (("AD_KEYFRAMES", "AD_KEYFRAMES"),),
        keyframe,
    ),
)
