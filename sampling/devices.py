"""The windows of a step over the GPUs of one machine.

ComfyUI 0.33 has nodes that put clones of a model on other GPUs, and a pool with a thread for each.
By itself it splits the conds of a call over them, which gives nothing at guidance 1 and twice the
speed at most. Windows are independent, and there are more of them: here device d of D computes the
windows d, d + D, d + 2D ... Their predictions are summed in the order of the windows, so a video is
bit for bit that of one GPU of the kind that computes window by window (window_batches.py).
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import torch
from comfy.model_management import (
    InterruptProcessingException,
    throw_exception_if_processing_interrupted,
)
from torch import Tensor

from ..motion_models.call import OPTION, Run
from ..motion_models.compat import control_on
from .conditioning import Cond, controls_of
from .controls import chain, cuts_itself
from .evaluation import Evaluation
from .window_states import keeps_state

CLONES, POOL = "multigpu_clones", "multigpu_thread_pool"
"""Keys of model_options under which ComfyUI keeps the clones by device, and the pool of threads."""

Compute = Callable[[Evaluation, int], Tensor]
"""A window, by its number, in the evaluation of a device -> its predictions, conds l 4 h w"""


def devices_for(given: Evaluation, windows: Collection[int]) -> list[torch.device]:
    """The devices that share so many windows; none where one computes all, or ComfyUI splits the
    conds of each call itself."""
    options = given.model_options
    clones, pool = options.get(CLONES), options.get(POOL)
    if not clones or pool is None or len(windows) < 2 or keeps_state(options):
        return []
    conds = [cond for group in given.conds for cond in group or ()]
    told = [c for control in controls_of(given.conds) for c in chain(control) if cuts_itself(c)]
    if told or any(cond.get("gligen") is not None for cond in conds):
        return []  # of which there is one for all devices
    return list(clones)[: len(windows)]


def over_devices(
    given: Evaluation, devices: list[torch.device], windows: Collection[int], compute: Compute
) -> Iterator[Tensor]:
    """What `compute` gives for each of the windows, in their order, on the device of given.x.

    An error of one device ends the work of all after the window they are at, and is raised as it
    is.
    """
    follow_hooks(given)
    order, stop = list(windows), threading.Event()
    shares = {device: order[d :: len(devices)] for d, device in enumerate(devices)}
    pool = given.model_options[POOL]
    for device, share in shares.items():
        work = contextvars.copy_context().run
        mode = torch.is_inference_mode_enabled()
        pool.submit(device, work, computed, given, device, share, compute, stop, mode)
    told = {device: pool.get_result(device) for device in devices}
    raise_first([error for _, error in told.values() if error is not None])
    found = {window: part for parts, _ in told.values() for window, part in parts.items()}
    for window in order:
        yield found[window]


def computed(
    given: Evaluation,
    device: torch.device,
    share: list[int],
    compute: Compute,
    stop: threading.Event,
    inference: bool,
) -> dict[int, Tensor]:
    """One device's share, in its thread."""
    found: dict[int, Tensor] = {}
    try:
        with torch.inference_mode(inference), torch.no_grad():
            on_device = evaluation_on(given, device)
            for window in share:
                if stop.is_set():
                    break
                throw_exception_if_processing_interrupted()
                found[window] = compute(on_device, window).to(given.x.device)
            if device.type == "cuda":
                torch.cuda.synchronize(device)  # the copies are on their way
    except BaseException:
        stop.set()
        raise
    return found


def raise_first(errors: list[BaseException]) -> None:
    """Cancel comes before what it may have caused."""
    errors.sort(key=lambda error: not isinstance(error, InterruptProcessingException))
    if errors:
        raise errors[0]


def follow_hooks(given: Evaluation) -> None:
    """Hooks that change with sampling are told the step once, for all devices."""
    patcher = given.model.current_patcher
    for group in given.conds:
        for cond in group or ():
            hooks = cond.get("hooks")
            if hooks is not None:
                patcher.prepare_hook_patches_current_keyframe(
                    given.timestep, hooks, given.model_options
                )


def evaluation_on(given: Evaluation, device: torch.device) -> Evaluation:
    """The evaluation by the model's clone on a device, with options of its own."""
    options = {k: v for k, v in given.model_options.items() if k not in (CLONES, POOL)}
    told = dict(options.get("transformer_options", {}))
    if isinstance(told.get("sample_sigmas"), Tensor):
        told["sample_sigmas"] = told["sample_sigmas"].to(device)
    if OPTION in told:
        told[OPTION] = run_on(told[OPTION], device)
    return replace(
        given,
        model=given.model_options[CLONES][device].model,
        conds=[g and [cond_on(cond, device) for cond in g] for g in given.conds],
        x=given.x.to(device),
        timestep=given.timestep.to(device),
        model_options={**options, "transformer_options": told},
    )


def run_on(run: Run, device: torch.device) -> Run:
    """The run as a device sees it, which keeps things of its own there."""
    sigmas = None if run.sigmas is None else run.sigmas.to(device)
    return replace(run, sigmas=sigmas, kept=run.keep(("on", device), dict[Any, Any]))


def cond_on(cond: Cond, device: torch.device) -> Cond:
    """A conditioning whose tensors are on a device, with the ControlNets there."""
    moved = dict(cond)
    moved["model_conds"] = {k: value_on(v, device) for k, v in cond.get("model_conds", {}).items()}
    if isinstance(cond.get("mask"), Tensor):
        moved["mask"] = cond["mask"].to(device)
    if cond.get("control") is not None:
        moved["control"] = control_on(cond["control"], device)
    return moved


def value_on(value: Any, device: torch.device) -> Any:
    """One of ComfyUI's CONDRegular, CONDCrossAttn, CONDList... on a device."""
    held = getattr(value, "cond", None)
    if isinstance(held, Tensor):
        return value._copy_with(held.to(device))
    if isinstance(held, list) and held and all(isinstance(entry, Tensor) for entry in held):
        return value._copy_with([entry.to(device) for entry in held])
    return value
