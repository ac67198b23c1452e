"""A ControlNet whose strength follows the frames: one that stands round core's, or another pack's.

Core multiplies what a ControlNet adds by one number. Here the ControlNet is asked by itself, each
of its signals is multiplied by the value of its frame and pixel, and what is chained before it is
added as core adds it. The frames are those of the call, so they are right in windows and views.
"""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor

from ...motion_models.call import Call, call_of
from ...motion_models.compat import control_on
from ...motion_models.strength import Strength, values_at

OWN = ("control", "over_time", "on_devices")

Signals = dict[str, list[Tensor | None]]
"""What is added to the UNet, by place in it.   each (b f) c h w, or 1 c h w"""


class ControlOverTime:
    """Stands before a ControlNet, and is it in all but `get_control`."""

    def __init__(self, control: Any, over_time: Strength) -> None:
        self.__dict__.update(control=control, over_time=over_time, on_devices={})

    def __getattr__(self, name: str) -> Any:
        if name in OWN:  # while it is copied, before it has them
            raise AttributeError(name)
        return getattr(self.control, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.control, name, value)

    def __copy__(self) -> ControlOverTime:
        """With a ControlNet of its own, as whoever copies one goes on to change it."""
        return ControlOverTime(copy.copy(self.control), self.over_time)

    def copy(self) -> ControlOverTime:
        return ControlOverTime(self.control.copy(), self.over_time)

    def get_instance_for_device(self, device: Any) -> ControlOverTime:
        """As core asks for its copy on another GPU: the same one as long as the ControlNet's copy
        is, since windows keep what they made of it by its identity."""
        control = control_on(self.control, device)
        if control is self.control:
            return self
        held = self.on_devices.get(device)
        if held is None or held.control is not control:
            held = self.on_devices[device] = ControlOverTime(control, self.over_time)
        return held

    def set_cond_hint(self, *args: Any, **kwargs: Any) -> ControlOverTime:
        self.control.set_cond_hint(*args, **kwargs)
        return self

    def set_previous_controlnet(self, previous: Any) -> ControlOverTime:
        self.control.set_previous_controlnet(previous)
        return self

    def get_control(
        self, x_noisy: Tensor, t: Tensor, cond: Any, batched_number: int, options: dict[str, Any]
    ) -> Any:
        """x_noisy: (b f) c h w;   t: (b f) sigmas"""
        previous = self.control.previous_controlnet
        before = None
        if previous is not None:
            before = previous.get_control(x_noisy, t, cond, batched_number, options)
        self.control.previous_controlnet = None
        try:
            own = self.control.get_control(x_noisy, t, cond, batched_number, options)
        finally:
            self.control.previous_controlnet = previous
        if own is None:
            return before
        return added(scaled(own, self.over_time, call_of(x_noisy, t, options)), before)


def scaled(signals: Signals, over_time: Strength, call: Call) -> Signals:
    """Each signal times the value of its frame and pixel. One that serves all frames becomes one a
    frame."""

    def times(signal: Tensor | None) -> Tensor | None:
        if signal is None:
            return None
        batch = call.videos * call.frames
        if len(signal) not in (1, batch):  # shorter ones repeat, as where core adds them
            signal = signal.repeat(-(-batch // len(signal)), 1, 1, 1)[:batch]
        return signal * values_at(over_time, call, signal)

    return {place: [times(signal) for signal in entries] for place, entries in signals.items()}


def added(signals: Signals, before: Signals | None) -> Signals:
    """The sum by place; either may have less."""
    if before is None:
        return signals
    places = dict.fromkeys((*signals, *before))
    return {place: [*joined(signals.get(place, []), before.get(place, []))] for place in places}


def joined(own: list[Any], before: list[Any]) -> list[Any]:
    length = max(len(own), len(before))
    pairs = zip(
        *([*entries, *[None] * (length - len(entries))] for entries in (own, before)), strict=True
    )
    return [a if b is None else b if a is None else a + b for a, b in pairs]


def control_over_time(control: Any, over_time: Strength) -> ControlOverTime:
    """The ControlNet with its strength multiplied by a value over time. It takes its place in Apply
    ControlNet; the one that came in stays as it is."""
    return ControlOverTime(control.copy(), over_time)
