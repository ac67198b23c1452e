"""Motion modules step into the UNet for one model call and out again, through the ModelPatcher
alone.

The patched clone carries the motion model as an *additional model* (so ComfyUI loads, offloads and
partially loads it) and a wrapper around `BaseModel.apply_model`, which places the layers
(layers.py) for the time of one call. UNet and motion model are looked up in the model that is
running, never closed over: clones for other devices have other modules.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from .call import OPTION, Call, call_of, publish_runs, within_percents
from .compat import apart, copy_on, window_length
from .fit import check_fits
from .layers import MotionSettings, check_frames, motion_placements
from .load import load_motion_model, motion_model
from .low_rank import beside
from .placements import Placement, placed
from .position_tables import adjusted, settings_of, spec_of
from .sites import uncompiled
from .specs import MotionSpec
from .views.frame_parts import FrameParts
from .views.spatial_parts import spatial_placements

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

KEY = "animatediff_kit"


def apply_motion_model(
    model: ModelPatcher, motion: ModelPatcher, settings: MotionSettings | None = None
) -> ModelPatcher:
    """A clone of `model` (an SD1.5 or SDXL UNet) that is animated by `motion`, a patcher of a
    MotionModel.

    Calls chain: the modules of several motion models stand one behind the other, in the order of
    the calls. `model` itself and its weights stay as they are. Raises ValueError when the two do
    not fit.
    """
    settings = settings if settings is not None else MotionSettings()
    settings.check()
    spec = spec_of(motion)
    check_fits(spec, model)
    animated = model.clone()
    if settings.strength == 0.0:
        return animated
    key = f"{KEY}_{len(applied_keys(animated))}"
    animated.set_additional_models(key, [independent(motion, animated)])
    publish_runs(animated)
    animated.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, key, FrameCheck(spec))
    animated.add_wrapper_with_key(WrappersMP.APPLY_MODEL, key, Injection(key, settings))
    return animated


def applied_keys(model: ModelPatcher) -> list[str]:
    """Keys of the motion models that are already applied, first to last."""
    return [key for key in model.additional_models if str(key).startswith(f"{KEY}_")]


def independent(motion: ModelPatcher, model: ModelPatcher) -> ModelPatcher:
    """`motion` with weights of its own where it cannot share them with what `model` holds.

    ComfyUI merges LoRAs into the weights and keeps them on one device. So one set of weights serves
    neither two sets of MotionLoRAs at once, nor models on two devices.
    """
    if motion.load_device != model.load_device:
        return on_device_of(model, motion)
    applied = [p for key in applied_keys(model) for p in model.additional_models[key]]
    shared = [p for p in applied if p.is_clone(motion)]
    if any(p.patches_uuid != motion.patches_uuid for p in shared):
        return loaded_again(motion)
    alike = all(attached_alike(p, motion) for p in shared)
    return motion.clone() if alike else apart(motion.clone())


def attached_alike(one: ModelPatcher, other: ModelPatcher) -> bool:
    """Whether two clones carry the same things beside their weights, such as positions."""
    ours, theirs = one.attachments, other.attachments
    return ours.keys() == theirs.keys() and all(ours[key] is theirs[key] for key in ours)


def on_device_of(model: ModelPatcher, motion: ModelPatcher) -> ModelPatcher:
    """`motion` on the device that computes `model`; otherwise every layer would carry its weights
    from one device to the other in every call."""
    copy = copy_on(motion, model.load_device)
    if copy is None:
        copy = motion.clone() if motion_model(motion).source is None else loaded_again(motion)
        copy.load_device = model.load_device
    copy.attachments = dict(motion.attachments)
    return copy


def loaded_again(motion: ModelPatcher) -> ModelPatcher:
    """The same file once more, with the MotionLoRAs that are on it."""
    source = motion_model(motion).source
    if source is None:
        raise ValueError(
            f"{motion_model(motion).spec.name} is applied twice with different MotionLoRAs, but it "
            "comes from no file that could be loaded a second time. Save it and load it with Load "
            "Motion Model."
        )
    fresh = load_motion_model(*source)
    fresh.patches = {key: list(patches) for key, patches in motion.patches.items()}
    fresh.patches_uuid = motion.patches_uuid
    fresh.attachments = dict(motion.attachments)
    return fresh


@dataclass(frozen=True)
class FrameCheck:
    """OUTER_SAMPLE wrapper: what can be said of the frames before sampling starts, said once a
    run."""

    spec: MotionSpec

    def __call__(self, executor: Any, noise: Tensor, *args: Any, **kwargs: Any) -> Any:
        frames = noise.shape[0]
        windows = executor.class_obj.model_options.get("context_handler")
        if frames == 1:
            log.warning(
                "Only 1 frame is being sampled; %s needs about %d to show motion. Raise "
                "batch_size in Empty Latent Image: it is the number of frames.",
                self.spec.name,
                self.spec.family.frames,
            )
        check_frames(self.spec, window_length(windows, frames), windows is not None)
        log.info(
            "AnimateDiff Kit: %s (%s), %d frames%s.",
            self.spec.name,
            self.spec.family.name,
            frames,
            " in context windows" if windows is not None else "",
        )
        return executor(noise, *args, **kwargs)


@dataclass(frozen=True)
class Injection:
    """APPLY_MODEL wrapper: the motion layers of one application stand in the UNet while it runs."""

    key: str
    settings: MotionSettings

    def __call__(
        self,
        executor: Any,
        x: Tensor,
        t: Tensor,
        c_concat: Tensor | None = None,
        c_crossattn: Tensor | None = None,
        control: Any = None,
        transformer_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """x: (b f) 4 h w noisy latents, cond by cond, frames fastest;   t: (b f) sigmas."""
        base = executor.class_obj
        options = transformer_options if transformer_options is not None else {}
        active, run = self.is_active(base.model_sampling, t), options.get(OPTION)
        if not active and (run is None or run.views is None):
            return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)
        call = running_call(base, x, t, options)
        unet: Any = uncompiled(base.diffusion_model)
        with ExitStack() as stack:
            if call.parts is not None:
                text, c_crossattn = call.parts.kept(c_crossattn)
                stack.enter_context(placed(spatial_placements(unet, call.parts, text)))
            if active:
                stack.enter_context(placed(self.layers(base, unet, call, x.device)))
            return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)

    def layers(self, base: Any, unet: Any, call: Call, device: torch.device) -> Iterator[Placement]:
        """The layers of the motion model that the running model carries."""
        patcher = base.current_patcher.get_additional_models_with_key(self.key)[0]
        motion = patcher.model
        windows = call.run.views is not None or call.run.indices is not None
        check_frames(spec_of(patcher), call.at_once, windows)
        dtype = base.manual_cast_dtype or base.get_dtype()
        call = replace(
            call,
            strength=self.settings.strength,
            motion_scale=self.settings.motion_scale,
            norms=self.settings.norms,
            positions=positions_for(patcher, call, device, dtype),
            beside=beside(patcher, call.run, device, dtype),
        )
        return motion_placements(self.key, unet, motion, call)

    def is_active(self, model_sampling: Any, t: Tensor) -> bool:
        """Whether sigma t lies in the range of sampling that the settings name."""
        s = self.settings
        part = (s.start_percent, s.end_percent)
        return within_percents(*part, model_sampling, t, s.through_end)


def running_call(base: Any, x: Tensor, t: Tensor, options: dict[str, Any]) -> Call:
    """The call that an APPLY_MODEL wrapper of the model `base` is in, in its parts where the run
    has views.   x: (b f) c h w;   t: (b f) sigmas"""
    call = call_of(x, t, options, regrouper(base))
    return call if call.run.views is None else in_parts(call, x.device)


def in_parts(call: Call, device: torch.device) -> Call:
    """The call with all frames of a video cut into parts of a view's length."""
    views = call.run.views
    assert views is not None
    home = device if views.home is None else views.home
    parts = FrameParts(call.videos, call.frames, views.length, device, home)
    return replace(call, parts=parts)


def positions_for(
    patcher: ModelPatcher, call: Call, device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    """The motion model's tables of positions where the call computes, copied there once a run."""
    motion, settings = motion_model(patcher), settings_of(patcher)
    key = ("positions", motion, settings, device, dtype)
    return call.run.keep(key, lambda: adjusted(patcher, motion.positions_on(device, dtype)))


def regrouper(base: Any) -> str:
    """What may regroup the batch of a model that runs: another pack's wrapper, by its name."""
    wrapper = base.current_patcher.model_options.get("model_function_wrapper")
    if wrapper is None:
        return ""
    name = getattr(wrapper, "__qualname__", type(wrapper).__qualname__)
    return f"{name} (model_function_wrapper) of {wrapper.__module__}"
