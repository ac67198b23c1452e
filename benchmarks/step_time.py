"""What does the motion model cost? One denoising step of a real-size UNet, bare and animated.

    .venv/bin/python benchmarks/step_time.py [--frames 16] [--size 256] [--repeats 3] [--family v3]

Both run in this one process, in turn (A B A B ...), on the same latents, and the ratios are taken
pair by pair, so that a machine whose speed drifts gives the same answer. Weights are random: they
cost the same. Peak memory is that of a step in a process of its own, weights included: what torch
allocates on a GPU, else the resident memory of the process.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path += map(str, Path(__file__).resolve().parents[:2])  # isolated Pythons add neither
from sized_models import animated, one_step, sd15

from standalone.enter_comfyui import enter_comfyui

BARE, ANIMATED = "bare UNet", "with motion model"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", type=int, default=256, help="pixels of width and height")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--family", default="v3", choices=["v1", "v2", "v3"])
    parser.add_argument("--only", choices=[BARE, ANIMATED], help=argparse.SUPPRESS)
    return parser.parse_args()


def step_seconds(
    model: Any, frames: int, size: int, now: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds, as `now` tells them, of one Euler step at cfg 1, the model already in memory."""
    started: list[float] = []

    def clock(executor: Any, *call: Any, **keywords: Any) -> Any:
        synchronize()
        started.append(now())
        result = executor(*call, **keywords)
        synchronize()
        started.append(now())
        return result

    from comfy.patcher_extension import WrappersMP

    timed = model.clone()
    timed.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "clock", clock)
    one_step(timed, frames, size // 8)
    return started[1] - started[0]


def synchronize() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def peak_memory(case: str, options: argparse.Namespace) -> float:
    """GiB at the peak of one step, in a process of its own."""
    words = [sys.executable, __file__, "--only", case, "--family", options.family]
    words += ["--frames", str(options.frames), "--size", str(options.size)]
    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return float(output.splitlines()[-1])


def measure_alone(options: argparse.Namespace) -> None:
    """One case in this process; prints the peak in GiB."""
    import torch

    model = sd15()
    if options.only == ANIMATED:
        model = animated(model, options.family)
    with ResidentPeak() as resident:
        step_seconds(model, options.frames, options.size)
    on_gpu = torch.cuda.is_available()
    print((torch.cuda.max_memory_allocated() if on_gpu else resident.peak) / 2**30)


class ResidentPeak:
    """The most memory that this process holds while the block runs, in bytes, looked at every 2
    ms."""

    def __enter__(self) -> ResidentPeak:
        import psutil

        self.peak, self.running, process = 0, True, psutil.Process()

        def watch() -> None:
            while self.running:
                self.peak = max(self.peak, process.memory_info().rss)
                time.sleep(0.002)

        self.thread = threading.Thread(target=watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.running = False
        self.thread.join()


def machine() -> str:
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        pass
    return f"{model}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def main() -> None:
    options = arguments()
    enter_comfyui()
    import logging

    logging.getLogger().setLevel(logging.ERROR)
    if options.only:
        measure_alone(options)
        return
    bare = sd15()
    cases = {BARE: bare, ANIMATED: animated(bare, options.family)}
    for model in cases.values():  # the first step loads and warms up
        step_seconds(model, options.frames, options.size)
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(options.repeats):
        for name, model in cases.items():
            seconds[name].append(step_seconds(model, options.frames, options.size))
    peaks = {name: peak_memory(name, options) for name in cases}
    ratios = [b / a for a, b in zip(seconds[BARE], seconds[ANIMATED], strict=True)]
    print(
        f"SD1.5, {options.frames} frames of {options.size}x{options.size}, {options.family}, cfg 1"
    )
    print(f"{machine()}; {options.repeats} pairs of steps in turn\n")
    print("| | step, median s | step, ratio (min - max) | peak, GiB | peak, ratio |")
    print("|---|---|---|---|---|")
    print(f"| {BARE} | {statistics.median(seconds[BARE]):.2f} | 1 | {peaks[BARE]:.2f} | 1 |")
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})"
    factor = peaks[ANIMATED] / peaks[BARE]
    middle = statistics.median(seconds[ANIMATED])
    print(f"| {ANIMATED} | {middle:.2f} | {spread} | {peaks[ANIMATED]:.2f} | {factor:.2f} |")


if __name__ == "__main__":
    main()
