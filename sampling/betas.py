"""The noise schedule that a motion model learned, put on the model that it animates.

ComfyUI keeps sigmas, timesteps and the prediction type of a model in one `model_sampling` object. A
motion model changes the first two: a copy of the object gets the family's betas, so that a
v-prediction or zero-terminal-SNR checkpoint stays what it is. The schedules of consistency models
(AnimateLCM, LCM) are the exception. They change what the model's output means as well, and they
know outputs that are noise alone: on a checkpoint of another prediction type a warning says so.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from comfy.ldm.modules.diffusionmodules.util import make_beta_schedule
from comfy.model_sampling import EPS, ModelSamplingDiscrete
from comfy.patcher_extension import WrappersMP
from comfy_extras.nodes_model_advanced import LCM, ModelSamplingDiscreteDistilled

from ..motion_models.detect import AUTOMATIC
from ..motion_models.specs import BETA_SCHEDULES, BetaSchedule, Family
from .own_tables import OwnTables, with_own_tables

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

KEY = "animatediff_kit_betas"

PREDICTS_NOISE = (EPS, LCM)
"""Classes whose `calculate_denoised` takes the model's output for noise."""


def apply_beta_schedule(model: ModelPatcher, schedule_name: str, family: Family) -> ModelPatcher:
    """A clone of `model` with the named schedule, or with the family's own for "automatic".

    A sampling that has no betas (EDM, flow, a cosine), set by an earlier node, is kept, with a
    warning. A consistency model's schedule (AnimateLCM, LCM) takes the model's output for noise,
    and warns where it is not. Raises ValueError for a name that is none of BETA_SCHEDULES.
    """
    name = family.betas if schedule_name == AUTOMATIC else schedule_name
    why = f"{family.name} was trained with the {name} schedule"
    patched, sampling = with_schedule(model, name, why, AUTOMATIC)
    if sampling is not None:
        check = ScheduleCheck(name, float(sampling.sigma_max))
        patched.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, check)
    return patched


def set_beta_schedule(model: ModelPatcher, name: str) -> ModelPatcher:
    """A clone of `model` with the named schedule, whatever it is animated by, or by nothing.

    A sampling that has no betas is kept, and a prediction that a consistency model does not make is
    warned of, as in `apply_beta_schedule`. Raises ValueError for an unknown name.
    """
    if schedule_named(name).curve is None:
        return model.clone()  # what is on it stays, and with it the check that nothing undoes it
    return with_schedule(model, name, f"the {name} schedule was asked for")[0]


def with_schedule(
    model: ModelPatcher, name: str, why: str, *others: str
) -> tuple[ModelPatcher, Any]:
    """A clone of `model` with the named schedule, and its sampling; None where it is as it was.
    `others` are names that people may choose beside those of the table."""
    schedule = schedule_named(name, *others)
    patched = model.clone()
    patched.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    if schedule.curve is None:
        return patched, None
    current: Any = model.get_model_object("model_sampling")
    if not has_betas(current):
        kept = type(current).__name__
        log.warning("Kept %s, which an earlier node set and which has no betas; %s.", kept, why)
        return patched, None
    if schedule.lcm_steps:
        warn_unless_noise(prediction_of(current), name)
    sampling = sampling_of(schedule, current)
    patched.add_object_patch("model_sampling", sampling)
    return patched, sampling


def schedule_named(name: str, *others: str) -> BetaSchedule:
    """A row of the table. `name` comes from a prompt, which may hold any JSON, such as a dict."""
    if name not in [*BETA_SCHEDULES]:
        choices = ", ".join((*others, *BETA_SCHEDULES))
        raise ValueError(f"{name!r} is no beta schedule; choose {choices}.")
    return BETA_SCHEDULES[name]


def sampling_of(schedule: BetaSchedule, current: Any) -> Any:
    """The sampling of a schedule, in the place of `current`; a mean is that of the noise levels."""
    if schedule.lcm_steps:
        sampling = consistency_sampling(schedule, schedule.lcm_steps, current.zsnr)
    else:
        sampling = with_betas(current, schedule)
    if schedule.other is not None:
        other = replace(schedule, curve=schedule.other, other=None)
        sampling.set_sigmas((sampling.sigmas + sampling_of(other, current).sigmas) / 2)
    return sampling


