"""What does a long video cost? Memory and time per frame in context windows and in views.

    .venv/bin/python benchmarks/long_video.py [--latent 32] [--repeats 5]

One run prints three tables:

Memory. Sampling of 1,024 frames against 16, at SD1.5's real width. What counts is the tensors that
live at once (allocations.py), not the resident memory: that one holds what the allocator has not
given back, and would take hours on a CPU. The arithmetic itself is left out, every allocation of
ComfyUI's and the pack's code is made. ComfyUI's sampler holds four tensors as large as the video's
latents (start, noisy, two predictions), which are allowed for on top. Views are measured twice: as
they run where the feature maps of all frames would not fit on the device, with these in host
memory (torch's `meta` device stands for it, and its tensors are counted apart), and with all on the
device.

Time. One step of 64 and of 512 frames at small width, computed for real, in turn (A B A B ...), in
seconds of the processor on one thread, which other programs on the machine disturb little; the
ratio is that of the medians. Windows overlap less at the ends of a video, so a short one takes
fewer windows a frame; that ratio is the schedule's own, and is printed beside.

FLOPs. Views against windows at overlap 12, at SD1.5's real width.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path += map(str, Path(__file__).resolve().parents[:2])  # isolated Pythons add neither
from sized_models import SD15_WIDTH, animated, in_windows, one_step, sd15
from step_time import machine, step_seconds

from standalone.enter_comfyui import enter_comfyui

WINDOWS, VIEWS = "standard_static", "views"
NAMES = {WINDOWS: "windows", VIEWS: "views"}
LENGTH, OVERLAP, WIDE_OVERLAP = 16, 4, 12
SHORT, LONG = 64, 512
FRAMES = 1024
LATENTS_HELD = 4
SMALL_WIDTH, SMALL_LATENT = 32, 8
MIB = 2**20


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--latent", type=int, default=32, help="width and height of the latents")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--family", default="v3", choices=["v1", "v2", "v3"])
    return parser.parse_args()


def peak(model: Any, schedule: str, frames: int, latent: int, home: Any = None) -> list[float]:
    """MiB of the tensors that live at once in a step, above weights and noise: on the device, on
    the host."""
    from allocations import PeakAllocation, ShapesOnly

    windowed = in_windows(model, schedule, LENGTH, OVERLAP, home)
    with ShapesOnly(), PeakAllocation() as device, PeakAllocation(host=True) as host:
        one_step(windowed, frames, latent)
    return [allocated.peak / MIB for allocated in (device, host)]


def print_memory(model: Any, latent: int) -> None:
    from allocations import HOST

    latents = FRAMES * 4 * latent * latent * 4 / MIB
    print(f"Memory: SD1.5, {8 * latent}x{8 * latent}, fp32, cfg 1, windows of {LENGTH}, overlap")
    print(f"{OVERLAP}; the latents of {FRAMES} frames are {latents:.0f} MiB\n")
    print(f"| | {LENGTH} frames, MiB | {FRAMES} frames, MiB | less latents, ratio | line 1.05 |"
          f" host memory of {FRAMES} frames, MiB |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    rows = [("windows", WINDOWS, None), ("views, maps in host memory", VIEWS, HOST),
            ("views, maps on the device", VIEWS, None)]  # fmt: skip
    for name, schedule, home in rows:
        few = peak(model, schedule, LENGTH, latent, home)[0]
        many, host = peak(model, schedule, FRAMES, latent, home)
        ratio = (many - LATENTS_HELD * latents) / few
        line = verdict(ratio <= 1.05) if schedule == WINDOWS or home else "-"
        print(f"| {name} | {few:.0f} | {many:.0f} | {ratio:.3f} | {line} | {host:.0f} |")
    print()


def windows_per_frame(schedule: str, frames: int) -> float:
    """Frames that go through the motion layers for one frame of the video."""
    from animatediff_kit.sampling.windows import (  # pyright: ignore[reportMissingImports]
        WindowSettings,
        windows_of,
    )

    windows = windows_of(frames, WindowSettings(LENGTH, OVERLAP, schedule=schedule))
    return sum(map(len, windows)) / frames


def print_time(family: str, repeats: int) -> None:
    import torch

    torch.set_num_threads(1)
    model = animated(sd15(SMALL_WIDTH), family, SMALL_WIDTH)
    print(f"Time: width {SMALL_WIDTH}, latents of {SMALL_LATENT}x{SMALL_LATENT}, {family};")
    print(f"{machine()}; {repeats} pairs of steps in turn\n")
    print(f"| | {SHORT} frames, ms a frame | {LONG} frames, ms a frame | ratio (min - max) |"
          " of it the schedule's | the rest | line 1.05 |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for schedule, name in NAMES.items():
        windowed = in_windows(model, schedule, LENGTH, OVERLAP)
        size = 8 * SMALL_LATENT
        step_seconds(windowed, SHORT, size)  # loads and warms up
        seconds: dict[int, list[float]] = {SHORT: [], LONG: []}
        for _ in range(repeats):
            for frames, found in seconds.items():
                found.append(step_seconds(windowed, frames, size, time.process_time) / frames)
        ratios = [b / a for a, b in zip(seconds[SHORT], seconds[LONG], strict=True)]
        ratio = statistics.median(seconds[LONG]) / statistics.median(seconds[SHORT])
        own = 1.0
        if schedule == WINDOWS:  # views compute the spatial layers once a frame
            own = windows_per_frame(schedule, LONG) / windows_per_frame(schedule, SHORT)
        a, b = (1000 * statistics.median(found) for found in seconds.values())
        print(f"| {name} | {a:.1f} | {b:.1f} | {ratio:.3f} ({min(ratios):.2f} - {max(ratios):.2f})"
              f" | {own:.3f} | {ratio / own:.3f} | {verdict(ratio / own <= 1.05)} |")  # fmt: skip
    print()


def print_flops(model: Any, latent: int) -> None:
    from allocations import counted_flops

    flops = {
        schedule: counted_flops(
            lambda schedule=schedule: one_step(
                in_windows(model, schedule, LENGTH, WIDE_OVERLAP), SHORT, latent
            )
        )
        / 1e12
        for schedule in NAMES
    }
    ratio = flops[WINDOWS] / flops[VIEWS]
    print(f"FLOPs: SD1.5, {SHORT} frames, {8 * latent}x{8 * latent}, windows of {LENGTH}, overlap")
    print(f"{WIDE_OVERLAP}; the output of views differs from that of windows\n")
    print("| windows, TFLOP | views, TFLOP | ratio | line 2.5 |")
    print("|---|---|---|---|")
    print(f"| {flops[WINDOWS]:.2f} | {flops[VIEWS]:.2f} | {ratio:.2f} | {verdict(ratio >= 2.5)} |")


def verdict(holds: bool) -> str:
    return "holds" if holds else "missed"


def main() -> None:
    options = arguments()
    enter_comfyui(cpu=True)
    # ComfyUI's attention for a CPU depends on the free memory; this is what it uses on a GPU.
    importlib.import_module("comfy.cli_args").args.use_pytorch_cross_attention = True
    logging.getLogger().setLevel(logging.ERROR)
    model = animated(sd15(live=False), options.family, SD15_WIDTH, live=False)
    one_step(model, 1, 8)  # loads
    print_memory(model, options.latent)
    print_flops(model, options.latent)
    print()
    print_time(options.family, options.repeats)


if __name__ == "__main__":
    main()
