"""AnimateDiff settings: stretched positions, scaled weights, and a mask of motion scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...motion_models.adjust import Adjustment, PositionSteps
from .inputs import number, sockets, switch, whole
from .multivals import Multival, scaled_mask
from .old_node import OldNode


@dataclass(frozen=True, eq=False)
class Settings:
    """What is done to a motion model when it is loaded, and its motion scale over a mask."""

    adjustment: Adjustment = Adjustment()
    scale: Multival | None = None


def stretch(
    sweetspot: int = 16, new_sweetspot: int = 16, prev_pe_adjust: Any = None, **unknown: Any
) -> tuple[tuple[PositionSteps, ...]]:
    return ((*(prev_pe_adjust or ()), PositionSteps(keep=sweetspot, length=new_sweetspot)),)


def multiply(
    all_MULT: float = 1.0,
    prev_weight_adjust: Any = None,
    **unknown: Any,
) -> tuple[tuple[tuple[str, float], ...]]:
    return ((*(prev_weight_adjust or ()), ("all", all_MULT)),)


def bundle(pe_adjust: Any = None, weight_adjust: Any = None, **unknown: Any) -> tuple[Settings]:
    return (Settings(Adjustment(pe_adjust or (), weight_adjust or ())),)


STRENGTHS = {
    "pe_strength": "pe",
    "attn_strength": "attn",
    "attn_q_strength": "attn_q",
    "attn_k_strength": "attn_k",
    "attn_v_strength": "attn_v",
    "attn_out_weight_strength": "attn_out_weight",
    "attn_out_bias_strength": "attn_out_bias",
    "other_strength": "other",
}


def model_settings(
    motion_pe_stretch: int = 0,
    cap_initial_pe_length: int = 0,
    interpolate_pe_to_length: int = 0,
    initial_pe_idx_offset: int = 0,
    final_pe_idx_offset: int = 0,
    mask_motion_scale: Any = None,
    min_motion_scale: float = 1.0,
    max_motion_scale: float = 1.0,
    **strengths: Any,
) -> tuple[Settings]:
    positions = PositionSteps(
        motion_pe_stretch,
        initial_pe_idx_offset,
        cap_initial_pe_length,
        interpolate_pe_to_length,
        final_pe_idx_offset,
    )
    given = {group: strengths.get(name, 1.0) for name, group in STRENGTHS.items()}
    scale = None
    if mask_motion_scale is not None:
        scale = scaled_mask(min_motion_scale, max_motion_scale, mask_motion_scale, relative=True)
    return (Settings(Adjustment((positions,), tuple(given.items())), scale),)


def strengths(*names: str) -> list[Any]:
    return [number(name, 1.0, 0.0, 10.0, 0.0001) for name in names]


POSITIONS = (
    "motion_pe_stretch",
    "cap_initial_pe_length",
    "interpolate_pe_to_length",
    "initial_pe_idx_offset",
    "final_pe_idx_offset",
)


def positions() -> list[Any]:
    return [whole(name, 0) for name in POSITIONS]


def masked() -> list[Any]:
    return [
        *sockets("MASK mask_motion_scale"),
        number("min_motion_scale", 1.0, optional=True),
        number("max_motion_scale", 1.0, optional=True),
    ]


AD_SETTINGS = (("AD_SETTINGS", "AD_SETTINGS"),)

NODES = (
    OldNode(
        "ADE_AnimateDiffSettings",
        "AnimateDiff Settings 🎭🅐🅓",
        lambda: sockets("PE_ADJUST pe_adjust", "WEIGHT_ADJUST weight_adjust"),
        AD_SETTINGS,
        bundle,
    ),
    OldNode(
        "ADE_AdjustPESweetspotStretch",
        "Adjust PE [Sweetspot] 🎭🅐🅓",
        lambda: [
            whole("sweetspot", 16),
            whole("new_sweetspot", 16),
            switch("print_adjustment"),
            *sockets("PE_ADJUST prev_pe_adjust"),
        ],
        (("PE_ADJUST", "PE_ADJUST"),),
        stretch,
    ),
    OldNode(
        "ADE_AdjustWeightAllMult",
        "Adjust Weight [All◆Mult] 🎭🅐🅓",
        lambda: [
            number("all_MULT", 1.0, 0.0, 2.0, 0.000001),
            switch("print_adjustment"),
            *sockets("WEIGHT_ADJUST prev_weight_adjust"),
        ],
        (("WEIGHT_ADJUST", "WEIGHT_ADJUST"),),
        multiply,
    ),
    OldNode(
        "ADE_AnimateDiffModelSettingsSimple",
        "🚫[DEPR] Motion Model Settings (Simple)🎭🅐🅓①",
        lambda: [whole("motion_pe_stretch", 0), *masked()],
        AD_SETTINGS,
        model_settings,
    ),
    OldNode(
        "ADE_AnimateDiffModelSettings",
        "🚫[DEPR] Motion Model Settings (Advanced)🎭🅐🅓①",
        lambda: [
            *strengths("pe_strength", "attn_strength", "other_strength"),
            *positions(),
            *masked(),
        ],
        AD_SETTINGS,
        model_settings,
    ),
    OldNode(
        "ADE_AnimateDiffModelSettingsAdvancedAttnStrengths",
        "🚫[DEPR] Motion Model Settings (Adv. Attn)🎭🅐🅓①",
        lambda: [*strengths(*STRENGTHS), *positions(), *masked()],
        AD_SETTINGS,
        model_settings,
    ),
)
