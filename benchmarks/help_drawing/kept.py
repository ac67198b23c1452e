"""What was rendered stays on disk under its name and its seed, so that drawing goes on where it was
stopped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from ...standalone.enter_comfyui import ROOT

FOLDER = ROOT / ".comfy" / "small_world" / "help"
Frames = np.ndarray
"""f h w 3, bytes"""


def as_bytes(frames: Tensor) -> Frames:
    """f h w 3 in 0..1 -> the same in bytes"""
    return (frames.float().clamp(0, 1) * 255).round().byte().cpu().numpy()


def kept(name: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What `make` gave when the name was first asked for."""
    path = FOLDER / f"{name}.npz"
    if not path.is_file():
        made = make()
        FOLDER.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez_compressed(file, **made)  # pyright: ignore[reportArgumentType]
        partial.replace(path)
        print(f"rendered {name}", flush=True)
    with np.load(path) as found:
        return dict(found)


def forget() -> None:
    """Everything is rendered anew."""
    for path in FOLDER.glob("*.npz"):
        path.unlink()
