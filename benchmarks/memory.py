"""What does a run take on the device? Weights, and the tensors that live at once in a call.

    .venv/bin/python benchmarks/memory.py [--width 320] [--family v2]

SD1.5, 16 frames, half precision. Nothing is computed and no GPU is needed: the code runs as it is,
large results are allocated and left empty, and what lives at once is counted (allocations.py). What
a kernel needs for itself, what torch's allocator keeps, and what CUDA takes (about half a GiB) come
on top. "Conds apart" is a call for each prompt, as ComfyUI makes them where memory is short.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from pathlib import Path
from typing import Any

sys.path += map(str, Path(__file__).resolve().parents[:2])  # isolated Pythons add neither
from sized_models import SD15_WIDTH, autoencoder, half_precision, one_call, one_step, text_encoder

from standalone.enter_comfyui import enter_comfyui

GIB = 2**30
FRAMES = 16
SIZES = (256, 384, 512, 640, 768)
SIZE, LINE = 512, 4.0
"""Pixels of the clip that is to fit, and GiB that it may take with both prompts in one call."""

TOGETHER, APART = "both prompts in one call", "conds apart"
PROMPTS = {TOGETHER: 2, APART: 1}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--width", type=int, default=SD15_WIDTH, help="channels at full resolution")
    parser.add_argument("--family", default="v2", choices=["v1", "v2", "v3"])
    return parser.parse_args()


def weights_of(module: Any) -> float:
    """GiB."""
    return sum(weight.nbytes for weight in module.parameters()) / GIB


def weights(width: int, family: str) -> dict[str, float]:
    """GiB of what a run loads."""
    model = half_precision(width, family)
    motion = model.get_nested_additional_models()[0]
    return {
        "UNet": weights_of(model.model.diffusion_model),
        f"motion model {family}": weights_of(motion.model),
        "CLIP": weights_of(text_encoder()),
        "VAE": weights_of(autoencoder()),
    }


def call_peak(model: Any, prompts: int, pixels: int) -> float:
    """GiB of the tensors that live at once in a call of the UNet, above weights."""
    from allocations import PeakAllocation, ShapesOnly

    with ShapesOnly(), PeakAllocation() as allocated:
        one_call(model, prompts, FRAMES, pixels // 8)
    return allocated.peak / GIB


def decoding_peak(pixels: int, frames: int) -> float:
    """GiB of the tensors that live at once while the VAE decodes, above weights."""
    import torch
    from allocations import PeakAllocation, ShapesOnly

    vae, side = autoencoder(), pixels // 8
    latents = torch.empty((frames, 4, side, side), dtype=torch.float16)
    with torch.inference_mode(), ShapesOnly(), PeakAllocation() as allocated:
        vae.decode(latents)
    return allocated.peak / GIB


def main() -> None:
    options = arguments()
    enter_comfyui(cpu=True)
    # ComfyUI's attention for a CPU depends on the free memory; this is what it uses on a GPU.
    importlib.import_module("comfy.cli_args").args.use_pytorch_cross_attention = True
    logging.getLogger().setLevel(logging.ERROR)
    held = weights(options.width, options.family)
    model = half_precision(options.width, options.family)
    one_step(model, 1, 8)  # loads
    print(f"SD1.5 of width {options.width}, {options.family}, {FRAMES} frames, half precision\n")
    print("| weights | GiB |\n|---|---|")
    for name, size in held.items():
        print(f"| {name} | {size:.2f} |")
    sampling = sum(list(held.values())[:2])
    print(f"\n| a call of {FRAMES} frames, GiB | {TOGETHER} | {APART} |"
          " with UNet and motion model | decoding a frame | 4 frames |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    for pixels in SIZES:
        peaks = {name: call_peak(model, n, pixels) for name, n in PROMPTS.items()}
        sums = " / ".join(f"{sampling + peak:.2f}" for peak in peaks.values())
        decodes = " | ".join(f"{decoding_peak(pixels, frames):.2f}" for frames in (1, 4))
        print(f"| {pixels}x{pixels} | {peaks[TOGETHER]:.2f} | {peaks[APART]:.2f} | {sums} |"
              f" {decodes} |")  # fmt: skip
    whole = sum(held.values()) + call_peak(model, PROMPTS[TOGETHER], SIZE)
    print(f"\nAll four and a call at {SIZE}x{SIZE}, {TOGETHER}: {whole:.2f} GiB;"
          f" line {LINE}: {'holds' if whole <= LINE else 'missed'}")  # fmt: skip


if __name__ == "__main__":
    main()
