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
from functools import wraps
from typing import TYPE_CHECKING, Any

from comfy.patcher_extension import WrappersMP
from comfy.samplers import CFGGuider
from torch import Tensor

from ..motion_models.call import OPTION, Call, publish_runs
from ..motion_models.strength import Strength, values_at

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

KEY = "animatediff_kit_guidance"

JOIN = "sampler_cfg_function"
BEFORE_AND_AFTER = ("sampler_pre_cfg_function", "sampler_post_cfg_function")
FUNCTIONS = (JOIN, *BEFORE_AND_AFTER)
"""Keys of model_options under which nodes have a say in how predictions are joined."""

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
        why = without_effect(guider, self.cfg)
        if why:
            name = type(guider).__name__
            log.warning("The guidance on the model has no effect: %s %s.", name, why)
            return executor(*args, **kwargs)
        before, options = guider.cfg, guider.model_options
        earlier = {name: options[name] for name in FUNCTIONS if name in options}
        guider.cfg = BOTH if callable(self.cfg) else self.cfg
        if callable(self.cfg):
            options.update(functions_of(self.cfg, earlier))
        try:
            return executor(*args, **kwargs)
        finally:
            guider.cfg = before
            if callable(self.cfg):
                for name in FUNCTIONS:
                    options.pop(name, None)
                options.update(earlier)


def without_effect(guider: Any, cfg: Strength) -> str:
    """Why a guider does not follow the guidance, or "". Core's all have a `cfg`, and not all read
    it: what their code names, tells."""
    predicts = type(guider).predict_noise
    if predicts is not CFGGuider.predict_noise and hasattr(predicts, "__code__"):
        names = {*predicts.__code__.co_names}
        if not names & {"cfg", "super"}:
            return "is guided in another way than by one number"
        if callable(cfg) and not names & {"cfg_function", "super"}:
            return "takes one number alone, and no values over time"
    if "negative" not in guider.conds and cfg != ALONE:
        return "has no negative prompt to be guided away from"
    return ""


def guidance_on(options: dict[str, Any]) -> Strength | None:
    """What a model is guided by, whatever the sampler's own is; None where nothing is set.
    options: model_options"""
    wrappers = options.get("transformer_options", {}).get("wrappers", {})
    found = wrappers.get(WrappersMP.OUTER_SAMPLE, {}).get(KEY)
    return found[-1].cfg if found else None


def functions_of(cfg: Strength, earlier: dict[str, Any]) -> dict[str, Any]:
    """What stands in model_options while values hold: other nodes' functions are told the values,
    where they would see the number that the guider has meanwhile."""
    told = {
        name: [told_values(function, cfg) for function in earlier[name]]
        for name in BEFORE_AND_AFTER
        if name in earlier
    }
    return {**told, JOIN: by_values(cfg, earlier.get(JOIN))}


def told_values(
    function: Callable[[dict[str, Any]], Any], cfg: Strength
) -> Callable[[dict[str, Any]], Any]:
    """Another node's function, under its own name, by which nodes are known."""

    @wraps(function)
    def told(args: dict[str, Any]) -> Any:
        scale = values_at(cfg, call_of_run(args), args["input"])
        if isinstance(scale, Tensor) and bool((scale == scale.flatten()[0]).all()):
            scale = float(scale.flatten()[0])  # a number, where it is one: some nodes compare it
        return function({**args, "cond_scale": scale})

    return told


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
    sigma = args["timestep"] if "timestep" in args else args["sigma"]
    return Call(1, x.shape[0], call.run if run is None else run, sigma, options)


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
