"""Runs inside the interpreter that ComfyUI will use and prints what it finds, as JSON.

A process of its own: ComfyUI sets the CUDA allocator before torch is imported, so the process
that becomes the server must not have imported torch to look for a GPU.
"""

from __future__ import annotations

import importlib
import json


def imports(name: str) -> bool:
    """Whether a package can be imported; a broken build fails with more than ImportError."""
    try:
        importlib.import_module(name)
    except Exception:
        return False
    return True


def has_accelerator() -> bool:
    """Whether torch finds a GPU of any make."""
    import torch

    for extension in ("torch_npu", "torch_mlu"):  # which bring torch their kinds
        imports(extension)
    kinds = (getattr(torch, kind, None) for kind in ("cuda", "xpu", "npu", "mlu"))
    found = any(kind is not None and kind.is_available() for kind in kinds)
    return found or torch.backends.mps.is_available()


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "accelerator": has_accelerator(),
                "torchvision": imports("torchvision"),
                "torchaudio": imports("torchaudio"),
            }
        )
    )
