"""AnimateDiff-Evolved's nodes that saved workflows hold: widgets in their saved order, and what is
meant where a file leaves one out.

Widgets and defaults are those of version 1.5.7, told from its node definitions; the arrays of other
lengths are what earlier versions saved. Names of inputs, outputs and options are that pack's.
"""

from __future__ import annotations

from .old import Old
from .old_settings import SETTINGS

AUTOSELECT, USE_EXISTING = "autoselect", "use existing"

OLD_NODES: dict[str, Old] = {
    "ADE_AnimateDiffLoaderWithContext": Old(
        {
            "model_name": None,
            "beta_schedule": AUTOSELECT,
            "motion_scale": 1.0,
            "apply_v2_models_properly": True,
        },
        ("MODEL",),
        api={"apply_v2_models_properly": False},
    ),
    "ADE_AnimateDiffLoaderGen1": Old(
        {"model_name": None, "beta_schedule": AUTOSELECT},
        ("MODEL",),
    ),
    "AnimateDiffLoaderV1": Old(
        {
            "model_name": None,
            "unlimited_area_hack": False,
            "beta_schedule": "sqrt_linear (AnimateDiff)",
        },
        ("MODEL", "LATENT"),
    ),
    "ADE_LoadAnimateDiffModel": Old({"model_name": None}, ("MOTION_MODEL_ADE",)),
    "ADE_LoadAnimateLCMI2VModel": Old(
        {"model_name": None}, ("MOTION_MODEL_ADE", "MOTION_MODEL_ADE")
    ),
    "ADE_ApplyAnimateDiffModelSimple": Old({}, ("M_MODELS",)),
    "ADE_ApplyAnimateDiffModel": Old({"start_percent": 0.0, "end_percent": 1.0}, ("M_MODELS",)),
    "ADE_UseEvolvedSampling": Old(
        {"beta_schedule": AUTOSELECT},
        ("MODEL",),
    ),
    "ADE_AnimateDiffLoRALoader": Old(
        {"name": None, "strength": 1.0},
        ("MOTION_LORA",),
        other_names={"lora_name": "name"},
    ),
    "ADE_MultivalDynamic": Old({"float_val": 1.0}, ("MULTIVAL",)),
    "ADE_MultivalScaledMask": Old(
        {"min_float_val": 0.0, "max_float_val": 1.0, "scaling": "absolute"},
        ("MULTIVAL",),
    ),
    "ADE_AnimateDiffUnload": Old({}, ("MODEL",)),
    "ADE_EmptyLatentImageLarge": Old({"width": 512, "height": 512, "batch_size": 1}, ("LATENT",)),
    "CheckpointLoaderSimpleWithNoiseSelect": Old(
        {
            "ckpt_name": None,
            "beta_schedule": USE_EXISTING,
            "use_custom_scale_factor": False,
            "scale_factor": 0.18215,
        },
        ("MODEL", "CLIP", "VAE"),
    ),
    "ADE_AnimateDiffCombine": Old(
        {
            "frame_rate": 8,
            "loop_count": 0,
            "filename_prefix": "AnimateDiff",
            "format": "image/gif",
            "pingpong": False,
            "save_image": True,
        },
        ("GIF",),
    ),
    **SETTINGS,
}
"""Every id of the old pack that occurs in public workflows."""


def is_old(kind: str) -> bool:
    """Whether a node is AnimateDiff-Evolved's, one of the table or another."""
    return kind in OLD_NODES or kind.startswith("ADE_")
