"""Sample settings: noise, guidance, noise schedule and iterations that go onto a model together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...sampling.guidance import set_guidance
from ...sampling.iterations import KINDS, Iterations, LowPass, set_iterations
from ...sampling.model_noise import NoiseSettings, set_noise
from .inputs import ACTIVE, LARGE, choice, is_beta_schedule, number, sockets, switch, whole
from .multivals import Multival, multival, strength
from .old_node import OldNode
from .told import tell

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

NOISES = {
    "default": "random",
    "constant": "constant",
    "empty": "empty",
    "repeated_context": "repeated",
    "FreeNoise": "FreeNoise",
}
GENERATORS = {
    "comfy": "ComfyUI",
    "comfy [gpu]": "ComfyUI",
    "auto1111": "a seed for each frame",
    "auto1111 [gpu]": "a seed for each frame",
}
PLAIN = NoiseSettings("random")
"""What a sampler draws by itself, so that nothing is to be done."""


@dataclass(frozen=True)
class SampleSettings:
    """noise: as the sampler draws it, or otherwise; cfg, schedule, iterations: None as they are."""

    noise: NoiseSettings = PLAIN
    cfg: Multival | None = None
    schedule: str | None = None
    iterations: Iterations | None = None

    def put_on(self, model: ModelPatcher) -> ModelPatcher:
        """A clone of `model` with all but the schedule, which has its turn before."""
        if replace(self.noise, seed=None) != PLAIN:  # a seed alone did nothing there
            model = set_noise(model, self.noise)
        if self.iterations is not None and not self.iterations.are_none:
            model = set_iterations(model, self.iterations, self.noise)
        return model if self.cfg is None else set_guidance(model, strength(self.cfg))


def settings(
    batch_offset: int = 0,
    noise_type: str = "default",
    seed_gen: str = "comfy",
    seed_offset: int = 0,
    iteration_opts: Iterations | None = None,
    seed_override: Any = None,
    adapt_denoise_steps: bool = False,
    custom_cfg: Multival | None = None,
    sigma_schedule: str | None = None,
    **others: Any,
) -> tuple[SampleSettings]:
    for name in ("noise_layers", "image_inject", "ancestral_opts"):
        if others.get(name) is not None:
            tell(f"{name} is left out: AnimateDiff Kit has nothing like it.")
    if seed_gen.endswith("[gpu]"):
        tell(f"seed_gen {seed_gen} draws on the CPU, where a seed means the same everywhere.")
    if isinstance(seed_override, list | tuple):
        tell("seed_override is a list, which is left out; a seed for each frame is seed_gen's.")
        seed_override = None
    noise = NoiseSettings(
        NOISES[noise_type],
        seed_offset=seed_offset,
        batch_offset=batch_offset,
        generator=GENERATORS[seed_gen],
        seed=seed_override,
    )
    noise.check()
    return (SampleSettings(noise, custom_cfg, sigma_schedule, iteration_opts),)


def custom_cfg(cfg: Any = 8.0, cfg_extras: Any = None, **unknown: Any) -> tuple[Multival]:
    if cfg_extras is not None:
        tell("cfg_extras is left out: AnimateDiff Kit has nothing like it.")
    return (multival(cfg),)


def sigma_schedule(beta_schedule: str = ACTIVE[0], **unknown: Any) -> tuple[str]:
    return (beta_schedule,)


INIT_TYPES = ("FreeInit [sampler sigma]", "FreeInit [model sigma]", "DinkInit_v1")
"""The first two are the same there too: the sampler, whose sigma it names, was never handed on."""


def free_init(
    iterations: int = 2,
    filter: str = "gaussian",
    d_s: float = 0.25,
    d_t: float = 0.25,
    n_butterworth: int = 4,
    sigma_step: int = 999,
    apply_to_1st_iter: bool = False,
    init_type: str = INIT_TYPES[0],
    iter_batch_offset: int = 0,
    iter_seed_offset: int = 1,
    **unknown: Any,
) -> tuple[Iterations]:
    settings = Iterations(
        iterations,
        LowPass(filter, d_s, d_t, n_butterworth),
        sigma_step - 1000,
        bool(apply_to_1st_iter),
        init_type == INIT_TYPES[2],
        iter_seed_offset,
        iter_batch_offset,
    )
    return (settings,)


def in_table(name: str, table: Iterable[str]):
    def check(value: Any) -> bool | str:
        known = value in table
        return known or f"{value!r} is no {name}; choose one of {', '.join(table)}."

    return name, check


NODES = (
    OldNode(
        "ADE_AnimateDiffSamplingSettings",
        "Sample Settings 🎭🅐🅓",
        lambda: [
            whole("batch_offset", 0),
            choice("noise_type", list(NOISES)),
            choice("seed_gen", list(GENERATORS)),
            whole("seed_offset", 0, -LARGE),
            *sockets("NOISE_LAYERS noise_layers", "ITERATION_OPTS iteration_opts"),
            whole("seed_override", 0, high=2**64 - 1, optional=True, force_input=True),
            switch("adapt_denoise_steps", optional=True),
            *sockets("CUSTOM_CFG custom_cfg", "SIGMA_SCHEDULE sigma_schedule"),
            *sockets("IMAGE_INJECT image_inject", "ANCESTRAL_OPTS ancestral_opts"),
        ],
        (("SAMPLE_SETTINGS", "settings"),),
        settings,
        checks=(in_table("noise_type", NOISES), in_table("seed_gen", GENERATORS)),
    ),
    OldNode(
        "ADE_CustomCFGSimple",
        "Custom CFG 🎭🅐🅓",
        lambda: [number("cfg", 8.0, 0.0, 100.0, 0.1), *sockets("CFG_EXTRAS cfg_extras")],
        (("CUSTOM_CFG", "CUSTOM_CFG"),),
        custom_cfg,
    ),
    OldNode(
        "ADE_SigmaSchedule",
        "Create Sigma Schedule 🎭🅐🅓",
        lambda: [choice("beta_schedule", ACTIVE)],
        (("SIGMA_SCHEDULE", "SIGMA_SCHEDULE"),),
        sigma_schedule,
        checks=(("beta_schedule", is_beta_schedule),),
    ),
    OldNode(
        "ADE_IterationOptsFreeInit",
        "FreeInit Iteration Options 🎭🅐🅓",
        lambda: [
            whole("iterations", 2, 1),
            choice("filter", list(KINDS)),
            number("d_s", 0.25, 0.0, 1.0),
            number("d_t", 0.25, 0.0, 1.0),
            whole("n_butterworth", 4, 1, 100),
            whole("sigma_step", 999, 1, 999),
            switch("apply_to_1st_iter"),
            choice("init_type", list(INIT_TYPES)),
            whole("iter_batch_offset", 0, optional=True),
            whole("iter_seed_offset", 1, -LARGE, optional=True),
        ],
        (("ITERATION_OPTS", "ITERATION_OPTS"),),
        free_init,
        checks=(in_table("filter", KINDS), in_table("init_type", INIT_TYPES)),
    ),
)
