"""The nodes that load motion models and put them on a model: legacy, Gen1 and Gen2."""

from __future__ import annotations

from typing import Any

from .attach import Applied, Loaded, Loras, applied_to, attach, in_part, load, norms_of
from .inputs import (
    AUTOSELECT,
    betas,
    is_beta_schedule,
    is_motion_model,
    model,
    motion_model,
    number,
    percent,
    socket,
    sockets,
    switch,
)
from .old_node import OldNode
from .told import tell

CHECKS = (("model_name", is_motion_model), ("beta_schedule", is_beta_schedule))
SQRT_LINEAR = "sqrt_linear (AnimateDiff)"


def tell_per_block(per_block: Any) -> None:
    if per_block is not None:
        tell("per_block is left out: AnimateDiff Kit gives every block the same strength.")


def legacy(
    model: Any,
    model_name: str,
    beta_schedule: str = AUTOSELECT,
    context_options: Any = None,
    motion_lora: Any = None,
    ad_settings: Any = None,
    sample_settings: Any = None,
    motion_scale: float = 1.0,
    apply_v2_models_properly: bool = False,
    ad_keyframes: Any = None,
    motion_model_settings: Any = None,
    **unknown: Any,
) -> tuple[Any]:
    settings = ad_settings if ad_settings is not None else motion_model_settings
    one = applied_to(load(model_name, settings), motion_lora, motion_scale, None, ad_keyframes)
    norms = norms_of(apply_v2_models_properly)
    return (attach(model, [one], beta_schedule, context_options, sample_settings, norms),)


def gen1(
    model: Any,
    model_name: str,
    beta_schedule: str = AUTOSELECT,
    context_options: Any = None,
    motion_lora: Any = None,
    ad_settings: Any = None,
    ad_keyframes: Any = None,
    sample_settings: Any = None,
    scale_multival: Any = None,
    effect_multival: Any = None,
    per_block: Any = None,
    **unknown: Any,
) -> tuple[Any]:
    tell_per_block(per_block)
    loaded = load(model_name, ad_settings)
    one = applied_to(loaded, motion_lora, scale_multival, effect_multival, ad_keyframes)
    return (attach(model, [one], beta_schedule, context_options, sample_settings),)


def first(
    model: Any, latents: Any, model_name: str, beta_schedule: str = SQRT_LINEAR, **unknown: Any
) -> tuple[Any, Any]:
    one = applied_to(load(model_name))
    return attach(model, [one], beta_schedule, norms=norms_of(False)), latents


def gen2_load(model_name: str, ad_settings: Any = None, **unknown: Any) -> tuple[Loaded]:
    return (load(model_name, ad_settings),)


def image_to_video(model_name: str, ad_settings: Any = None, **unknown: Any):
    loaded = load(model_name, ad_settings)
    tell("The image encoder is left out: connect Apply Image to Video for a first image.")
    return loaded, loaded


def gen2_apply(
    motion_model: Loaded,
    start_percent: float = 0.0,
    end_percent: float = 1.0,
    motion_lora: Loras | None = None,
    scale_multival: Any = None,
    effect_multival: Any = None,
    ad_keyframes: Any = None,
    prev_m_models: tuple[Applied, ...] | None = None,
    per_block: Any = None,
    **unknown: Any,
) -> tuple[tuple[Applied, ...]]:
    """The new one acts behind those before it, and chooses the noise schedule."""
    tell_per_block(per_block)
    one = applied_to(motion_model, motion_lora, scale_multival, effect_multival, ad_keyframes)
    return ((in_part(one, start_percent, end_percent), *(prev_m_models or ())),)


def gen2_sampling(
    model: Any,
    beta_schedule: str = AUTOSELECT,
    m_models: tuple[Applied, ...] | None = None,
    context_options: Any = None,
    sample_settings: Any = None,
    **unknown: Any,
) -> tuple[Any]:
    return (attach(model, m_models or (), beta_schedule, context_options, sample_settings),)


def values(*more: str) -> list[Any]:
    names = ("MULTIVAL scale_multival", "MULTIVAL effect_multival")
    return sockets("MOTION_LORA motion_lora", *names, "AD_KEYFRAMES ad_keyframes", *more)


