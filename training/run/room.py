"""Memory for a training inside ComfyUI, and back again."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import comfy.model_management as memory
import torch


@contextmanager
def room_for_training() -> Iterator[None]:
    """ComfyUI's models out of the way before, and everything of the run after, however it ended;
    gradients allowed inside.

    What holds the run's memory must be local to functions that are called inside. Those of an error
    live on in its traceback, which ComfyUI keeps for its report; so they are taken out of it.
    """
    memory.unload_all_models()
    memory.soft_empty_cache()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    except BaseException as error:
        clear_locals(error)
        raise
    finally:
        gc.collect()
        memory.soft_empty_cache()


def clear_locals(error: BaseException | None) -> None:
    """Take the local variables out of the frames that an error, and those behind it, hold on to;
    frames that still run keep theirs."""
    todo, seen = [error], set[int]()
    while todo:
        error = todo.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        todo += [error.__cause__, error.__context__]
