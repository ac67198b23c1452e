"""A fault at a place in a model: the n-th call of a layer while something runs, whichever layer it
is, those that stand in the UNet for one call among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import comfy.model_management as memory
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook


class Fault:
    """The n-th call of a layer, from 1 on, does `act` before it; `calls` counts all."""

    def __init__(self, n: int, act: Callable[[], None]) -> None:
        self.n, self.act, self.calls = n, act, 0

    def __call__(self, module: nn.Module, inputs: Any) -> None:
        self.calls += 1
        if self.calls == self.n:
            self.act()


def run_out() -> None:
    raise torch.OutOfMemoryError("no room for this layer")


def press_cancel() -> None:
    memory.interrupt_current_processing()


@contextmanager
def hooked(hook: Callable[[nn.Module, Any], None]) -> Iterator[None]:
    """torch's own hook before every call of a layer."""
    handle = register_module_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def places(work: Callable[[], Any], last: bool = False) -> dict[str, int]:
    """The kinds of places that layers are called in, each with the number of its first call, or of
    its last: the class of a layer behind that of the one that calls it."""
    found: dict[str, int] = {}
    count = 0
    around: list[nn.Module] = []

    def note(module: nn.Module, inputs: Any) -> None:
        nonlocal count
        count += 1
        while around and not any(child is module for child in around[-1].modules()):
            around.pop()
        caller = f"{type(around[-1]).__name__}/" if around else ""
        around.append(module)
        kind = caller + type(module).__name__
        if last or kind not in found:
            found[kind] = count

    with hooked(note):
        work()
    return found


def tree(model: nn.Module) -> list[tuple[str, str, int]]:
    """Every layer by its name, class and number of hooks."""
    return [
        (name, type(layer).__name__, len(layer._forward_pre_hooks) + len(layer._forward_hooks))
        for name, layer in model.named_modules()
    ]
