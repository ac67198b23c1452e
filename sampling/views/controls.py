"""ControlNets and texts for a call with all frames of a long video, whose layers run over them in
parts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...motion_models.compat import control_on
from ...motion_models.views.frame_parts import FrameParts
from ..conditioning import Cond
from ..controls import Cut, Hints
from .gligen import GligenInParts


class ControlInParts:
    """A ControlNet for a call with all frames of a long video: run over them in parts, each with
    the hints of its frames, the results put together again.

    home: where the results are kept; None for the device of the latents.
    """

    def __init__(
        self,
        control: Any,
        frames: int,
        length: int,
        hints: Hints,
        home: torch.device | None = None,
    ) -> None:
        self.control = control
        self.hints = hints
        self.frames = frames
        self.length = length
        self.home = home

    def get_instance_for_device(self, device: torch.device) -> ControlInParts:
        """As core asks for its copy on another GPU, whose thread has hints of its own."""
        control = control_on(self.control, device)
        if control is self.control:
            return self
        hints = self.hints.on(device)
        return ControlInParts(control, self.frames, self.length, hints, self.home)

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
            part = {key: parts.take(value, start) for key, value in cond.items()}
            x, sigma = parts.take(x_noisy, start), parts.take(t, start)
            result = self.of_part(x, sigma, part, batched_number, options)
            signals = joined_controls(signals, result, start, parts)
        return signals

    def of_part(
        self, x: Tensor, sigma: Tensor, cond: Cond, batched_number: int, options: dict[str, Any]
    ) -> Any:
        """The signals of a part, whose frames `options` tell.   x: (b l) c h w"""
        cut = Cut(options["ad_params"]["sub_idxs"], self.frames, self.length)
        with self.hints.lock:
            control = self.hints.of(self.control, cut.frames)
            with cut.told_to([self.control], self.hints):
                result = control.get_control(x, sigma, cond, batched_number, options)
            self.hints.trim()
        return result


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
            joined(whole, part, start, parts)
            for whole, part in zip(signals[place], entries, strict=True)
        ]
        for place, entries in result.items()
    }


def joined(
    whole: Tensor | None, part: Tensor | None, start: int, parts: FrameParts
) -> Tensor | None:
    """A signal with its part; one that serves all frames (that of an adapter with one hint) goes
    to where the others are kept, since the UNet leaves out what lies on another device."""
    if part is None:
        return None
    if not parts.is_part(part, start):
        return part.to(parts.home)
    return parts.put(whole, part, start)


def conds_in_parts(
    conds: list[list[Cond] | None],
    frames: int,
    length: int,
    hints: Hints,
    home: torch.device | None = None,
) -> list[list[Cond] | None]:
    """The conditionings with their ControlNets run in parts; one that several share stays shared.

    ComfyUI repeats a text for every frame; with a `home` that is done there.
    """
    stand_ins: dict[int, ControlInParts] = {}

    def in_parts(cond: Cond) -> Cond:
        cut, control = dict(cond), cond.get("control")
        if control is not None:
            stand_in = ControlInParts(control, frames, length, hints, home)
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
