"""What AnimateDiff-Evolved 1.5.7 says of its nodes in /object_info, written down by hand.

node id -> ((input, type, widget's default), ...) required, the same optional, and outputs as (type,
name). Sockets have no default; LIST stands for the first entry of a list without a default of its
own, FILE for a file. Widgets that only draw (autosize, deprecation_warning) are left out.
"""

from __future__ import annotations

from typing import Any

Input = tuple[str, str, Any]

COMBO, INT, FLOAT, BOOLEAN = "COMBO", "INT", "FLOAT", "BOOLEAN"
LIST = object()
FILE = object()
SOCKET = object()


def sockets(**kinds: str) -> tuple[Input, ...]:
    return tuple((name, kind, SOCKET) for name, kind in kinds.items())


MODEL = sockets(model="MODEL")
NAME: Input = ("model_name", COMBO, FILE)
AUTO: Input = ("beta_schedule", COMBO, "autoselect")
LENGTH: Input = ("context_length", INT, 16)
STRIDE: Input = ("context_stride", INT, 1)
OVERLAP: Input = ("context_overlap", INT, 4)
LOOP: Input = ("closed_loop", BOOLEAN, False)
TIMES: tuple[Input, ...] = (
    ("start_percent", FLOAT, 0.0),
    ("guarantee_steps", INT, 1),
    *sockets(prev_context="CONTEXT_OPTIONS"),
)
FUSED: tuple[Input, ...] = (
    ("fuse_method", COMBO, LIST),
    ("use_on_equal_length", BOOLEAN, False),
    *TIMES,
    *sockets(view_opts="VIEW_OPTS"),
)
VALUES = sockets(
    motion_lora="MOTION_LORA",
    scale_multival="MULTIVAL",
    effect_multival="MULTIVAL",
    ad_keyframes="AD_KEYFRAMES",
)
MASKED: tuple[Input, ...] = (
    *sockets(mask_motion_scale="MASK"),
    ("min_motion_scale", FLOAT, 1.0),
    ("max_motion_scale", FLOAT, 1.0),
)
TABLE: tuple[Input, ...] = tuple(
    (name, INT, 0)
    for name in (
        "motion_pe_stretch",
        "cap_initial_pe_length",
        "interpolate_pe_to_length",
        "initial_pe_idx_offset",
        "final_pe_idx_offset",
    )
)
CONTEXT = (("CONTEXT_OPTIONS", "CONTEXT_OPTS"),)
MOTION = ("MOTION_MODEL_ADE", "MOTION_MODEL")
OUT = (("MODEL", "MODEL"),)

