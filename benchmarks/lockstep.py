"""What do several machines gain on one long video?

    .venv/bin/python benchmarks/lockstep.py [--frames 64] [--steps 4] [--pixels 128]

Two ranks of this machine, a thread of a CPU each, sample a small-world video in windows, as
two machines would. Prints the seconds of a step alone and together, the bytes that a rank is sent,
and what the same bytes take at 1 and 10 Gbit/s.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))
from launcher.server import free_port
from standalone.enter_comfyui import enter_comfyui

LENGTH, OVERLAP = 16, 4
GIGABIT = 0.118  # GB/s that TCP carries over 1 GbE


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--pixels", type=int, default=128, help="width and height")
    parser.add_argument("--other", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def video(options: argparse.Namespace) -> Callable[[], Any]:
    """What samples the small-world video.   -> f 4 h w"""
    import comfy.sample
    import torch
    from animatediff_kit.motion_models.inject import apply_motion_model  # pyright: ignore[reportMissingImports]
    from animatediff_kit.motion_models.load import load_motion_model  # pyright: ignore[reportMissingImports]
    from animatediff_kit.sampling.apply_windows import apply_context_windows  # pyright: ignore[reportMissingImports]
    from animatediff_kit.sampling.handler import NODE  # pyright: ignore[reportMissingImports]
    from animatediff_kit.sampling.windows import WindowSettings  # pyright: ignore[reportMissingImports]
    from animatediff_kit.small_world import files  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(1)
    model, clip, _ = files.load(files.BASE)
    motion = load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))
    settings = WindowSettings(LENGTH, OVERLAP, schedule="standard_static")
    model = apply_context_windows(apply_motion_model(model, motion), settings, NODE)
    asked, nothing = (
        clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in ("a red star", "")
    )
    side = options.pixels // 8
    noise = torch.randn((options.frames, 4, side, side), generator=torch.Generator().manual_seed(1))

    def sample() -> Any:
        with torch.inference_mode():
            return comfy.sample.sample(
                *(model, noise, options.steps, 6.0, "euler", "normal", asked, nothing),
                torch.zeros_like(noise),
                disable_pbar=True,
                seed=1,
            )

    return sample


def ranks() -> Any:
    from animatediff_kit.lockstep.ranks import Ranks  # pyright: ignore[reportMissingImports]
    from animatediff_kit.lockstep.settings import settings_of  # pyright: ignore[reportMissingImports]

    return Ranks(settings_of(os.environ))


def sample_together(sample: Callable[[], Any], crew: Any) -> Any:
    from animatediff_kit.sampling.crew import set_crew  # pyright: ignore[reportMissingImports]

    set_crew(crew)
    try:
        return sample()
    finally:
        set_crew(None)


def be_the_other(options: argparse.Namespace) -> None:
    """Rank 1: a video for every line of standard input."""
    sample, crew = video(options), ranks()
    print("ready", flush=True)
    for _ in sys.stdin:
        sample_together(sample, crew)
        print("done", flush=True)


class Exchange:
    """Watches what the rank of this process is sent: bytes, and seconds with the waiting."""

    def __init__(self) -> None:
        from animatediff_kit.lockstep.shift import Shift  # pyright: ignore[reportMissingImports]

        self.bytes, self.seconds, self.times = 0, 0.0, 0
        gathered = Shift.gathered

        def watched(shift: Any, *given: Any) -> Any:
            began = time.perf_counter()
            parts = gathered(shift, *given)
            self.seconds += time.perf_counter() - began
            self.bytes += sum(part.nbytes for part in parts[1:])
            self.times += 1
            return parts

        Shift.gathered = watched


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def two_ranks(options: argparse.Namespace) -> None:
    os.environ |= {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    line = [sys.executable, __file__, "--other", "--frames", str(options.frames)]
    line += ["--steps", str(options.steps), "--pixels", str(options.pixels)]
    other = subprocess.Popen(
        line,
        env={**os.environ, "RANK": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin is not None and other.stdout is not None
    os.environ["RANK"] = "0"
    sample, crew = video(options), ranks()
    assert other.stdout.readline() == "ready\n"
    sample()  # models are loaded
    alone, expected = seconds_of(sample)
    for _ in range(2):  # the first finds the other's models unloaded
        exchange = Exchange()
        other.stdin.write("\n")
        other.stdin.flush()
        together, found = seconds_of(lambda: sample_together(sample, crew))
        assert other.stdout.readline() == "done\n"
    other.stdin.close()
    other.wait()
    crew.close()
    report_ranks(options, alone / options.steps, together / options.steps, exchange)
    print(f"  bit for bit the video of one rank: {bool((found == expected).all())}\n")


def report_ranks(
    options: argparse.Namespace, alone: float, together: float, exchange: Exchange
) -> None:
    windows = windows_of(options.frames)
    sent = exchange.bytes / exchange.times
    side = options.pixels // 8
    formula = math.ceil(windows / 2) * LENGTH * 4 * side * side * 4 * 2
    print(f"{options.frames} frames of {options.pixels}x{options.pixels} in {windows} windows:")
    print(f"  a step on one rank    {alone:.2f} s")
    print(
        f"  a step on two ranks   {together:.2f} s, {alone / together:.2f} times as fast; ", end=""
    )
    print(f"windows alone would give {windows / math.ceil(windows / 2):.2f}")
    print(
        f"  sent to a rank        {sent / 1e6:.3f} MB a step (by the formula {formula / 1e6:.3f})"
    )
    print(
        f"  in the exchange       {1000 * exchange.seconds / exchange.times:.0f} ms a step, ",
        end="",
    )
    print("waiting for the other rank included")
    for name, speed in (("1 GbE", GIGABIT), ("10 GbE", 10 * GIGABIT)):
        print(f"  the same at {name:<9} {sent / speed / 1e6:.1f} ms a step")


def windows_of(frames: int) -> int:
    return math.ceil((frames - OVERLAP) / (LENGTH - OVERLAP))


def main() -> None:
    options = arguments()
    enter_comfyui(cpu=True)
    if options.other:
        be_the_other(options)
    else:
        two_ranks(options)


if __name__ == "__main__":
    main()
