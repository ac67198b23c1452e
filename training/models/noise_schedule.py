"""The noise schedule of training: how much of a clip is left at each of the T steps of diffusion.

x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e, a_t the running product of 1 - beta (Ho et al. 2020, eq. 4).
"""

from __future__ import annotations

from typing import Any

import torch
from comfy.ldm.modules.diffusionmodules.util import make_beta_schedule
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...motion_models.specs import BETA_SCHEDULES, Family

STEPS = 1000
"""T of Stable Diffusion."""


def signal_of_family(family: Family, model: ModelPatcher) -> Tensor:
    """a_1..a_T of the schedule that the family's motion models learned.   -> T, float64"""
    betas = BETA_SCHEDULES[family.betas]
    if betas.curve is None:
        return signal_of_model(model)
    values = make_beta_schedule(
        betas.curve, STEPS, linear_start=betas.start, linear_end=betas.end, cosine_s=8e-3
    )
    return (1.0 - torch.as_tensor(values, dtype=torch.float64)).cumprod(0)


def signal_of_model(model: ModelPatcher) -> Tensor:
    """a_1..a_T of the image model's own schedule.   -> T, float64

    Raises ValueError where a node has thinned the schedule out: its t would not be the UNet's.
    """
    sigmas: Any = model.get_model_object("model_sampling").sigmas  # pyright: ignore
    if len(sigmas) != STEPS:
        raise ValueError(
            f"The model's noise schedule has {len(sigmas)} steps; training needs all {STEPS}. "
            "Take the model from before ModelSamplingDiscrete or the LCM node."
        )
    return 1.0 / (1.0 + sigmas.detach().double().cpu() ** 2)


def diffuse(clean: Tensor, noise: Tensor, signal: Tensor) -> Tensor:
    """x_t.   clean, noise: b f c h w;   signal: b, each clip's a_t"""
    a = signal.to(clean.device).view(-1, 1, 1, 1, 1)
    return (a.sqrt() * clean + (1 - a).sqrt() * noise).to(clean.dtype)
