"""The graphs of evolved_parity.py, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evolved_graphs import (
    MODEL,
    adjusted,
    applied,
    gen1,
    gen2,
    inside,
    keyframe,
    legacy,
    lora,
    moving,
    noise,
    static,
    then,
    value,
)

CONTEXT = 32


@dataclass(frozen=True)
class Case:
    """A graph: (node id, inputs), whose inputs may be graphs; and how it is sampled. picture: the
    deviation of the latent that sampling starts from."""

    graph: Any
    frames: int = 6
    steps: int = 3
    cfg: float = 3.0
    sampler: str = "euler"
    base: str = "SD1.5"
    remark: str = ""
    picture: float = 0.0


BETAS = (
    "use existing",
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
)
FUSES = ("pyramid", "relative", "flat", "overlap-linear", "🔬delayed reverse sawtooth")
AUTHORS = "the norms are the authors'"
BEYOND = {"sqrt": "its sigmas go up to 3e17, more than float32 carries: noise in both"}


def beta_case(beta: str) -> Case:
    sampler = "lcm" if "lcm" in beta else "euler"
    return Case(gen2(applied("v3"), beta), sampler=sampler, remark=BEYOND.get(beta, ""))


FREE_INIT: dict[str, dict[str, Any]] = {
    "FreeInit": {},
    "FreeInit, butterworth": dict(filter="butterworth", d_s=0.3, n_butterworth=2),
    "FreeInit, ideal": dict(filter="ideal", d_t=0.5),
    "FreeInit, box, 7 frames": dict(filter="box", d_s=0.6, d_t=0.7, frames=7),
    "FreeInit, 7 frames, three": dict(iterations=3, frames=7, init_type="FreeInit [model sigma]"),
    "FreeInit, first too": dict(apply_to_1st_iter=True, sigma_step=900),
    "FreeInit, offsets": dict(iterations=3, iter_seed_offset=5, iter_batch_offset=2),
    "FreeInit, DinkInit": dict(init_type="DinkInit_v1", iterations=3),
    "FreeInit, of an image": dict(picture=0.8, apply_to_1st_iter=True),
}


def free_init_case(frames: int = 6, picture: float = 0.0, **given: Any) -> Case:
    options = dict(iterations=2, filter="gaussian", d_s=0.25, d_t=0.25, n_butterworth=4)
    options |= dict(sigma_step=999, apply_to_1st_iter=False, init_type="FreeInit [sampler sigma]")
    node = "ADE_IterationOptsFreeInit", {**options, **given}
    return Case(gen1(sample_settings=noise(iteration_opts=node)), frames, picture=picture)


def ten(graph: Any, **more: Any) -> Case:
    return Case(graph, frames=10, **more)


def all_cases() -> dict[str, Case]:
    import torch

    mask = torch.rand((3, 16, 16), generator=torch.Generator().manual_seed(3))
    scaled = (
        "ADE_MultivalScaledMask",
        dict(min_float_val=0.8, max_float_val=1.25, mask=mask, scaling="relative"),
    )
    looped = moving("LoopedUniform", closed_loop=True, fuse_method="flat")
    equal = moving("LoopedUniform", closed_loop=True, use_on_equal_length=True, fuse_method="flat")
    old = moving("AnimateDiffUniform", closed_loop=False, context_schedule="uniform")
    frames = keyframe(0.4, keyframe(0.0, scale_multival=value(1.3)), effect_multival=value(0.5))
    cfg = "ADE_CustomCFGSimple", dict(cfg=2.0)
    sigma = "ADE_SigmaSchedule", dict(beta_schedule="lcm avg(sqrt_linear,linear)")
    two = applied("v3", prev_m_models=applied("v2"))
    flat = static("flat", length=6, overlap=1)
    free = dict(context_options=static(), sample_settings=noise("FreeNoise"))
    return {
        "plain v2, legacy": Case(legacy()),
        "plain v3, Gen1": Case(gen1()),
        "plain AnimateLCM": Case(gen1("AnimateLCM"), sampler="lcm", cfg=1.5),
        "plain v2, Gen2": Case(gen2(applied())),
        "v2, apply_v2_models_properly off": Case(legacy(properly=False)),
        "v2, the same in static windows": ten(legacy(properly=False, context_options=static())),
        "AnimateLCM, the same": Case(legacy("AnimateLCM", False), sampler="lcm", cfg=1.5),
        "v1": Case(legacy("v1"), remark=AUTHORS),
        "SDXL beta": Case(gen1("sdxl"), base="SDXL"),
        "SDXL beta in static windows": ten(gen1("sdxl", context_options=static()), base="SDXL"),
        **{f"static, {fuse}": ten(gen1(context_options=static(fuse))) for fuse in FUSES},
        "uniform": ten(gen1(context_options=moving("StandardUniform"))),
        "uniform, overlap-linear": ten(
            gen1(context_options=moving("StandardUniform", fuse_method="overlap-linear"))
        ),
        "looped uniform, legacy id": ten(gen1(context_options=old)),
        "looped uniform, closed": ten(gen1(context_options=looped)),
        "looped uniform, stride 2": ten(
            gen1(context_options=moving("LoopedUniform", 2, closed_loop=False))
        ),
        "looped, overlap-linear": ten(
            gen1(
                context_options=moving(
                    "LoopedUniform", closed_loop=True, fuse_method="overlap-linear"
                )
            )
        ),
        "looped, as long as a window": Case(gen1(context_options=equal), frames=4),
        "looped, as long, not asked for": Case(gen1(context_options=looped), frames=4),
        "batched": ten(gen1(context_options=("ADE_BatchedContextOptions", {"context_length": 4}))),
        "views in windows": ten(gen1(context_options=inside(static(length=7)))),
        "views in windows, flat, a list": ten(
            gen1(
                scale_multival=value([0.5, 1.0, 1.5, 2.0]),
                context_options=inside(static(length=7), "flat"),
            )
        ),
        "views in uniform windows, FreeNoise": ten(
            gen1(
                context_options=inside(moving("StandardUniform"), length=3, overlap=1),
                sample_settings=noise("FreeNoise"),
            )
        ),
        "views longer than a window": ten(gen1(context_options=inside(static(), length=5))),
        "windows that follow": ten(gen1(context_options=then(static(), flat, 0.4)), steps=6),
        "windows that follow, three": ten(
            gen1(context_options=then(then(static(), flat, 0.3, 2), static(length=5), 0.35)),
            steps=8,
        ),
        "windows that follow, views": ten(
            gen1(context_options=then(flat, inside(static(length=7)), 0.5)), steps=6
        ),
        "windows that follow, heun": ten(
            gen1(context_options=then(static(), flat, 0.4)), steps=4, sampler="heun"
        ),
        "MotionLoRA": Case(legacy(motion_lora=lora())),
        "two MotionLoRAs": Case(
            legacy(motion_lora=(lora()[0], {**lora(0.3)[1], "prev_motion_lora": lora()}))
        ),
        "motion_scale": Case(legacy(motion_scale=1.3)),
        "multival numbers": Case(gen1(scale_multival=value(1.14), effect_multival=value(1.1))),
        "multival a list": ten(
            gen1(scale_multival=value([0.5, 1.0, 1.5, 2.0]), context_options=static())
        ),
        "effect a list": ten(
            gen1(effect_multival=value([0.2, 0.6, 1.0]), context_options=static())
        ),
        "multival mask": ten(gen1(scale_multival=scaled, context_options=looped)),
        "effect mask": Case(gen1(effect_multival=value(0.9, mask_optional=mask))),
        "part of sampling": Case(gen2(applied(start_percent=0.2, end_percent=0.8)), steps=8),
        "part of sampling, to a step": Case(
            gen2(applied(start_percent=0.25, end_percent=0.5)), steps=5
        ),
        "keyframes": Case(gen1(ad_keyframes=frames), steps=6),
        "two motion models": Case(gen2(two)),
        "positions and weights": Case(gen1(ad_settings=adjusted())),
        "positions stretched, AnimateLCM": Case(gen1("AnimateLCM", ad_settings=adjusted())),
        "FreeNoise": ten(gen1(**free)),
        "FreeNoise, seed offset": ten(
            gen1(context_options=static(), sample_settings=noise("FreeNoise", offset=1))
        ),
        "FreeNoise without windows": ten(gen1(sample_settings=noise("FreeNoise"))),
        "repeated_context": ten(
            gen1(context_options=static(), sample_settings=noise("repeated_context"))
        ),
        "constant": Case(gen1(sample_settings=noise("constant"))),
        "empty": Case(gen1(sample_settings=noise("empty"))),
        "batch offset": Case(gen1(sample_settings=noise(skip=3))),
        "auto1111": Case(gen1(sample_settings=noise(seeds="auto1111"))),
        **{name: free_init_case(**options) for name, options in FREE_INIT.items()},
        "a seed alone": Case(gen1(sample_settings=noise(seed_override=9))),
        "custom cfg": Case(gen1(sample_settings=noise(custom_cfg=cfg)), cfg=1.0),
        "sigma schedule": Case(
            gen1(sample_settings=noise(sigma_schedule=sigma)), sampler="lcm", cfg=1.5
        ),
        **{f"beta {beta}": beta_case(beta) for beta in BETAS},
        "noise schedule without a motion model": Case(
            ("ADE_UseEvolvedSampling", dict(model=MODEL, beta_schedule="lcm")), sampler="lcm"
        ),
    }


CASES = all_cases()
