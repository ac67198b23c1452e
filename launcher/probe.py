"""Runs inside the interpreter that ComfyUI will use and prints what it finds, as JSON.

A process of its own: ComfyUI sets the CUDA allocator before torch is imported, so the process
that becomes the server must not have imported torch to look for a GPU.
"""

from __future__ import annotations

import importlib
import json
import runpy
from pathlib import Path

ACCELERATOR = Path(__file__).resolve().parents[1] / "standalone" / "accelerator.py"


def imports(name: str) -> bool:
    """Whether a package can be imported; a broken build fails with more than ImportError."""
    try:
        importlib.import_module(name)
    except Exception:
        return False
    return True


def has_accelerator() -> bool:
    """As standalone/accelerator.py says, which is run by its path: its folder is on no path."""
    import torch

    return runpy.run_path(str(ACCELERATOR))["has_accelerator"](torch)


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
