"""The motion model that was loaded last, kept for a node that asks for the same file again.

ComfyUI runs a node anew whenever one of its widgets changes, and a motion model is up to 1.8 GB to
read, check and move to the GPU. One is kept, and no more. What is handed out are clones of its
patcher, which share its weights: ComfyUI moves them between GPU and memory as those of any model,
and merges into them the MotionLoRAs of the clone that runs. Nobody else may change them.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from .detect import AUTOMATIC
from .load import load_motion_model

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

_kept: dict[tuple[Any, ...], ModelPatcher] = {}
"""By what it was loaded from: at most one."""


def load_or_reuse(
    path: str, family: str = AUTOMATIC, disable_dynamic: bool = False
) -> ModelPatcher:
    """As `load_motion_model`, which is not called where the file was the last to be loaded and has
    not changed since. Raises ValueError as it does."""
    key = (*state_of(path), repr(family), disable_dynamic)
    kept = _kept.get(key)
    if kept is None:
        forget()  # before the next is read, so that memory never holds two
        kept = load_motion_model(path, family, disable_dynamic)
        _kept[key] = kept
    return kept.clone()


def state_of(path: str) -> tuple[str | int, ...]:
    """(real path, time of the last change in ns, size, file on the disk): another for a file that
    was replaced, also by one of its size that kept its time."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except OSError:  # loading says what is wrong with it
        return (real,)
    return real, found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns


def forget() -> None:
    """Let go of the motion model; who uses it has it still."""
    _kept.clear()


def keep_for(node: object) -> None:
    """Let go when `node` is gone: ComfyUI has an object for each node of the graph, and drops it
    with the node, or when it is told to free its memory."""
    weakref.finalize(node, forget)
