"""Classifier-free guidance (Ho and Salimans 2022) set on the model, in the place of the sampler's.

A number stands in the guider for the time of a run. Values over frames, steps and pixels weigh the
two predictions frame by frame:   uncond + cfg * (cond - uncond)

Guidance may end before sampling does (Kynkaanniemi et al. 2024): at low noise it changes little but
what differs from frame to frame, and costs a second prediction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ..motion_models.call import OPTION, Call, publish_runs
from ..motion_models.strength import Strength, values_at

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

KEY = "animatediff_kit_guidance"

BOTH, ALONE = 2.0, 1.0
"""Numbers that have core compute both predictions, and the positive prompt's alone."""


def set_guidance(model: ModelPatcher, cfg: Strength) -> ModelPatcher:
    """A clone of `model` that is guided by `cfg` whatever the sampler's own is.

    cfg: a number, or values over frames, steps and pixels (motion_models/strength.py); 1 follows
    the positive prompt alone. Raises ValueError for a number below 0.
    """
    if not callable(cfg) and cfg < 0:
        raise ValueError(f"A guidance of {cfg:g} would flee the prompt; it must be at least 0.")
    guided = model.clone()
    publish_runs(guided)
    guided.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    guided.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, Guidance(cfg))
    return guided


@dataclass(frozen=True)
class Guidance:
    """OUTER_SAMPLE wrapper: the guider has this guidance while it samples."""

    cfg: Strength

    def __call__(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        guider = executor.class_obj
        if not hasattr(guider, "cfg"):
            log.warning(
                "The guidance on the model has no effect: %s is guided in another way than by one "
                "number.",
                type(guider).__name__,
            )
            return executor(*args, **kwargs)
        before, options = guider.cfg, guider.model_options
        earlier = options.get("sampler_cfg_function")
        guider.cfg = BOTH if callable(self.cfg) else self.cfg
        if callable(self.cfg):
            options["sampler_cfg_function"] = by_values(self.cfg, earlier)
        try:
            return executor(*args, **kwargs)
        finally:
            guider.cfg = before
            if callable(self.cfg):
                options.pop("sampler_cfg_function")
                options.update({} if earlier is None else {"sampler_cfg_function": earlier})


def by_values(
    cfg: Strength, earlier: Callable[[dict[str, Any]], Tensor] | None
) -> Callable[[dict[str, Any]], Tensor]:
    """A `sampler_cfg_function` with values over frames, before another node's own where one is."""

    def guide(args: dict[str, Any]) -> Tensor:
        """-> n c h w, the guided prediction as noise."""
        values = values_at(cfg, call_of_run(args), args["cond"])
        if earlier is not None:
            return earlier({**args, "cond_scale": values})
        return args["uncond"] + (args["cond"] - args["uncond"]) * values

    return guide


def call_of_run(args: dict[str, Any]) -> Call:
    """One evaluation of the whole video, whose predictions are put together already."""
    options = args["model_options"].get("transformer_options", {})
    x, run = args["input"], options.get(OPTION)
    call = Call.alone(1, x.shape[0], options)
    return Call(1, x.shape[0], call.run if run is None else run, args["timestep"], options)


def end_guidance(model: ModelPatcher, sigma: float) -> ModelPatcher:
    """A clone of `model` that below this noise level follows the positive prompt alone, in half the
    time; 0 is to guide to the end."""
    ending = model.clone()
    ending.remove_wrappers_with_key(WrappersMP.PREDICT_NOISE, KEY)
    ending.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, KEY, GuidanceEnds(sigma))
    return ending


@dataclass(frozen=True)
class GuidanceEnds:
    """PREDICT_NOISE wrapper: the guider has a guidance of 1 for predictions below `sigma`."""

    sigma: float

    def __call__(
        self,
        executor: Any,
        x: Tensor,
        timestep: Tensor,
        model_options: dict[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        guider = executor.class_obj
        if float(timestep.max()) >= self.sigma * (1 - 1e-4) or not hasattr(guider, "cfg"):
            return executor(x, timestep, model_options, *args, **kwargs)
        # there is one prediction, so nothing for another node's way to join two
        options = {key: v for key, v in model_options.items() if key != "sampler_cfg_function"}
        before, guider.cfg = guider.cfg, ALONE
        try:
            return executor(x, timestep, options, *args, **kwargs)
        finally:
            guider.cfg = before
