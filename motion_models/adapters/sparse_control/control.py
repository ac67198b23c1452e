"""SparseCtrl as ComfyUI's CONTROL_NET: it stacks with core's, and follows context windows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import comfy.controlnet
import comfy.latent_formats
import comfy.model_management
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor

from ...call import OPTION, Call, call_of
from ...fit import base_of, unet_layout
from ...layers import check_frames
from ...sites import down_sites, uncompiled
from ..pictures import encoded, fitted
from .network import SparseEncoder, SparseSpec
from .placement import HintFrames, in_window

Conditioning = list[list[Any]]


class SparseControl(comfy.controlnet.ControlNet):
    """A SparseCtrl model with its hint images.

    hint_frames: which frames the images are of. Through core's Apply ControlNet they are spread
    from the first frame to the last.
    """

    def __init__(
        self,
        network: SparseEncoder | None = None,
        load_device: torch.device | None = None,
        manual_cast_dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(network, load_device=load_device, manual_cast_dtype=manual_cast_dtype)
        self.hint_frames = HintFrames()
        self.sub_idxs: list[int] | None = None
        """By this windows know that the control finds its hints itself (sampling/controls.py)."""
        self.kept: dict[Hashable, Any] = {}
        """What Run.keep holds (call.py), for runs that no node publishes."""

    @property
    def spec(self) -> SparseSpec:
        network: Any = self.control_model
        return network.spec

    def copy(self) -> SparseControl:
        c = SparseControl(None, self.load_device, self.manual_cast_dtype)
        c.control_model = self.control_model
        c.control_model_wrapped = self.control_model_wrapped
        c.hint_frames = self.hint_frames
        self.copy_to(c)
        return c

    def set_cond_hint(
        self,
        cond_hint: Tensor,
        strength: float = 1.0,
        timestep_percent_range: tuple[float, float] = (0.0, 1.0),
        vae: Any = None,
        extra_concat: Any = (),
    ) -> SparseControl:
        """cond_hint: n c h w pictures in 0..1. Raises ValueError where the model needs a VAE and
        there is none."""
        if self.spec.latents and vae is None:
            raise ValueError(
                f"{self.spec.motion.name} is SparseCtrl's rgb model, which sees hint images as "
                "latents; connect the checkpoint's VAE to vae."
            )
        super().set_cond_hint(cond_hint[:, :3], strength, timestep_percent_range, vae, [])
        self.vae = vae
        return self

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        check_base(self.spec, model)
        super().pre_run(model, percent_to_timestep_function)
        self.kept = {}

    def cleanup(self) -> None:
        super().cleanup()
        self.kept = {}

    def get_control(
        self,
        x_noisy: Tensor,
        t: Tensor,
        cond: dict[str, Any],
        batched_number: int,
        transformer_options: dict[str, Any],
    ) -> Any:
        """x_noisy: (b f) c h w;   t: (b f) sigmas"""
        previous: Any = None
        if self.previous_controlnet is not None:
            rest = (cond, batched_number, transformer_options)
            previous = self.previous_controlnet.get_control(x_noisy, t, *rest)
        if self.timestep_range is not None:
            start, end = self.timestep_range
            if t[0] > start or t[0] < end:
                return previous
        network: Any = self.control_model
        sampling: Any = self.model_sampling_current
        dtype = self.manual_cast_dtype or network.dtype
        call = self.call(x_noisy, t, transformer_options, dtype)
        signals = network.signals(
            call,
            self.hint(call, x_noisy, transformer_options).to(dtype),
            sampling.timestep(t).float(),
            comfy.model_management.cast_to_device(
                cond.get("crossattn_controlnet", cond["c_crossattn"]), x_noisy.device, dtype
            ),
        )
        return self.control_merge(signals, previous, output_dtype=None)

    def call(self, x: Tensor, t: Tensor, options: dict[str, Any], dtype: torch.dtype) -> Call:
        """The call as the control's own motion modules see it. Raises ValueError for more frames at
        once than they know."""
        call = call_of(x, t, options)
        if OPTION not in options:
            call = replace(call, run=replace(call.run, kept=self.kept))
        network: Any = self.control_model
        check_frames(self.spec.motion, call.at_once, call.run.indices is not None)
        key = ("positions", network, x.device, dtype)
        tables = call.run.keep(key, lambda: network.motion.positions_on(x.device, dtype))
        return replace(call, positions=tables)

    def hint(self, call: Call, x: Tensor, options: dict[str, Any]) -> Tensor:
        """The hints of the call's frames, the mask behind them.   x: (b f) c h w -> (b f) c h w"""
        images = self.prepared(x)
        frames = full_length(call, options)
        hints = self.hint_frames.of(len(images), frames)
        held = images.new_zeros((call.frames, images.shape[1] + 1, *images.shape[2:]))
        for place, number in in_window(hints, call.indices).items():
            held[place, :-1] = images[number]
            held[place, -1] = 1.0
        return held.repeat(call.videos, 1, 1, 1)

    def prepared(self, x: Tensor) -> Tensor:
        """The hint images at the size of the latents x, encoded where the model sees latents; made
        once a run.   -> n c h w"""
        height, width = x.shape[-2:]
        scale = 1 if self.spec.latents else self.compression_ratio
        size = (height * scale, width * scale)
        made: Any = self.cond_hint
        if made is None or tuple(made.shape[-2:]) != size:
            images: Any = self.cond_hint_original
            latents = self.spec.latents
            made = self.encoded(height, width) if latents else fitted(images, *size)
            self.cond_hint = made.to(x.device)
        hint: Any = self.cond_hint
        return hint

    def encoded(self, height: int, width: int) -> Tensor:
        """The images as latents of this size, scaled as the UNet sees them."""
        images: Any = self.cond_hint_original
        loaded = comfy.model_management.loaded_models(only_currently_used=True)
        latents = encoded(self.vae, images, height, width)
        # None stands for a model whose patcher of an earlier prompt is gone.
        comfy.model_management.load_models_gpu([one for one in loaded if one is not None])
        return comfy.latent_formats.SD15().process_in(latents)


