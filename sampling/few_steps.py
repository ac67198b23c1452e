"""Motion models that were distilled to few steps: a warning where sampling cannot work with them.

AnimateLCM (Wang et al. 2024) and AnimateDiff-Lightning (Lin & Yang 2024) draw in 4 to 8 steps, but
only with the sampler, the noise levels and the guidance that they were distilled for. With a
KSampler as it stands by default they give burnt or blurred frames, and nothing says why.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ..motion_models.specs import Family
from ..motion_models.strength import Strength
from .guidance import guidance_on

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

KEY = "animatediff_kit_few_steps"


@dataclass(frozen=True)
class Recipe:
    """What a family can be sampled with. samplers: as ComfyUI names them, the best first; guidance,
    steps: the most; even: whether the last noise level must not be next to none, as it is with the
    scheduler "normal", which leaves a distilled model's last step nothing to do."""

    samplers: tuple[str, ...]
    scheduler: str
    guidance: float
    steps: int
    even: bool = False


RECIPES = {
    # AnimateLCM's README: LCM, 4 to 8 steps, guidance 1 to 2; AnimateDiff-Lightning's model card:
    # Euler, sgm_uniform, 1 to 8 steps, guidance 1
    "AnimateLCM": Recipe(("lcm", "euler", "euler_ancestral", "ddim"), "sgm_uniform", 2.5, 16),
    "AnimateLCM-I2V": Recipe(("lcm", "euler", "euler_ancestral", "ddim"), "sgm_uniform", 2.5, 16),
    "Lightning": Recipe(
        ("euler", "euler_ancestral", "ddim", "lcm"), "sgm_uniform", 1.5, 10, even=True
    ),
}


def check_few_steps(model: ModelPatcher, family: Family) -> ModelPatcher:
    """A clone of `model` that warns, once a sampling run, of what its motion model cannot be
    sampled with; of a family that takes many steps, a clone without such a warning."""
    checked = model.clone()
    checked.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    if family.name in RECIPES:
        check = FewSteps(family.name, RECIPES[family.name])
        checked.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, check)
    return checked


@dataclass(frozen=True)
class FewSteps:
    """OUTER_SAMPLE wrapper."""

    family: str
    recipe: Recipe

    def __call__(
        self,
        executor: Any,
        noise: Tensor,
        latent_image: Tensor,
        sampler: Any,
        sigmas: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        guider = executor.class_obj
        model_sampling = guider.model_patcher.get_model_object("model_sampling")
        wrong = [
            *of_sampler(sampler, self.recipe),
            *of_guidance(guidance_of(guider), self.recipe),
            *of_steps(sigmas, model_sampling, self.recipe),
        ]
        if wrong:
            log.warning(
                "%s was distilled to few steps and cannot work with %s. Set the sampler %s, the "
                "scheduler %s, 4 to 8 steps and a cfg of 1.",
                self.family,
                ", ".join(wrong),
                self.recipe.samplers[0],
                self.recipe.scheduler,
            )
        return executor(noise, latent_image, sampler, sigmas, *args, **kwargs)


def of_sampler(sampler: Any, recipe: Recipe) -> list[str]:
    """The sampler, where it is one of ComfyUI's and not among the recipe's."""
    inner = getattr(sampler, "sampler", sampler)  # of those that run another one several times
    name = getattr(getattr(inner, "sampler_function", None), "__name__", "")
    name = name.removeprefix("sample_")
    return [f"the sampler {name}"] if name and name not in recipe.samplers else []


def guidance_of(guider: Any) -> Any:
    """That on the model, which counts for more than the guider's own."""
    on_model = guidance_on(guider.model_options)
    return getattr(guider, "cfg", None) if on_model is None else on_model


def of_guidance(cfg: Strength | None, recipe: Recipe) -> list[str]:
    """Values over time are not looked at."""
    if cfg is None or callable(cfg) or cfg <= recipe.guidance:
        return []
    return [f"a cfg of {cfg:g}"]


def of_steps(sigmas: Tensor, model_sampling: Any, recipe: Recipe) -> list[str]:
    """Too many steps; or noise levels that end next to none, which wastes the last of few steps.
    sigmas: of the whole run or a part of it, highest first"""
    steps = len(sigmas) - 1
    if steps > recipe.steps:
        return [f"{steps} steps"]
    if recipe.even and steps > 1 and float(sigmas[-1]) == 0:
        lowest = float(sigmas[-2])
        if math.isclose(lowest, float(model_sampling.sigma_min), rel_tol=0.05):
            return [f"noise levels that end at {lowest:.3f}"]
    return []
