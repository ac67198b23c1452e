"""A second device on a machine that has none: tensors of torch's `meta` device, with values.

Under `TwoDevices` the CPU stands for the device that computes, `meta` for the host memory beside
it. Each is computed by itself; whoever mixes the two raises, as on a GPU.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

HOST = torch.device("meta")
DEVICE = torch.device("cpu")

COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


class TwoDevices(TorchDispatchMode):
    """values: what the storages of the meta tensors hold, by the storage's address.
    carried: bytes that went from one device to the other."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[int, Tensor] = {}
        self.watched: dict[int, Any] = {}
        self.carried = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        key = torch._C.DispatchKey.CompositeImplicitAutograd
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), key):
            with self:
                return func.decompose(*args, **kwargs)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        places = {tensor.device for tensor in tensors}
        if func is COPIES[1] and len(places) == 2:
            self.carried += args[1].nbytes
            self.value(args[0]).copy_(self.value(args[1]))
            return args[0]
        if func is COPIES[0] and kwargs.get("device", args[0].device) != args[0].device:
            self.carried += args[0].nbytes
            on_cpu = func(self.value(args[0]), **{**kwargs, "device": DEVICE})
            return self.on_host(on_cpu) if kwargs["device"] == HOST else on_cpu
        if len(places) > 1:
            raise AssertionError(f"{func} was given tensors of the host and of the device.")
        if HOST not in places and kwargs.get("device") != HOST:
            return func(*args, **kwargs)
        found = func(*tree_map_only(Tensor, self.value, args), **self.on_cpu(kwargs))
        if any(returned.alias_info is not None for returned in func._schema.returns):
            return func(*args, **kwargs)  # a view of known storage, or a write to it
        return tree_map_only(Tensor, self.on_host, found)

    def on_cpu(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        moved = tree_map_only(Tensor, self.value, kwargs)
        return {**moved, "device": DEVICE} if kwargs.get("device") is not None else moved

    def value(self, tensor: Tensor) -> Tensor:
        """What a tensor of either device holds, in memory that writes to it change."""
        if tensor.device == DEVICE:
            return tensor
        held = self.values[tensor.untyped_storage()._cdata]
        return held.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())

    def on_host(self, value: Tensor) -> Tensor:
        """A tensor of the host that holds this value."""
        shape = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=HOST)
        storage = shape.untyped_storage()
        self.values[storage._cdata] = value
        self.watched[storage._cdata] = weakref.ref(storage, self.forget(storage._cdata))
        return shape

    def forget(self, key: int) -> Any:
        def forget(_: Any) -> None:
            del self.values[key], self.watched[key]

        return forget