MODEL = (("MODEL", "MODEL"),)
MOTION = ("MOTION_MODEL_ADE", "MOTION_MODEL")
M_MODELS = (("M_MODELS", "M_MODELS"),)

NODES = (
    OldNode(
        "ADE_AnimateDiffLoaderWithContext",
        "AnimateDiff Loader [Legacy] 🎭🅐🅓①",
        lambda: [
            model(),
            motion_model(),
            betas(AUTOSELECT),
            *sockets("CONTEXT_OPTIONS context_options", "MOTION_LORA motion_lora"),
            *sockets("AD_SETTINGS ad_settings", "SAMPLE_SETTINGS sample_settings"),
            number("motion_scale", 1.0, optional=True),
            switch("apply_v2_models_properly", True, optional=True),
            *sockets("AD_KEYFRAMES ad_keyframes"),
        ],
        MODEL,
        legacy,
        CHECKS,
        loads=True,
    ),
    OldNode(
        "ADE_AnimateDiffLoaderGen1",
        "AnimateDiff Loader 🎭🅐🅓①",
        lambda: [
            model(),
            motion_model(),
            betas(AUTOSELECT),
            *sockets("CONTEXT_OPTIONS context_options", "MOTION_LORA motion_lora"),
            *sockets("AD_SETTINGS ad_settings", "AD_KEYFRAMES ad_keyframes"),
            *sockets("SAMPLE_SETTINGS sample_settings", "MULTIVAL scale_multival"),
            *sockets("MULTIVAL effect_multival", "PER_BLOCK per_block"),
        ],
        MODEL,
        gen1,
        CHECKS,
        loads=True,
    ),
    OldNode(
        "AnimateDiffLoaderV1",
        "🚫AnimateDiff Loader [DEPRECATED] 🎭🅐🅓",
        lambda: [
            model(),
            socket("LATENT", "latents", optional=False),
            motion_model(),
            switch("unlimited_area_hack"),
            betas(SQRT_LINEAR),
        ],
        (("MODEL", "MODEL"), ("LATENT", "LATENT")),
        first,
        CHECKS,
        loads=True,
    ),
    OldNode(
        "ADE_LoadAnimateDiffModel",
        "Load AnimateDiff Model 🎭🅐🅓②",
        lambda: [motion_model(), *sockets("AD_SETTINGS ad_settings")],
        (MOTION,),
        gen2_load,
        CHECKS[:1],
        loads=True,
    ),
    OldNode(
        "ADE_LoadAnimateLCMI2VModel",
        "Load AnimateLCM-I2V Model 🎭🅐🅓②",
        lambda: [motion_model(), *sockets("AD_SETTINGS ad_settings")],
        (MOTION, ("MOTION_MODEL_ADE", "encoder_only")),
        image_to_video,
        CHECKS[:1],
        loads=True,
    ),
    OldNode(
        "ADE_ApplyAnimateDiffModelSimple",
        "Apply AnimateDiff Model 🎭🅐🅓②",
        lambda: [
            socket("MOTION_MODEL_ADE", "motion_model", optional=False),
            *values("PER_BLOCK per_block"),
        ],
        M_MODELS,
        gen2_apply,
    ),
    OldNode(
        "ADE_ApplyAnimateDiffModel",
        "Apply AnimateDiff Model (Adv.) 🎭🅐🅓②",
        lambda: [
            socket("MOTION_MODEL_ADE", "motion_model", optional=False),
            percent("start_percent", 0.0),
            percent("end_percent", 1.0),
            *values("M_MODELS prev_m_models", "PER_BLOCK per_block"),
        ],
        M_MODELS,
        gen2_apply,
    ),
    OldNode(
        "ADE_UseEvolvedSampling",
        "Use Evolved Sampling 🎭🅐🅓②",
        lambda: [
            model(),
            betas(AUTOSELECT),
            *sockets("M_MODELS m_models", "CONTEXT_OPTIONS context_options"),
            *sockets("SAMPLE_SETTINGS sample_settings"),
        ],
        MODEL,
        gen2_sampling,
        CHECKS[1:],
    ),
)
