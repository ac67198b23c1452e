"""The kernels of attention that training may take, forward and backward, beside the plain one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

SHAPES = {
    # what attends -> rows, heads, queries, keys, width of a head
    "temporal": (1024, 8, 16, 16, 40),
    "spatial": (16, 8, 1024, 1024, 40),
    "text": (16, 8, 1024, 77, 40),
}


def kernel_errors(kernels: Iterable[Any]) -> Iterator[tuple[str, float | None]]:
    """Of each kernel in bf16 and each shape: the largest relative error; None where it takes no
    such shape."""
    for kernel in kernels:
        for name, shape in SHAPES.items():
            yield f"{kernel.name} {name}", attention_error(kernel, shape)


def attention_error(kernel: Any, shape: tuple[int, ...]) -> float | None:
    """Of output and gradients, beside the plain kernel's in float32."""
    import torch
    from comfy.model_management import get_torch_device
    from torch.nn import functional
    from torch.nn.attention import SDPBackend, sdpa_kernel

    rows, heads, queries, keys, width = shape
    generator = torch.Generator().manual_seed(0)
    sizes = [(rows, heads, n, width) for n in (queries, keys, keys)]
    given = [torch.randn(size, generator=generator).to(get_torch_device()) for size in sizes]
    found = []
    for backend, dtype in ((SDPBackend.MATH, torch.float32), (kernel, torch.bfloat16)):
        leaves = q, k, v = [x.to(dtype, copy=True).requires_grad_() for x in given]
        try:
            with sdpa_kernel(backend):
                out = functional.scaled_dot_product_attention(q, k, v)
                out.float().square().sum().backward()
        except RuntimeError:
            return None
        found.append([out.detach().float(), *(leaf.grad.float() for leaf in leaves)])  # pyright: ignore
    pairs = zip(*found, strict=True)
    return max(float((a - b).norm() / a.norm()) for a, b in pairs)
