"""What a node keeps between the calls of a run, kept for each window by itself.

ComfyUI's EasyCache (comfy_extras/nodes_easycache.py) remembers, from step to step, what the UNet
was last given and what it made of it, and leaves a call out where little has changed. With windows,
the call before is that of another window, of other frames. So each window is shown a holder of its
own. Where windows move, the same frames come back only after many steps, so that little is left
out: the log says so. LazyCache keeps whole videos, around the windows, and needs none of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ..motion_models.call import OPTION as RUN
from ..motion_models.call import Run
from .windows import WindowSettings, moves

log = logging.getLogger(__name__)

HOLDERS = {
    # class of what a node keeps -> the node's display name
    "EasyCacheHolder": "EasyCache",
}

OPTION = "easycache"
"""The key of transformer_options under which a holder stands."""

WINDOWS = (OPTION, "windows")
"""The key in a Run of the windows' holders."""

OF_A_RUN = ("start_t", "end_t")
"""What a holder was told of the run, which a clone has not."""


def keeps_state(options: dict[str, Any]) -> bool:
    """Whether a node that keeps state for each call is on the model.   options: model_options"""
    return type(holder_of(options)).__name__ in HOLDERS


def holder_of(options: dict[str, Any]) -> Any:
    return options.get("transformer_options", {}).get(OPTION)


def check_states(options: dict[str, Any]) -> None:
    """Raise ValueError where a node keeps what cannot be had a second time for another window."""
    holder = holder_of(options)
    if keeps_state(options) and not callable(getattr(holder, "clone", None)):
        raise ValueError(
            f"{HOLDERS[type(holder).__name__]} of this ComfyUI keeps one state for all calls of "
            "the UNet, so in context windows it would give frames what it kept of others. Remove "
            "it, or the windows."
        )


def tell_moving(options: dict[str, Any], windows: Sequence[WindowSettings], frames: int) -> None:
    """Warn where a node finds hardly any state again. Once a run; `windows`: those that it has, in
    calls of their own"""
    moving = next((one.schedule for one in windows if moves(frames, one)), None)
    if keeps_state(options) and moving is not None:
        node = HOLDERS[type(holder_of(options)).__name__]
        log.warning(
            "%s saves less here than it could: it compares a context window with the same frames "
            "at the step before, but the windows of the schedule %s move at every step. Choose the "
            "schedule standard_static, or leave %s out.",
            node,
            moving,
            node,
        )


def state_of_window(options: dict[str, Any], run: Run, indices: Sequence[int]) -> dict[str, Any]:
    """What transformer_options hold while the window of these frames is computed: the state that
    the same frames left at an earlier step, or a fresh one."""
    if not keeps_state(options):
        return {}
    shared = holder_of(options)
    own = run.keep(WINDOWS, dict[tuple[int, ...], Any])
    frames = tuple(indices)
    if frames not in own:
        own[frames] = fresh(shared)
    return {OPTION: own[frames]}


def fresh(shared: Any) -> Any:
    """A holder with the settings of `shared`, and nothing kept yet."""
    holder = shared.clone()
    for name in OF_A_RUN:
        setattr(holder, name, getattr(shared, name))
    return holder


def begin_anew(options: dict[str, Any]) -> None:
    """Before a further pass of sampling in one run (FreeInit): of what nodes kept of the pass
    before, of whole videos (LazyCache) and of windows, nothing holds any more.   options:
    model_options of the pass"""
    holder = holder_of(options)
    if not callable(getattr(holder, "clone", None)):
        return
    inner = options["transformer_options"]
    inner[OPTION] = fresh(holder)
    if inner.get(RUN) is not None:
        inner[RUN].kept.pop(WINDOWS, None)


def tell_skipped(options: dict[str, Any], run: Run) -> None:
    """Have the node, which tells at the end how many steps it left out, tell the mean of the
    windows."""
    if keeps_state(options):
        own = run.keep(WINDOWS, dict[tuple[int, ...], Any])
        skipped = [holder.total_steps_skipped for holder in own.values()]
        holder_of(options).total_steps_skipped = sum(skipped) / max(1, len(skipped))