FACTS: dict[str, tuple[tuple[Input, ...], tuple[Input, ...], tuple[tuple[str, str], ...]]] = {
    "ADE_AnimateDiffLoaderWithContext": (
        (*MODEL, NAME, AUTO),
        (
            *sockets(
                context_options="CONTEXT_OPTIONS",
                motion_lora="MOTION_LORA",
                ad_settings="AD_SETTINGS",
                sample_settings="SAMPLE_SETTINGS",
            ),
            ("motion_scale", FLOAT, 1.0),
            ("apply_v2_models_properly", BOOLEAN, True),
            *sockets(ad_keyframes="AD_KEYFRAMES"),
        ),
        OUT,
    ),
    "ADE_AnimateDiffUniformContextOptions": (
        (LENGTH, STRIDE, OVERLAP, ("context_schedule", COMBO, LIST), LOOP),
        (("fuse_method", COMBO, "flat"), *FUSED[1:]),
        CONTEXT,
    ),
    "ADE_AnimateDiffSamplingSettings": (
        (
            ("batch_offset", INT, 0),
            ("noise_type", COMBO, LIST),
            ("seed_gen", COMBO, LIST),
            ("seed_offset", INT, 0),
        ),
        (
            *sockets(noise_layers="NOISE_LAYERS", iteration_opts="ITERATION_OPTS"),
            ("seed_override", INT, 0),
            ("adapt_denoise_steps", BOOLEAN, False),
            *sockets(
                custom_cfg="CUSTOM_CFG",
                sigma_schedule="SIGMA_SCHEDULE",
                image_inject="IMAGE_INJECT",
                ancestral_opts="ANCESTRAL_OPTS",
            ),
        ),
        (("SAMPLE_SETTINGS", "settings"),),
    ),
    "CheckpointLoaderSimpleWithNoiseSelect": (
        (("ckpt_name", COMBO, FILE), ("beta_schedule", COMBO, "use existing")),
        (("use_custom_scale_factor", BOOLEAN, False), ("scale_factor", FLOAT, 0.18215)),
        (*OUT, ("CLIP", "CLIP"), ("VAE", "VAE")),
    ),
    "ADE_LoadAnimateDiffModel": ((NAME,), sockets(ad_settings="AD_SETTINGS"), (MOTION,)),
    "ADE_UseEvolvedSampling": (
        (*MODEL, AUTO),
        sockets(
            m_models="M_MODELS",
            context_options="CONTEXT_OPTIONS",
            sample_settings="SAMPLE_SETTINGS",
        ),
        OUT,
    ),
    "ADE_AnimateDiffLoRALoader": (
        (("name", COMBO, FILE), ("strength", FLOAT, 1.0)),
        sockets(prev_motion_lora="MOTION_LORA"),
        (("MOTION_LORA", "MOTION_LORA"),),
    ),
    "ADE_MultivalDynamic": (
        (("float_val", FLOAT, 1.0),),
        sockets(mask_optional="MASK"),
        (("MULTIVAL", "MULTIVAL"),),
    ),
    "ADE_ApplyAnimateDiffModel": (
        (
            *sockets(motion_model="MOTION_MODEL_ADE"),
            ("start_percent", FLOAT, 0.0),
            ("end_percent", FLOAT, 1.0),
        ),
        (*VALUES, *sockets(prev_m_models="M_MODELS", per_block="PER_BLOCK")),
        (("M_MODELS", "M_MODELS"),),
    ),
    "ADE_LoopedUniformContextOptions": ((LENGTH, STRIDE, OVERLAP, LOOP), FUSED, CONTEXT),
    "ADE_AnimateDiffLoaderGen1": (
        (*MODEL, NAME, AUTO),
        sockets(
            context_options="CONTEXT_OPTIONS",
            motion_lora="MOTION_LORA",
            ad_settings="AD_SETTINGS",
            ad_keyframes="AD_KEYFRAMES",
            sample_settings="SAMPLE_SETTINGS",
            scale_multival="MULTIVAL",
            effect_multival="MULTIVAL",
            per_block="PER_BLOCK",
        ),
        OUT,
    ),
    "ADE_EmptyLatentImageLarge": (
        (("width", INT, 512), ("height", INT, 512), ("batch_size", INT, 1)),
        (),
        (("LATENT", "LATENT"),),
    ),
    "ADE_ApplyAnimateDiffModelSimple": (
        sockets(motion_model="MOTION_MODEL_ADE"),
        (*VALUES, *sockets(per_block="PER_BLOCK")),
        (("M_MODELS", "M_MODELS"),),
    ),
    "ADE_CustomCFGSimple": (
        (("cfg", FLOAT, 8.0),),
        sockets(cfg_extras="CFG_EXTRAS"),
        (("CUSTOM_CFG", "CUSTOM_CFG"),),
    ),
    "ADE_AnimateDiffCombine": (
        (
            *sockets(images="IMAGE"),
            ("frame_rate", INT, 8),
            ("loop_count", INT, 0),
            ("filename_prefix", "STRING", "AnimateDiff"),
            ("format", COMBO, LIST),
            ("pingpong", BOOLEAN, False),
            ("save_image", BOOLEAN, True),
        ),
        (),
        (("GIF", "GIF"),),
    ),
    "ADE_StandardUniformContextOptions": ((LENGTH, STRIDE, OVERLAP), FUSED, CONTEXT),
    "ADE_SigmaSchedule": (
        (("beta_schedule", COMBO, LIST),),
        (),
        (("SIGMA_SCHEDULE", "SIGMA_SCHEDULE"),),
    ),
    "ADE_AdjustWeightAllMult": (
        (("all_MULT", FLOAT, 1.0), ("print_adjustment", BOOLEAN, False)),
        sockets(prev_weight_adjust="WEIGHT_ADJUST"),
        (("WEIGHT_ADJUST", "WEIGHT_ADJUST"),),
    ),
    "ADE_AdjustPESweetspotStretch": (
        (
            ("sweetspot", INT, 16),
            ("new_sweetspot", INT, 16),
            ("print_adjustment", BOOLEAN, False),
        ),
        sockets(prev_pe_adjust="PE_ADJUST"),
        (("PE_ADJUST", "PE_ADJUST"),),
    ),
    "ADE_AnimateDiffSettings": (
        (),
        sockets(pe_adjust="PE_ADJUST", weight_adjust="WEIGHT_ADJUST"),
        (("AD_SETTINGS", "AD_SETTINGS"),),
    ),
    "ADE_StandardStaticContextOptions": ((LENGTH, OVERLAP), FUSED, CONTEXT),
    "ADE_AnimateDiffUnload": (MODEL, (), OUT),
    "ADE_AnimateDiffModelSettingsSimple": (
        (("motion_pe_stretch", INT, 0),),
        MASKED,
        (("AD_SETTINGS", "AD_SETTINGS"),),
    ),
    "ADE_AnimateDiffModelSettings": (
        (
            ("pe_strength", FLOAT, 1.0),
            ("attn_strength", FLOAT, 1.0),
            ("other_strength", FLOAT, 1.0),
            *TABLE,
        ),
        MASKED,
        (("AD_SETTINGS", "AD_SETTINGS"),),
    ),
    "ADE_BatchedContextOptions": ((LENGTH,), TIMES, CONTEXT),
    "ADE_IterationOptsFreeInit": (
        (
            ("iterations", INT, 2),
            ("filter", COMBO, LIST),
            ("d_s", FLOAT, 0.25),
            ("d_t", FLOAT, 0.25),
            ("n_butterworth", INT, 4),
            ("sigma_step", INT, 999),
            ("apply_to_1st_iter", BOOLEAN, False),
            ("init_type", COMBO, LIST),
        ),
        (("iter_batch_offset", INT, 0), ("iter_seed_offset", INT, 1)),
        (("ITERATION_OPTS", "ITERATION_OPTS"),),
    ),
    "ADE_AnimateDiffModelSettingsAdvancedAttnStrengths": (
        (
            *(
                (f"{name}_strength", FLOAT, 1.0)
                for name in (
                    "pe",
                    "attn",
                    "attn_q",
                    "attn_k",
                    "attn_v",
                    "attn_out_weight",
                    "attn_out_bias",
                    "other",
                )
            ),
            *TABLE,
        ),
        MASKED,
        (("AD_SETTINGS", "AD_SETTINGS"),),
    ),
    "ADE_AnimateDiffKeyframe": (
        (("start_percent", FLOAT, 0.0),),
        (
            *sockets(
                prev_ad_keyframes="AD_KEYFRAMES",
                scale_multival="MULTIVAL",
                effect_multival="MULTIVAL",
                per_block_replace="PER_BLOCK",
            ),
            ("inherit_missing", BOOLEAN, True),
            ("guarantee_steps", INT, 1),
        ),
        (("AD_KEYFRAMES", "AD_KEYFRAMES"),),
    ),
    "ADE_MultivalScaledMask": (
        (("min_float_val", FLOAT, 0.0), ("max_float_val", FLOAT, 1.0), *sockets(mask="MASK")),
        (("scaling", COMBO, LIST),),
        (("MULTIVAL", "MULTIVAL"),),
    ),
    "ADE_StandardStaticViewOptions": (
        (("view_length", INT, 16), ("view_overlap", INT, 4)),
        (("fuse_method", COMBO, LIST),),
        (("VIEW_OPTS", "VIEW_OPTS"),),
    ),
    "AnimateDiffLoaderV1": (
        (
            *MODEL,
            *sockets(latents="LATENT"),
            NAME,
            ("unlimited_area_hack", BOOLEAN, False),
            ("beta_schedule", COMBO, "sqrt_linear (AnimateDiff)"),
        ),
        (),
        (*OUT, ("LATENT", "LATENT")),
    ),
    "ADE_LoadAnimateLCMI2VModel": (
        (NAME,),
        sockets(ad_settings="AD_SETTINGS"),
        (MOTION, ("MOTION_MODEL_ADE", "encoder_only")),
    ),
}

FIRST = {
    # the first entry of a list without a default
    "fuse_method": "pyramid",
    "context_schedule": "uniform",
    "noise_type": "default",
    "seed_gen": "comfy",
    "format": "image/gif",
    "filter": "gaussian",
    "init_type": "FreeInit [sampler sigma]",
    "scaling": "absolute",
    "beta_schedule": "sqrt_linear (AnimateDiff)",
}

BETAS = [
    "sqrt_linear (AnimateDiff)",
    "linear (AnimateDiff-SDXL)",
    "linear (HotshotXL/default)",
    "avg(sqrt_linear,linear)",
    "lcm avg(sqrt_linear,linear)",
    "lcm",
    "lcm[100_ots]",
    "lcm >> sqrt_linear",
    "sqrt",
    "cosine",
    "squaredcos_cap_v2",
]
