"""What belongs to each frame of the video, cut down to the frames of one window.

ComfyUI lets a batch of conditionings be shorter than the batch of latents (it repeats from the
start) or longer (the rest is unused); frame i therefore has entry i modulo the batch's size, and
that is what its window gets. A single entry serves all frames and is passed on as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..motion_models.views.frame_parts import FrameParts
from .views.gligen import GligenInParts

Cond = dict[str, Any]


def frames_of(batch: Tensor, window: list[int]) -> Tensor:
    """batch: m ... -> the entries of the window's frames, l ...; one entry stays one."""
    if batch.ndim == 0 or batch.shape[0] == 1:
        return batch
    index = torch.tensor([frame % batch.shape[0] for frame in window], device=batch.device)
    return batch.index_select(0, index)


def window_conds(conds: list[list[Cond] | None], window: list[int]) -> list[list[Cond] | None]:
    """The conditionings of one model call (positive, negative...) for one window.

    A ControlNet that several of them share becomes one copy that they share: ComfyUI puts
    conditionings into one batch only when their ControlNet is the same object.
    """
    controls: dict[int, Any] = {}
    return [
        None if group is None else [window_cond(cond, window, controls) for cond in group]
        for group in conds
    ]


def window_cond(cond: Cond, window: list[int], controls: dict[int, Any]) -> Cond:
    """One conditioning for one window: text, pooled text, inpainting latents, mask, ControlNets,
    GLIGEN."""
    cut = dict(cond)
    cut["model_conds"] = {
        key: window_model_cond(value, window) for key, value in cond.get("model_conds", {}).items()
    }
    if isinstance(cond.get("mask"), Tensor):
        cut["mask"] = frames_of(cond["mask"], window)
    if cond.get("control") is not None:
        cut["control"] = window_control(cond["control"], window, controls)
    if cond.get("gligen") is not None:
        cut["gligen"] = window_gligen(cond["gligen"], window)
    return cut


def window_model_cond(value: Any, window: list[int]) -> Any:
    """One of ComfyUI's CONDRegular, CONDCrossAttn, CONDNoiseShape, CONDList...; constants stay
    as they are."""
    held = getattr(value, "cond", None)
    if isinstance(held, Tensor):
        return value._copy_with(frames_of(held, window))
    if isinstance(held, list) and held and all(isinstance(entry, Tensor) for entry in held):
        return value._copy_with([frames_of(entry, window) for entry in held])
    return value


def window_control(control: Any, window: list[int], controls: dict[int, Any]) -> Any:
    """A copy of a ControlNet (and of those chained before it) that holds the hints of the window's
    frames.

    The original keeps its weights, its hints and its caches. One that cuts its hints itself stays
    the object that it is: it keeps count of the steps, and a copy's methods may be bound to it.
    """
    if cuts_itself(control):
        return control
    if id(control) in controls:
        return controls[id(control)]
    cut = copy.copy(control)
    controls[id(control)] = cut
    if control.previous_controlnet is not None:
        cut.previous_controlnet = window_control(control.previous_controlnet, window, controls)
    cut.cond_hint = None  # made anew from the window's hints
    if isinstance(control.cond_hint_original, Tensor):
        cut.cond_hint_original = frames_of(control.cond_hint_original, window)
    cut.extra_concat_orig = [frames_of(extra, window) for extra in control.extra_concat_orig]
    for device, clone in (getattr(control, "multigpu_clones", None) or {}).items():
        cut.multigpu_clones = {
            **cut.multigpu_clones,
            device: window_control(clone, window, controls),
        }
    return cut


TOLD = ("sub_idxs", "full_latent_length", "context_length", "previous_controlnet")
"""What is changed, for one window, on ControlNets that cut their hints themselves."""


def cuts_itself(control: Any) -> bool:
    """Whether a ControlNet is one of a pack (Advanced-ControlNet and others after it) that takes
    the hints of a window itself."""
    return hasattr(control, "sub_idxs")


