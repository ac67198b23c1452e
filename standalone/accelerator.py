"""Whether this machine has a GPU, or another device, that ComfyUI computes on."""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Any

KINDS = ("cuda", "xpu", "npu", "mlu")
"""What ComfyUI's model management asks of torch beside Apple's MPS: GPUs of NVIDIA and AMD, Intel's
GPUs, Ascend and Cambricon."""

EXTENSIONS = ("torch_npu", "torch_mlu")
"""Packages that bring torch such a kind when they are imported."""


def has_accelerator(torch: Any) -> bool:
    """Whether torch can use a device that is no CPU. One that is hidden, as by an empty
    CUDA_VISIBLE_DEVICES, is none."""
    for extension in EXTENSIONS:
        with suppress(Exception):  # a package that does not load brings nothing
            importlib.import_module(extension)
    kinds = [getattr(torch, kind, None) for kind in KINDS]
    mps = getattr(torch.backends, "mps", None)
    return any(kind is not None and kind.is_available() for kind in (*kinds, mps))
