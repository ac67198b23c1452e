"""ControlNets in context windows: each window gets the hints of its frames.

Two kinds: core's own, of which a window gets a copy with its hints, and those of packs that cut
hints themselves (Advanced-ControlNet and others after it), which are told the frames.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from ..motion_models.call import Run
from ..motion_models.compat import device_clones
from .frames import frames_of

BUDGET = 2**28
"""Bytes of prepared hints that a run keeps on the device: as many windows as fit are prepared once
a run, the others once a step."""

PREPARED = ("cond_hint", "control_input")
"""What core's ControlNets and T2I-Adapters make of their hints, and use again while it is there."""


class Hints:
    """The copies of ControlNets that windows get.

    A copy prepares its hints (resizes, encodes and uploads them) when it is first called, and keeps
    them; so copies are kept for the run, as far as memory allows. Within a window, what several
    conds share becomes one copy that they share: ComfyUI puts conds into one batch only where their
    ControlNet is the same object.

    lock: for whoever shares them with the thread of another GPU.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.copies: dict[tuple[int, tuple[int, ...]], tuple[Any, Any]] = {}
        self.elsewhere: dict[torch.device, Hints] = {}
        self.lock = Lock()

    def on(self, device: torch.device) -> Hints:
        """Those for the ControlNets on another device, which has a budget of its own."""
        return self.elsewhere.setdefault(device, Hints(self.budget))

    def of(self, control: Any, window: list[int]) -> Any:
        """A copy of a ControlNet (and of those chained before it) with the hints of the window's
        frames.

        The original keeps its weights, its hints and its caches. One that cuts its hints itself
        stays the object that it is: it keeps count of the steps, and a copy's methods may be bound
        to it.
        """
        if cuts_itself(control):
            return control
        key = (id(control), tuple(window))
        if key not in self.copies:
            # with the original, whose id names it as long as it lives
            self.copies[key] = (control, self.cut(control, window))
        return self.copies[key][1]

    def cut(self, control: Any, window: list[int]) -> Any:
        cut = copy.copy(control)
        if control.previous_controlnet is not None:
            cut.previous_controlnet = self.of(control.previous_controlnet, window)
        cut.cond_hint = None  # made anew from the window's hints
        if isinstance(control.cond_hint_original, Tensor):
            cut.cond_hint_original = frames_of(control.cond_hint_original, window)
        cut.extra_concat_orig = [frames_of(extra, window) for extra in control.extra_concat_orig]
        clones = device_clones(control)
        if clones:
            cut.multigpu_clones = {on: self.of(clone, window) for on, clone in clones.items()}
        return AdapterCopy(cut) if hasattr(control, "control_input") else cut

    def trim(self) -> None:
        """Let go of copies beyond the budget, the newest first: windows come in the same order in
        every step, so that of a full cache the oldest are asked for next."""
        sizes = [prepared_bytes(cut) for _, cut in self.copies.values()]
        total = sum(sizes)
        for key, size in reversed(list(zip(self.copies, sizes, strict=True))):
            if total <= self.budget:
                return
            del self.copies[key]
            total -= size


class AdapterCopy:
    """A window's copy of a T2I-Adapter. Core keeps what its network made for one size of batch and
    adds it to any other, which fails where conds come and go between steps; here another size makes
    it anew."""

    def __init__(self, cut: Any) -> None:
        self.cut = cut

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["cut"], name)

    def get_control(self, x_noisy: Tensor, *args: Any) -> Any:
        """x_noisy: (b f) c h w"""
        made = self.cut.cond_hint
        if made is not None and len(made) not in (1, len(x_noisy)):
            self.cut.cond_hint = self.cut.control_input = None
        return self.cut.get_control(x_noisy, *args)


def hints_of(run: Run) -> Hints:
    """Those of a sampling run; they are let go with it."""
    return run.keep("hints", Hints)


def prepared_bytes(control: Any) -> int:
    """Of the tensors that a ControlNet has made of its hints."""
    return sum(tensor_bytes(getattr(control, name, None)) for name in PREPARED)


def tensor_bytes(held: Any) -> int:
    if isinstance(held, Tensor):
        return held.nbytes
    if isinstance(held, dict):
        return sum(map(tensor_bytes, held.values()))
    return sum(map(tensor_bytes, held)) if isinstance(held, (list, tuple)) else 0


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
    def told_to(self, controls: Iterable[Any], hints: Hints) -> Iterator[None]:
        """The ControlNets that cut their hints themselves know the frames while the block runs, and
        are as before after it. `hints` cuts those chained before them."""
        chains = [chain(control) for control in controls]
        told = {id(c): c for links in chains for c in links if cuts_itself(c)}.values()
        before = [{name: getattr(c, name, None) for name in TOLD} for c in told]
        try:
            for control in told:
                previous = control.previous_controlnet
                if previous is not None:
                    control.previous_controlnet = hints.of(previous, self.frames)
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