@dataclass(frozen=True)
class ScheduleCheck:
    """OUTER_SAMPLE wrapper: a warning where a later node has put another noise schedule in the
    place of that of the motion model, told by its highest noise."""

    name: str
    sigma_max: float

    def __call__(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        current: Any = executor.class_obj.model_patcher.get_model_object("model_sampling")
        highest = float(getattr(current, "sigma_max", math.nan))
        if not math.isclose(highest, self.sigma_max, rel_tol=0.01):
            log.warning(
                "A node behind the motion model (ModelSamplingDiscrete is one) has replaced the "
                "noise schedule %s that goes with it: the highest noise is %.2f instead of %.2f, "
                "so the frames will be wrong. Put that node before Animate Model or Apply Motion "
                "Model, or set beta_schedule to checkpoint there.",
                self.name,
                highest,
                self.sigma_max,
            )
        return executor(*args, **kwargs)


def has_betas(sampling: Any) -> bool:
    """Whether a sampling's timesteps are places in a table of sigmas, which betas make. Those of
    EDM and of Stable Cascade's cosine are other numbers, though core derives both from
    ModelSamplingDiscrete."""
    if not isinstance(sampling, ModelSamplingDiscrete):
        return False
    return not torch.any(sampling.timestep(sampling.sigmas) % 1)


def with_betas(current: Any, schedule: BetaSchedule) -> Any:
    """A copy of a sampling, of its own class and with its attributes, over the schedule's betas.

    One that keeps a part of the timesteps (consistency models do) keeps the same ones.
    """
    sampling = with_own_tables(current)
    betas = betas_of(schedule)
    sampling._register_schedule(betas, **settings_of(schedule), zsnr=current.zsnr)
    if len(current.sigmas) < current.num_timesteps:
        kept = current.timestep(current.sigmas)
        sampling.set_sigmas(sampling.sigmas[kept.to(sampling.sigmas.device, torch.long)])
    return sampling


def betas_of(schedule: BetaSchedule, steps: int = 1000) -> torch.Tensor:
    """beta_1..beta_T, float64: core gives one of its curves as NumPy's, which its own samplings
    cannot read."""
    assert schedule.curve is not None
    betas = make_beta_schedule(
        schedule.curve, steps, linear_start=schedule.start, linear_end=schedule.end, cosine_s=8e-3
    )
    return torch.as_tensor(betas, dtype=torch.float64)


def settings_of(schedule: BetaSchedule) -> dict[str, Any]:
    """The schedule by ComfyUI's names."""
    return {
        "beta_schedule": schedule.curve,
        "linear_start": schedule.start,
        "linear_end": schedule.end,
    }


def prediction_of(sampling: Any) -> type:
    """Which class of ComfyUI's says what the model's output is: EPS, V_PREDICTION, X0, LCM..."""
    return next(kind for kind in type(sampling).__mro__ if "calculate_denoised" in vars(kind))


def warn_unless_noise(prediction: type, schedule: str) -> None:
    if prediction not in PREDICTS_NOISE:
        log.warning(
            "The schedule %s takes the model's output for noise, but this model's is %s, so the "
            "frames will be wrong; use a checkpoint that predicts noise (EPS), or set "
            "beta_schedule to AnimateDiff or checkpoint.",
            schedule,
            prediction.__name__,
        )


class CheckpointConfig:
    """What the constructors of ComfyUI's samplings read from a checkpoint's configuration."""

    def __init__(self, schedule: BetaSchedule) -> None:
        self.sampling_settings = settings_of(schedule)


def consistency_sampling(schedule: BetaSchedule, teacher_steps: int, zsnr: bool) -> Any:
    """The sampling of a latent consistency model distilled over `teacher_steps` of the 1000
    timesteps (Luo et al. 2023): core's own classes, whose number of steps is a class attribute."""

    class ConsistencySampling(OwnTables, ModelSamplingDiscreteDistilled, LCM):
        original_timesteps = teacher_steps

    return ConsistencySampling(CheckpointConfig(schedule), zsnr=zsnr)
