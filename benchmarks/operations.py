"""How many operations a module makes, and how often it passes over its map; counted, not timed.

    with Operations(x) as counted:
        module(x)
    counted.kernels, counted.passes, counted.far

An operation is one that torch dispatches and that writes something: about a kernel on a GPU. What
one does inside itself (the copy of a bias in `addmm` on a CPU) is not seen. A Triton kernel that
its interpreter runs (TRITON_INTERPRET=1) is one operation, which reads or writes each tensor that
it is given. A pass is as many bytes, read or written, as the map has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import torch
from allocations import SmallOperations
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_leaves

SILENT = ("empty", "new_empty", "empty_like", "_unsafe_view", "alias")
"""Operations that only make room, by name."""


class Operations(SmallOperations):
    """kernels: operations that write; passes: over the map x, of all that they read and write; far:
    over tensors whose memory is as large as the map's alone, those that no cache holds where one
    holds a part of the map."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.bytes = x.numel() * x.element_size()
        self.names: list[str] = []
        self.moved = self.moved_far = 0

    @property
    def kernels(self) -> int:
        return len(self.names)

    @property
    def passes(self) -> float:
        return self.moved / self.bytes

    @property
    def far(self) -> float:
        return self.moved_far / self.bytes

    def operation(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        results = func(*args, **kwargs)
        name = func._schema.name.removeprefix("aten::")
        returned = [r.alias_info for r in func._schema.returns]
        view = any(alias is not None and not alias.is_write for alias in returned)
        if view or name in SILENT:
            return results
        self.names.append(name)
        read = tensors_of((args, {k: v for k, v in kwargs.items() if k != "out"}))
        for tensor in (*read, *tensors_of(results)):
            self.count(tensor)
        return results

    def launches(self) -> Any:
        """While it is entered, launches of Triton's interpreter are counted, too."""
        from triton.runtime.interpreter import GridExecutor

        run: Callable[..., Any] = GridExecutor.__call__

        def launch(executor: Any, *args: Any, **kwargs: Any) -> Any:
            self.names.append(executor.fn.__name__)
            for tensor in tensors_of(args):
                self.count(tensor)
            with _disable_current_modes():
                return run(executor, *args, **kwargs)

        return patch.object(GridExecutor, "__call__", launch)

    def count(self, tensor: Tensor) -> None:
        size = touched(tensor)
        self.moved += size
        if tensor.untyped_storage().nbytes() >= self.bytes:
            self.moved_far += size


def tensors_of(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def touched(tensor: Tensor) -> int:
    """Bytes that lie behind a tensor; what is expanded counts once."""
    sides = zip(tensor.shape, tensor.stride(), strict=True)
    different = torch.Size([size for size, stride in sides if stride != 0])
    return different.numel() * tensor.element_size()