def full_length(call: Call, options: dict[str, Any]) -> int:
    """Frames of the whole video. Raises ValueError where windows of others do not say it."""
    if call.run.indices is None:
        return call.frames
    run, window = options.get(OPTION), options.get("context_window")
    told = (
        getattr(run, "frames", None),
        getattr(window, "total_frames", None),
        options.get("ad_params", {}).get("full_length"),
    )
    length = next((int(n) for n in told if n), None)
    if length is None:
        raise ValueError(
            "SparseCtrl does not know how many frames the video has, since the context windows do "
            "not say it. Use Slide Context Windows, or apply a motion model."
        )
    return length


def check_base(spec: SparseSpec, model: Any) -> None:
    """Raise ValueError unless the encoder's features fit the UNet of a BaseModel."""
    unet, base = uncompiled(model.diffusion_model), base_of(model)
    name, layout = spec.motion.name, spec.motion.layout
    if not isinstance(unet, UNetModel):
        raise ValueError(
            f"{name} steers a Stable Diffusion UNet, but this model is {base}, which has none. "
            "Load an SD1.5 checkpoint."
        )
    channels = {name: site.channels for name, site in down_sites(unet)}
    context = model.model_config.unet_config.get("context_dim")
    if channels != layout.modules() or context != spec.context:
        levels = ", ".join(map(str, unet_layout(channels).widths))
        raise ValueError(
            f"{name} has levels of {', '.join(map(str, layout.widths))} channels and "
            f"{spec.context} text features, but this UNet ({base}) has levels of {levels} and "
            f"{context}. Load a checkpoint that it was made for; SparseCtrl is for SD1.5."
        )


def apply_sparse_control(
    conditionings: Sequence[Conditioning],
    control: SparseControl,
    images: Tensor,
    hint_frames: HintFrames,
    strength: float = 1.0,
    percent_range: tuple[float, float] = (0.0, 1.0),
    vae: Any = None,
) -> list[Conditioning]:
    """The conditionings with the control behind the ControlNets that they have; those of one chain
    share one, as from core's Apply ControlNet, so that they are sampled in one batch.

    images: n h w c in 0..1. Raises ValueError where images and frames do not go together, or a VAE
    is missing.
    """
    hint_frames.check(len(images))
    start, end = percent_range
    if not 0.0 <= start < end <= 1.0:
        raise ValueError(
            f"SparseCtrl's range runs from {start:g} to {end:g} of sampling; start_percent must be "
            "below end_percent, both between 0 and 1."
        )
    applied: dict[int, SparseControl] = {}

    def behind(earlier: Any) -> SparseControl:
        if id(earlier) not in applied:
            copy = control.copy()
            copy.hint_frames = hint_frames
            copy.set_cond_hint(images.movedim(-1, 1), strength, percent_range, vae)
            copy.set_previous_controlnet(earlier)
            applied[id(earlier)] = copy
        return applied[id(earlier)]

    def controlled(extra: dict[str, Any]) -> dict[str, Any]:
        control = behind(extra.get("control"))
        return {**extra, "control": control, "control_apply_to_uncond": False}

    return [[[text, controlled(extra)] for text, extra in group] for group in conditionings]
