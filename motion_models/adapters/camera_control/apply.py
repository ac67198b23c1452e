"""CameraCtrl beside the motion models that are applied to a model.

The adapter is an additional model. In a call its encoder makes features of the rays of the call's
frames, and stand-ins (posed.py) hand them to the motion modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...call import Call, within_percents
from ...compat import copy_on, window_length
from ...inject import applied_keys, running_call
from ...layers import check_frames
from ...model import MotionModel, motion_model
from ...placements import Placement, placed
from ...sound import check_number
from ...strength import Strength
from ...views.frame_parts import FrameParts
from .encoder import SHRINK, CameraControl
from .path import CameraPath
from .posed import Pose, PosedBlock
from .rays import pixel_rays
from .read import load_camera_control

KEY = "animatediff_kit:camera"
"""No key of a motion model begins so."""


@dataclass(frozen=True)
class CameraSettings:
    """strength: 1 is as trained; start_percent, end_percent: the part of sampling, 0 to 1."""

    strength: Strength = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0

    def check(self) -> None:
        """Raise ValueError for a range that is empty or outside 0 to 1, and for numbers that are
        none."""
        check_number("The camera control's strength", self.strength)
        if not 0.0 <= self.start_percent < self.end_percent <= 1.0:
            raise ValueError(
                f"The camera control's range runs from {self.start_percent:g} to "
                f"{self.end_percent:g} of sampling; start_percent must be below end_percent, both "
                "between 0 and 1."
            )


def apply_camera_control(
    model: ModelPatcher,
    control: ModelPatcher,
    path: CameraPath,
    settings: CameraSettings | None = None,
) -> ModelPatcher:
    """A clone of `model` whose motion models follow the camera's path: those that are applied
    already.

    control: from load_camera_control. Raises ValueError where there is no motion model, or one that
    the adapter was not made for.
    """
    settings = settings or CameraSettings()
    settings.check()
    keys = applied_keys(model)
    check_fits(control, model, keys)
    steered = model.clone()
    if settings.strength == 0.0:
        return steered
    number = sum(str(key).startswith(KEY) for key in model.additional_models)
    key = f"{KEY}_{number}"
    steered.set_additional_models(key, [on_device_of(model, control)])
    check = PathCheck(key, path, control.model.spec.motion)
    steered.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, key, check)
    injection = CameraInjection(key, tuple(keys), path, settings)
    steered.add_wrapper_with_key(WrappersMP.APPLY_MODEL, key, injection)
    return steered


def check_fits(control: ModelPatcher, model: ModelPatcher, keys: list[str]) -> None:
    spec = control.model.spec.motion
    if not keys:
        raise ValueError(
            f"{spec.name} steers the camera of a motion model, but none is applied to this model. "
            "Put Apply Motion Model, or Animate Model, before it."
        )
    for key in keys:
        (motion,) = model.get_additional_models_with_key(key)
        other = motion_model(motion).spec
        if not spec.layout.modules().items() <= other.layout.modules().items():
            raise ValueError(
                f"{spec.name} was made for a motion model with {spec.layout}, but {other.name} has "
                f"{other.layout}. Apply a motion model of SD1.5; CameraCtrl was trained with v3."
            )


def on_device_of(model: ModelPatcher, control: ModelPatcher) -> ModelPatcher:
    """`control` on the device that computes `model`."""
    if control.load_device == model.load_device:
        return control.clone()
    copy = copy_on(control, model.load_device) or load_camera_control(control.model.source)
    copy.load_device = model.load_device
    return copy


@dataclass(frozen=True)
class PathCheck:
    """OUTER_SAMPLE wrapper: what can be said before sampling starts; the size of the video's
    latents stands in transformer_options while a run lasts."""

    key: str
    path: CameraPath
    spec: Any

    def __call__(self, executor: Any, noise: Tensor, *args: Any, **kwargs: Any) -> Any:
        """noise: f 4 h w"""
        guider, frames = executor.class_obj, noise.shape[0]
        windows = guider.model_options.get("context_handler")
        self.path.check(frames)
        check_frames(self.spec, window_length(windows, frames), windows is not None)
        options = guider.model_options.setdefault("transformer_options", {})
        options[self.key] = tuple(noise.shape[-2:])
        try:
            return executor(noise, *args, **kwargs)
        finally:
            del options[self.key]


@dataclass(frozen=True)
class CameraInjection:
    """APPLY_MODEL wrapper: the stand-ins are in the motion models while the UNet runs.

    motion_keys: of the motion models that follow the camera.
    """

    key: str
    motion_keys: tuple[str, ...]
    path: CameraPath = field(compare=False)
    settings: CameraSettings = CameraSettings()

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
        """x: (b f) 4 h w;   t: (b f) sigmas"""
        base, options = executor.class_obj, transformer_options or {}
        s = self.settings
        if not within_percents(s.start_percent, s.end_percent, base.model_sampling, t):
            return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)
        call = running_call(base, x, t, options)
        whole = options.get(self.key, tuple(x.shape[-2:]))
        if tuple(x.shape[-2:]) != whole:
            raise ValueError(
                f"The camera's path is of a video of {list(whole)} latent pixels, but a part of "
                f"{list(x.shape[-2:])} was sampled by itself. Remove the area from the prompt, or "
                "the node that samples in tiles."
            )
        (patcher,) = base.current_patcher.get_additional_models_with_key(self.key)
        dtype = base.manual_cast_dtype or base.get_dtype()
        features = self.features(patcher.model, call, x, dtype)
        with placed(self.placements(base.current_patcher, patcher.model, features, call)):
            return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)

    def features(
        self, control: CameraControl, call: Call, x: Tensor, dtype: torch.dtype
    ) -> list[Tensor]:
        """Those of the call's frames. The last are kept while the run lasts: no step changes them,
        another window does."""
        asked = (call.run.indices, call.run.views, call.frames, x.shape[-2:])
        name = ("camera features", self.key, x.device, dtype)
        kept = call.run.kept.get(name)
        if kept is None or kept[0] != asked:
            kept = call.run.kept[name] = (asked, self.encoded(control, call, x, dtype))
        return kept[1]

    def encoded(
        self, control: CameraControl, call: Call, x: Tensor, dtype: torch.dtype
    ) -> list[Tensor]:
        views, frames = call.run.views, call.frames
        at_once = frames if views is None else max(map(len, views.windows))
        check_frames(control.spec.motion, at_once, views is not None or frames < call.run.frames)
        if max(call.indices) >= len(self.path):
            self.path.check(max(call.indices) + 1)
        home = x.device if views is None or views.home is None else views.home
        length = frames if views is None else views.length
        parts = FrameParts(1, frames, length, x.device, home)
        index = list(call.indices)
        poses = torch.from_numpy(self.path.relative()[index]).to(x.device, torch.float32)
        lenses = torch.from_numpy(self.path.lenses[index]).to(x.device, torch.float32)
        height, width = (SHRINK * side for side in x.shape[-2:])

        def rays(start: int) -> Tensor:
            part = slice(start, start + length)
            return pixel_rays(poses[part], lenses[part], height, width).to(dtype)

        return control.features(rays, Call(1, frames, call.run, options=call.options), parts)

    def placements(
        self, running: ModelPatcher, control: CameraControl, features: list[Tensor], call: Call
    ) -> Iterator[Placement]:
        motions: dict[int, MotionModel] = {}
        for key in self.motion_keys:
            (patcher,) = running.get_additional_models_with_key(key)
            motions[id(patcher.model)] = patcher.model  # once, where two share their weights
        for motion in motions.values():
            for name in control.spec.motion.layout.modules():
                blocks = motion.module(name).temporal_transformer.transformer_blocks
                pose = Pose(
                    control.merge(name),
                    control.feature(features, name),
                    self.settings.strength,
                )
                block: Any = blocks[0]
                yield Placement(blocks, "0", PosedBlock(block, pose))
