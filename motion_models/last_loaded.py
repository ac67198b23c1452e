"""The motion model, and the adapter, that was loaded last, kept for a node that asks for the same
file again.

ComfyUI runs a node anew whenever one of its widgets changes, and a motion model is up to 1.8 GB to
read, check and move to the GPU. One of a loader's is kept, and no more. What is handed out are
clones of its patcher, which share its weights: ComfyUI moves them between GPU and memory as those
of any model, and merges into them the MotionLoRAs of the clone that runs. Nobody else may change
them.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .detect import AUTOMATIC
from .load import load_motion_model

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

_kept: dict[Callable[..., ModelPatcher], tuple[tuple[Any, ...], ModelPatcher]] = {}
"""By its loader: what it was loaded from, and what came of it."""


def load_or_reuse(
    path: str, family: str = AUTOMATIC, disable_dynamic: bool = False
) -> ModelPatcher:
    """As `load_motion_model`, which is not called where the file was the last to be loaded and has
    not changed since. Raises ValueError as it does."""
    return reused(load_motion_model, path, family, disable_dynamic)


def reused(load: Callable[..., ModelPatcher], path: str, *more: Any) -> ModelPatcher:
    """What `load(path, *more)` returns, from memory where it was the last of that loader and the
    file has not changed since."""
    key = (*state_of(path), *map(repr, more))
    if load not in _kept or _kept[load][0] != key:
        _kept.pop(load, None)  # before the next is read, so that memory never holds two
        _kept[load] = key, load(path, *more)
    return _kept[load][1].clone()


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
    """Let go of all that is kept; who uses it has it still."""
    _kept.clear()


def keep_for(node: object) -> None:
    """Let go when `node` is gone: ComfyUI has an object for each node of the graph, and drops it
    with the node, or when it is told to free its memory."""
    weakref.finalize(node, forget)
