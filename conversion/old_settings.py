"""AnimateDiff-Evolved's nodes that travel to a loader through its sockets: windows, sample
settings, keyframes, and changes to a motion model. `old_nodes` has the others."""

from __future__ import annotations

from typing import Any

from .old import Old

WINDOW_ENDS: dict[str, Any] = {
    "use_on_equal_length": False,
    "start_percent": 0.0,
    "guarantee_steps": 1,
}
STRENGTHS = ("pe_strength", "attn_strength", "other_strength")
ATTENTION_STRENGTHS = (
    *STRENGTHS[:2],
    "attn_q_strength",
    "attn_k_strength",
    "attn_v_strength",
    "attn_out_weight_strength",
    "attn_out_bias_strength",
    STRENGTHS[2],
)
POSITIONS: dict[str, Any] = {
    "motion_pe_stretch": 0,
    "cap_initial_pe_length": 0,
    "interpolate_pe_to_length": 0,
    "initial_pe_idx_offset": 0,
    "final_pe_idx_offset": 0,
}
SCALES: dict[str, Any] = {"min_motion_scale": 1.0, "max_motion_scale": 1.0}
MODEL_SETTINGS = ("AD_SETTINGS",)


def windows(widgets: dict[str, Any], fuse: str = "pyramid", **others: Any) -> Old:
    end = {"fuse_method": fuse, **WINDOW_ENDS}
    return Old({**widgets, **end}, ("CONTEXT_OPTIONS",), **others)


SETTINGS: dict[str, Old] = {
    "ADE_AnimateDiffUniformContextOptions": windows(
        {
            "context_length": 16,
            "context_stride": 1,
            "context_overlap": 4,
            "context_schedule": "uniform",
            "closed_loop": False,
        },
        fuse="flat",
    ),
    "ADE_LoopedUniformContextOptions": windows(
        {"context_length": 16, "context_stride": 1, "context_overlap": 4, "closed_loop": False},
        api={"fuse_method": "flat"},
    ),
    "ADE_StandardUniformContextOptions": windows(
        {"context_length": 16, "context_stride": 1, "context_overlap": 4}
    ),
    "ADE_StandardStaticContextOptions": windows({"context_length": 16, "context_overlap": 4}),
    "ADE_BatchedContextOptions": Old(
        {"context_length": 16, "start_percent": 0.0, "guarantee_steps": 1},
        ("CONTEXT_OPTIONS",),
    ),
    "ADE_StandardStaticViewOptions": Old(
        {"view_length": 16, "view_overlap": 4, "fuse_method": "pyramid"},
        ("VIEW_OPTS",),
        api={"fuse_method": "flat"},
    ),
    "ADE_AnimateDiffSamplingSettings": Old(
        {
            "batch_offset": 0,
            "noise_type": "default",
            "seed_gen": "comfy",
            "seed_offset": 0,
            "adapt_denoise_steps": False,
        },
        ("SAMPLE_SETTINGS",),
        shapes={
            # older pages saved the socket seed_override as a widget
            6: (
                "batch_offset",
                "noise_type",
                "seed_gen",
                "seed_offset",
                "seed_override",
                "adapt_denoise_steps",
            )
        },
    ),
    "ADE_CustomCFGSimple": Old({"cfg": 8.0}, ("CUSTOM_CFG",)),
    "ADE_SigmaSchedule": Old({"beta_schedule": "sqrt_linear (AnimateDiff)"}, ("SIGMA_SCHEDULE",)),
    "ADE_IterationOptsFreeInit": Old(
        {
            "iterations": 2,
            "filter": "gaussian",
            "d_s": 0.25,
            "d_t": 0.25,
            "n_butterworth": 4,
            "sigma_step": 999,
            "apply_to_1st_iter": False,
            "init_type": "FreeInit [sampler sigma]",
            "iter_batch_offset": 0,
            "iter_seed_offset": 1,
        },
        ("ITERATION_OPTS",),
    ),
    "ADE_AnimateDiffKeyframe": Old(
        {"start_percent": 0.0, "inherit_missing": True, "guarantee_steps": 1},
        ("AD_KEYFRAMES",),
    ),
    "ADE_AnimateDiffSettings": Old({}, ("AD_SETTINGS",)),
    "ADE_AdjustPESweetspotStretch": Old(
        {"sweetspot": 16, "new_sweetspot": 16, "print_adjustment": False},
        ("PE_ADJUST",),
    ),
    "ADE_AdjustWeightAllMult": Old(
        {"all_MULT": 1.0, "print_adjustment": False}, ("WEIGHT_ADJUST",)
    ),
    "ADE_AnimateDiffModelSettingsSimple": Old({"motion_pe_stretch": 0, **SCALES}, MODEL_SETTINGS),
    "ADE_AnimateDiffModelSettings": Old(
        {**dict.fromkeys(STRENGTHS, 1.0), **POSITIONS, **SCALES},
        MODEL_SETTINGS,
    ),
    "ADE_AnimateDiffModelSettingsAdvancedAttnStrengths": Old(
        {**dict.fromkeys(ATTENTION_STRENGTHS, 1.0), **POSITIONS, **SCALES},
        MODEL_SETTINGS,
    ),
}