@dataclass(frozen=True)
class Cut:
    """The frames of one model call, as ControlNets that cut their hints themselves are told them.

    frames: the indices in the video; total: frames of the video; length: of the windows as they
    are set, which the last of a video may fall short of.
    """

    frames: list[int]
    total: int
    length: int

    @contextmanager
    def told_to(self, conds: list[list[Cond] | None]) -> Iterator[None]:
        """The ControlNets of `conds` that cut their hints themselves know the frames while the
        block runs, and are as before after it. Those chained before them are cut for them."""
        chains = [chain(cond.get("control")) for group in conds for cond in group or ()]
        told = {id(c): c for controls in chains for c in controls if cuts_itself(c)}.values()
        before = [{name: getattr(c, name, None) for name in TOLD} for c in told]
        try:
            for control in told:
                previous = control.previous_controlnet
                if previous is not None:
                    control.previous_controlnet = window_control(previous, self.frames, {})
                control.sub_idxs = list(self.frames)
                control.full_latent_length = self.total
                control.context_length = self.length
            yield
        finally:
            for control, values in zip(told, before, strict=True):
                for name, value in values.items():
                    setattr(control, name, value)


def chain(control: Any) -> Iterator[Any]:
    """A ControlNet and those chained before it."""
    while control is not None:
        yield control
        control = control.previous_controlnet


def window_gligen(gligen: tuple[Any, ...], window: list[int]) -> tuple[Any, ...]:
    """GLIGEN's boxes: one list for all frames ("position"), or one a frame ("position_batched")."""
    kind, model, boxes = gligen
    if kind != "position_batched":
        return gligen
    return kind, model, [boxes[frame % len(boxes)] for frame in window]


class ControlInParts:
    """A ControlNet for a call with all frames of a long video: run over them in parts, each with
    the hints of its frames, the results put together again.

    home: where the results are kept; None for the device of the latents.
    """

    def __init__(
        self, control: Any, frames: int, length: int, home: torch.device | None = None
    ) -> None:
        self.control = control
        self.frames = frames
        self.length = length
        self.home = home

    def get_control(
        self,
        x_noisy: Tensor,
        t: Tensor,
        cond: Cond,
        batched_number: int,
        transformer_options: dict[str, Any],
    ) -> Any:
        """x_noisy: (b f) c h w   -> lists of (b f) c h w by place in the UNet, as core's
        ControlNets give"""
        device = x_noisy.device
        home = device if self.home is None else self.home
        videos = x_noisy.shape[0] // self.frames
        parts = FrameParts(videos, self.frames, self.length, device, home)
        signals = None
        for start in parts.starts():
            options = parts.options(transformer_options, start)
            cut = Cut(options["ad_params"]["sub_idxs"], self.frames, self.length)
            control = window_control(self.control, cut.frames, {})
            part = {key: parts.take(value, start) for key, value in cond.items()}
            x, sigma = parts.take(x_noisy, start), parts.take(t, start)
            with cut.told_to([[{"control": self.control}]]):
                result = control.get_control(x, sigma, part, batched_number, options)
            signals = joined_controls(signals, result, start, parts)
        return signals


def joined_controls(
    signals: dict[str, list[Any]] | None,
    result: dict[str, list[Any]] | None,
    start: int,
    parts: FrameParts,
) -> dict[str, list[Any]] | None:
    """The control signals of the parts so far with those of one more; None stays None."""
    if result is None:
        return None
    if signals is None:
        signals = {place: [None] * len(entries) for place, entries in result.items()}
    return {
        place: [
            None if part is None else parts.put(whole, part, start)
            for whole, part in zip(signals[place], entries, strict=True)
        ]
        for place, entries in result.items()
    }


def conds_in_parts(
    conds: list[list[Cond] | None], frames: int, length: int, home: torch.device | None = None
) -> list[list[Cond] | None]:
    """The conditionings with their ControlNets run in parts; one that several share stays shared.

    ComfyUI repeats a text for every frame; with a `home` that is done there.
    """
    stand_ins: dict[int, ControlInParts] = {}

    def in_parts(cond: Cond) -> Cond:
        cut, control = dict(cond), cond.get("control")
        if control is not None:
            stand_in = ControlInParts(control, frames, length, home)
            cut["control"] = stand_ins.setdefault(id(control), stand_in)
        if cond.get("gligen") is not None:
            kind, gligen, boxes = cond["gligen"]
            cut["gligen"] = (kind, GligenInParts(gligen), boxes)
        text = cond.get("model_conds", {}).get("c_crossattn")
        if home is not None and text is not None:
            kept = text._copy_with(text.cond.to(home))
            cut["model_conds"] = {**cond["model_conds"], "c_crossattn": kept}
        return cut

    return [None if group is None else [in_parts(cond) for cond in group] for group in conds]
