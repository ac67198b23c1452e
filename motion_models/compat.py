"""Version differences of ComfyUI's engine; nodes/schema.py holds those of nodes.

Each probe asks the object at hand, so that a version is never looked up. The names are those of
ComfyUI 0.3.75 to 0.33.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import comfy.model_management as memory
import comfy.model_patcher
import torch
from comfy.model_patcher import ModelPatcher


def patcher_class(disable_dynamic: bool) -> type[ModelPatcher]:
    """ComfyUI's default patcher, the one of dynamic VRAM where it has it."""
    dynamic = getattr(comfy.model_patcher, "CoreModelPatcher", ModelPatcher)
    return ModelPatcher if disable_dynamic else dynamic


def is_dynamic(patcher: ModelPatcher) -> bool:
    """Whether the patcher streams its weights (dynamic VRAM) instead of loading them."""
    return getattr(patcher, "is_dynamic", lambda: False)()


def remember_loader(patcher: ModelPatcher, load: Callable[..., Any], arguments: tuple) -> None:
    """Tell ComfyUI how to make the model once more, for a copy on another GPU."""
    patcher.cached_patcher_init = (load, arguments)  # pyright: ignore[reportAttributeAccessIssue]


def copy_on(patcher: ModelPatcher, device: torch.device) -> ModelPatcher | None:
    """A copy of the model with weights of its own on another device; None where this ComfyUI cannot
    make one."""
    if getattr(patcher, "cached_patcher_init", None) is None:
        return None
    clone = getattr(patcher, "deepclone_multigpu", None)
    return None if clone is None else clone(new_load_device=device)


def apart(patcher: ModelPatcher) -> ModelPatcher:
    """The same clone, for ComfyUI one of another model: on another GPU it makes one copy of all
    clones of a model that a model carries, though each may have attachments of its own."""
    if hasattr(patcher, "clone_base_uuid"):
        patcher.clone_base_uuid = uuid.uuid4()  # pyright: ignore[reportAttributeAccessIssue]
    return patcher


def free_memory(patcher: Any, device: torch.device) -> float:
    """Bytes that sampling can take on the device; with dynamic VRAM, weights that can be given up
    count."""
    ask = getattr(patcher, "get_free_memory", memory.get_free_memory)
    return float(ask(device))  # pyright: ignore[reportArgumentType]


def device_clones(control: Any) -> Mapping[Any, Any]:
    """A ControlNet's copies on other devices."""
    return getattr(control, "multigpu_clones", None) or {}


def control_on(control: Any, device: Any) -> Any:
    """The ControlNet's copy on a device, or itself. One that stands before another has a say: what
    it hands on of the other's copies is not what it is itself."""
    if hasattr(type(control), "get_instance_for_device"):
        return control.get_instance_for_device(device)
    return device_clones(control).get(device, control)


def window_length(handler: Any, frames: int) -> int:
    """How many of `frames` frames attention over time sees at once under a context handler, or
    None. Ours says so itself; of others, it is what goes through the UNet at once."""
    at_once = getattr(handler, "at_once", None)
    if at_once is not None:
        return at_once(frames)
    return min(frames, getattr(handler, "context_length", frames))


def window_indices(options: Mapping[str, Any], frames: int | None = None) -> tuple[int, ...] | None:
    """The frames that a context window shows, by what transformer_options say of it; None outside
    of windows.   frames: of the run that is sampled, where that is known

    Core's own windows and ours publish `context_window`; other packs' `ad_params`.
    """
    window = options.get("context_window")
    if window is not None and getattr(window, "dim", 0) == 0:
        anchor = getattr(window, "causal_anchor_index", None)  # a frame more, put before the window
        return (*(() if anchor is None else (anchor,)), *window.index_list)
    told = options.get("ad_params", {})
    shown = told.get("sub_idxs")
    over = frames is not None and told.get("full_length") not in (None, frames)
    if shown is None or over:
        return None  # of no window, or of a run that is over
    return tuple(shown)
