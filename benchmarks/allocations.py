"""What a run allocates and how much it would compute, without computing it.

`ShapesOnly` gives the large operations results of the right shape, freshly allocated and never
written, so that the code under measure runs as it is, at the width of a real UNet, in seconds.
`PeakAllocation` counts the bytes of the tensors that live at once. Both stand below ComfyUI and the
pack, as modes of torch's dispatcher; nothing is patched. Where host memory is to be told apart from
the device's, torch's `meta` device stands for the host, the CPU for the device.

    with ShapesOnly(), PeakAllocation() as allocated:
        sample()
    allocated.peak
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

HOST = torch.device("meta")

LARGE = 2**15
"""Elements of a tensor that is not computed; smaller ones, such as sigmas and indices, are."""


@cache
def is_composite(func: Any) -> bool:
    """Whether an operation is made of smaller ones. Inference mode hands it over whole."""
    composite = torch._C.DispatchKey.CompositeImplicitAutograd
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), composite)


class SmallOperations(TorchDispatchMode):
    """A mode that sees every operation after those made of smaller ones are taken apart."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if is_composite(func):
            with self:
                return func.decompose(*args, **kwargs)
        return self.operation(func, args, kwargs)

    def operation(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError


class ShapesOnly(SmallOperations):
    """Large results are allocated and left as they are; views are made, writes are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: dict[Any, Any] = {}  # windows repeat the same calls

    def operation(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        leaves = tree_leaves((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        on_host = any(tensor.device == HOST for tensor in tensors)
        if not on_host and all(tensor.numel() < LARGE for tensor in tensors):
            return func(*args, **kwargs)
        returns = func._schema.returns
        if returns and not any("Tensor" in str(returned.type) for returned in returns):
            return func(*args, **kwargs)  # a number or a truth value, such as `equal` gives
        aliases = [returned.alias_info for returned in returns]
        if any(alias is not None and alias.is_write for alias in aliases):
            return args[0]
        if any(alias is not None for alias in aliases):
            return func(*args, **kwargs)
        call = (func, tuple(map(told_apart_by, leaves)))
        if call not in self.shapes:
            moved = on_meta_device(kwargs)
            self.shapes[call] = func(*tree_map_only(Tensor, on_meta, args), **moved)
        place = kwargs.get("device") or tensors[0].device
        return tree_map_only(Tensor, lambda shape: allocated_like(shape, place), self.shapes[call])


def told_apart_by(leaf: Any) -> Any:
    """What of an argument decides the shapes of the results."""
    if isinstance(leaf, Tensor):
        return tuple(leaf.shape), leaf.stride(), leaf.dtype, leaf.device
    return leaf


def on_meta(tensor: Tensor) -> Tensor:
    return torch.empty_strided(
        tensor.shape, tensor.stride(), dtype=tensor.dtype, device=torch.device("meta")
    )


def on_meta_device(kwargs: dict[str, Any]) -> dict[str, Any]:
    moved = tree_map_only(Tensor, on_meta, kwargs)
    return {**moved, "device": torch.device("meta")} if moved.get("device") is not None else moved


def allocated_like(shape: Tensor, place: torch.device) -> Tensor:
    return torch.empty_strided(shape.shape, shape.stride(), dtype=shape.dtype, device=place)


class PeakAllocation(SmallOperations):
    """Bytes of the tensors that operations make and that live at the same time.

    peak: the most, in bytes, on the device, or on the host. What lived before (weights, inputs)
    counts nothing; neither does what a kernel needs for itself alone.
    """

    def __init__(self, host: bool = False) -> None:
        super().__init__()
        self.host = host
        self.held = self.peak = 0
        self.known: dict[int, Any] = {}

    def operation(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for tensor in self.tensors_in((args, kwargs)):
            self.note(tensor, counts=False)
        results = func(*args, **kwargs)
        for tensor in self.tensors_in(results):
            self.note(tensor, counts=True)
        return results

    def tensors_in(self, tree: Any) -> list[Tensor]:
        """The tensors among an operation's arguments or results that are where is counted."""
        leaves = [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
        return [leaf for leaf in leaves if (leaf.device == HOST) == self.host]

    def note(self, tensor: Tensor, counts: bool) -> None:
        """Take in the tensor's storage, unless it is known; forget it when it is freed."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.known:
            return
        size = storage.nbytes() if counts else 0
        self.held += size
        self.peak = max(self.peak, self.held)
        self.known[key] = weakref.ref(storage, self.forgetting(key, size))

    def forgetting(self, key: int, size: int) -> Callable[[Any], None]:
        def forget(_: Any) -> None:
            self.held -= size
            del self.known[key]

        return forget


def attention_flops(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> int:
    return sdpa_flop_count(query, key, value)


def counted_flops(run: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products, convolutions and attentions in `run`,
    which is not computed. torch's counter does not know the CPU's attention by itself."""
    on_cpu = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    counter = FlopCounterMode(display=False, custom_mapping={on_cpu: attention_flops})
    with ShapesOnly(), counter:
        run()
    return counter.get_total_flops()
