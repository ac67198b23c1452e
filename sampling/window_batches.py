"""Several windows of a step in one call of the UNet.

A GPU is kept busy by a call of one window at 512x512. Smaller latents leave it waiting for the
next kernel, and windows are independent: so they stand side by side in the batch, as conds do,
where the memory that is free allows it. A CPU gains nothing by that but at latents of 8x8.

    windows  0 1 2 3 | 3 4 5 6   of 2 conds   ->   0 1 2 3 3 4 5 6  0 1 2 3 3 4 5 6

What belongs to a frame is cut by these frames. What knows no more than one window a call, or may
not, has its windows one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby
from math import prod
from typing import Any

import comfy.controlnet
import comfy.model_management
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ..motion_models.adapter_over_time import AdapterOverTime
from ..motion_models.compat import free_memory
from ..motion_models.inject import Injection
from . import crew
from .controls import chain
from .evaluation import Evaluation
from .values.control import ControlOverTime
from .window_states import keeps_state
from .windows import Windows

PIXELS = {"cpu": 0}
"""Pixels of latents, over all frames and conds of a call, up to which it takes in windows, by the
type of the device."""

OTHERS = 2 * 16 * 64 * 64
"""The same on all others: a window of 16 frames at 512x512 with two conds."""

ROOM = 1.5
"""Free memory over what a call is said to take, as core asks for it before it joins conds."""

INNER = (WrappersMP.CALC_COND_BATCH, WrappersMP.APPLY_MODEL, WrappersMP.DIFFUSION_MODEL)
"""Wrappers that see the call of the UNet."""

KNOWN = (Injection, AdapterOverTime)
"""Of these, those that know windows side by side."""

KNOWN_CONTROLS = (
    comfy.controlnet.ControlNet,
    comfy.controlnet.ControlLora,
    comfy.controlnet.T2IAdapter,
)

ComputeSeveral = Callable[[Evaluation, list[int]], Sequence[Tensor]]
"""Windows, by their numbers -> the predictions of each, conds l 4 h w"""


def in_batches(
    given: Evaluation, windows: Windows, mine: Collection[int], compute: ComputeSeveral
) -> Iterator[Tensor]:
    """What `compute` gives for those windows of a step that are `mine`, in their order; Cancel ends
    it between two calls."""
    for batch in batches_of(given, windows, mine):
        comfy.model_management.throw_exception_if_processing_interrupted()
        yield from compute(given, batch)


def batches_of(given: Evaluation, windows: Windows, mine: Collection[int]) -> list[list[int]]:
    """The windows of each call, by their numbers; those of a call are of one length."""
    if one_by_one(given):
        return [[i] for i in mine]
    alike = [list(some) for _, some in groupby(mine, lambda i: len(windows[i]))]
    return [
        batch for some in alike for batch in evenly(some, at_once(given, len(windows[some[0]])))
    ]


def evenly(windows: list[int], most: int) -> list[list[int]]:
    """As few batches as can be, and about as large: 5 windows, 4 at most -> 3 and 2."""
    count = -(-len(windows) // most)
    bounds = [len(windows) * i // count for i in range(count + 1)]
    return [windows[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]


def at_once(given: Evaluation, length: int) -> int:
    """How many windows of so many frames one call takes, with all conds."""
    device, conds = given.x.device, sum(len(group or ()) for group in given.conds)
    shape = [max(1, conds) * length, *given.x.shape[1:]]
    most = PIXELS.get(device.type, OTHERS) // (shape[0] * prod(shape[2:]))
    if most < 2:
        return 1
    free = free_memory(given.model.current_patcher, device)
    takes = given.model.memory_required([shape[0] * most, *shape[1:]]) * ROOM
    return max(1, int(most * min(1.0, free / takes)))


def one_by_one(given: Evaluation) -> bool:
    """Whether each window has to have a call of its own: with a crew, whose ranks compute the same
    to the bit; and with what may know no more than one window a call."""
    options = given.model_options
    told: dict[str, Any] = options.get("transformer_options", {})
    return (
        crew.OPTION in options
        or keeps_state(options)
        or "model_function_wrapper" in options
        or any(told.get(patches) for patches in ("patches", "patches_replace"))
        or not all(isinstance(wrapper, KNOWN) for wrapper in inner_wrappers(told))
        or any(is_strange(cond) for group in given.conds for cond in group or ())
    )


def inner_wrappers(told: dict[str, Any]) -> Iterator[Any]:
    for kind in INNER:
        for wrappers in told.get("wrappers", {}).get(kind, {}).values():
            yield from wrappers


def is_strange(cond: dict[str, Any]) -> bool:
    """Whether a conditioning has more than text, masks and core's ControlNets: boxes of GLIGEN,
    weights of its own, ControlNets of others and those with motion modules."""
    parts = (cond.get(name) for name in ("gligen", "hooks"))
    controls = map(innermost, chain(cond.get("control")))
    return any(part is not None for part in parts) or any(
        type(control) not in KNOWN_CONTROLS for control in controls
    )


def innermost(control: Any) -> Any:
    """The ControlNet behind a strength over time."""
    return control.control if isinstance(control, ControlOverTime) else control
