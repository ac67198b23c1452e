"""Motion modules step into the UNet for one model call and out again, through the ModelPatcher
alone.

The patched clone carries the motion model as an *additional model* (so ComfyUI loads, offloads and
partially loads it) and a wrapper around `BaseModel.apply_model`, which places the layers
(layers.py) for the time of one call. UNet and motion model are looked up in the model that is
running, never closed over: clones for other devices have other modules.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comfy.patcher_extension import WrappersMP
from torch import Tensor

from .fit import check_fits
from .layers import MotionSettings, check_frames, motion_layers
from .load import load_motion_model, motion_model
from .specs import MotionSpec
from .views.frame_parts import FrameParts
from .views.spatial_parts import frames_in_parts
from .views.windows import OPTION as VIEWS

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
    spec = motion_model(motion).spec
    check_fits(spec, model)
    animated = model.clone()
    if settings.strength == 0.0:
        return animated
    key = f"{KEY}_{len(applied_keys(animated))}"
    animated.set_additional_models(key, [independent(motion, animated)])
    animated.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, key, FrameCheck(spec))
    animated.add_wrapper_with_key(WrappersMP.APPLY_MODEL, key, Injection(key, settings))
    return animated


def applied_keys(model: ModelPatcher) -> list[str]:
    """Keys of the motion models that are already applied, first to last."""
    return [key for key in model.additional_models if str(key).startswith(f"{KEY}_")]


def independent(motion: ModelPatcher, model: ModelPatcher) -> ModelPatcher:
    """`motion`, or a fresh load of it where `model` already holds it with other MotionLoRAs on.

    ComfyUI merges LoRAs into the weights, so one set of weights cannot serve two sets of LoRAs at
    once.
    """
    applied = [p for key in applied_keys(model) for p in model.additional_models[key]]
    if all(not p.is_clone(motion) or p.patches_uuid == motion.patches_uuid for p in applied):
        return motion.clone()
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
        at_once = min(frames, getattr(windows, "context_length", frames))
        check_frames(self.spec, at_once, windows is not None)
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
        motions = base.current_patcher.get_additional_models_with_key(self.key)
        active, views = self.is_active(base.model_sampling, t), options.get(VIEWS)
        if not active and views is None:
            return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)
        videos, frames = videos_and_frames(x, options)
        unet, motion, parts = base.diffusion_model, motions[0].model, None
        with ExitStack() as placed:
            if views is not None:
                home = x.device if views.home is None else views.home
                parts = FrameParts(videos, frames, views.length, x.device, home)
                text, c_crossattn = parts.kept(c_crossattn)
                placed.enter_context(frames_in_parts(unet, parts, text))
            if active:
                placed.enter_context(
                    motion_layers(
                        self.key, unet, motion, videos, frames, self.settings, options, parts
                    )
                )
            return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)

    def is_active(self, model_sampling: Any, t: Tensor) -> bool:
        """Whether sigma t lies in the range of sampling that the settings name: (end, start]."""
        s = self.settings
        if s.start_percent <= 0.0 and s.end_percent >= 1.0:
            return True
        sigma = float(t.max())
        started = sigma <= model_sampling.percent_to_sigma(s.start_percent)
        return started and (
            s.end_percent >= 1.0 or sigma > model_sampling.percent_to_sigma(s.end_percent)
        )


def videos_and_frames(x: Tensor, options: dict[str, Any]) -> tuple[int, int]:
    """(b, f) of a UNet batch (b f): ComfyUI puts whole videos, one for each cond, into a call."""
    videos = len(options.get("cond_or_uncond", (0,)))
    frames, rest = divmod(x.shape[0], videos)
    if rest:
        raise ValueError(
            f"The UNet was called with {x.shape[0]} latents for {videos} conditionings, which is "
            "no whole number of frames each. Another node splits the batch; remove it or the "
            "motion model."
        )
    return videos, frames
