"""The noise schedule that a motion model learned, put on the model that it animates.

ComfyUI keeps sigmas, timesteps and the prediction type of a model in one `model_sampling` object. A
motion model changes the first two: the object is made anew, of its own class, over the family's
betas, so that a v-prediction or zero-terminal-SNR checkpoint stays what it is.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import comfy.model_sampling
from comfy_extras.nodes_model_advanced import LCM, ModelSamplingDiscreteDistilled

from ..motion_models.specs import BETA_SCHEDULES, BetaSchedule, Family

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

AUTOMATIC = "automatic"


class SamplingConfig:
    """What ComfyUI's samplings read from a checkpoint's configuration."""

    def __init__(self, schedule: BetaSchedule) -> None:
        self.sampling_settings = {
            "beta_schedule": schedule.curve,
            "linear_start": schedule.start,
            "linear_end": schedule.end,
        }


def apply_beta_schedule(model: ModelPatcher, schedule_name: str, family: Family) -> ModelPatcher:
    """A clone of `model` with the named schedule, or with the family's own for "automatic".

    A sampling that has no betas (EDM, flow), set by an earlier node, is kept, with a warning.
    Raises ValueError for a name that is none of BETA_SCHEDULES.
    """
    name = family.betas if schedule_name == AUTOMATIC else schedule_name
    if name not in BETA_SCHEDULES:
        raise ValueError(
            f"{name!r} is no beta schedule; choose {AUTOMATIC}, {', '.join(BETA_SCHEDULES)}."
        )
    schedule = BETA_SCHEDULES[name]
    patched = model.clone()
    if schedule.curve is None:
        return patched
    current = model.get_model_object("model_sampling")
    if not isinstance(current, comfy.model_sampling.ModelSamplingDiscrete):
        log.warning(
            "Kept %s, which an earlier node set and which has no betas; %s was trained with the "
            "%s schedule.",
            type(current).__name__,
            family.name,
            name,
        )
        return patched
    patched.add_object_patch("model_sampling", rebuild(current, schedule))
    return patched


def rebuild(current: Any, schedule: BetaSchedule) -> Any:
    """A sampling of `current`'s class over the schedule's betas; a consistency model's where it
    is one."""
    kind = consistency_sampling(schedule.lcm_steps) if schedule.lcm_steps else type(current)
    return kind(SamplingConfig(schedule), zsnr=current.zsnr)


def consistency_sampling(teacher_steps: int) -> type:
    """The sampling of a latent consistency model distilled over `teacher_steps` of the 1000
    timesteps (Luo et al. 2023): core's own classes, whose number of steps is a class attribute."""

    class ConsistencySampling(ModelSamplingDiscreteDistilled, LCM):
        original_timesteps = teacher_steps

    return ConsistencySampling
