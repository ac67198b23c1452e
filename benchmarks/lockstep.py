"""What do several machines, and several GPUs, gain on one long video?

    .venv/bin/python benchmarks/lockstep.py [--frames 64] [--steps 4] [--pixels 128]

First two ranks of this machine, a thread of a CPU each, sample a small-world video in windows, as
two machines would: the seconds of a step alone and together, the bytes that a rank is sent, and
what the same bytes take at 1 and 10 Gbit/s. Then the windows of a step over 1 to 8 devices that are
all equally fast: threads that sleep for the time of a window. What the handler and ComfyUI's
sampler add to ceil(windows / devices) turns is the overhead.
"""

from __future__ import annotations

import argparse
import math
import os
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))
from launcher.server import free_port
from standalone.enter_comfyui import ROOT, enter_comfyui, register_package

LENGTH, OVERLAP = 16, 4
GIGABIT = 0.118  # GB/s that TCP carries over 1 GbE
WINDOW = 0.46  # seconds of a window of 16 frames of 512 x 512 with two prompts on an RTX 4090
WINDOWS, DEVICES, STEPS = (5, 11, 21), (1, 2, 4, 8), 6


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--pixels", type=int, default=128, help="width and height")
    parser.add_argument("--window-seconds", type=float, default=WINDOW, help="of the simulation")
    parser.add_argument("--simulation", action="store_true", help="that alone")
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


class Pool:
    """As ComfyUI 0.33's MultiGPUThreadPool: a thread for each device."""

    def __init__(self, devices: list[Any]) -> None:
        self.threads = {device: ThreadPoolExecutor(1) for device in devices}
        self.futures: dict[Any, queue.Queue[Future[Any]]] = {d: queue.Queue() for d in devices}

    def submit(self, device: Any, function: Callable[..., Any], *given: Any) -> None:
        self.futures[device].put(self.threads[device].submit(function, *given))

    def get_result(self, device: Any) -> tuple[Any, Any]:
        done = self.futures[device].get()
        error = done.exception()
        return (None, error) if error else (done.result(), None)


@contextmanager
def over(options: dict[str, Any], clones: dict[Any, Any]) -> Iterator[None]:
    from animatediff_kit.sampling.devices import CLONES, POOL  # pyright: ignore[reportMissingImports]

    options[CLONES], options[POOL] = clones, Pool(list(clones))
    for clone in clones.values():
        clone.pre_run()
    try:
        yield
    finally:
        options.pop(CLONES, None)
        options.pop(POOL, None)


def quickest_step(windows: int, devices: int, seconds: float) -> tuple[float, float]:
    """Of some steps with a UNet that sleeps: seconds that pass in the quickest, as other work of
    the machine only adds; and the CPU's seconds in all."""
    import torch
    from adk_tests.support import tiny, windowed  # pyright: ignore[reportMissingImports]
    from comfy.patcher_extension import WrappersMP

    clones = {torch.device(f"cpu:{i}"): tiny.image_model() for i in range(devices)}
    ends: list[tuple[float, float]] = []

    def outer(executor: Any, *given: Any, **more: Any) -> Any:
        with over(executor.class_obj.model_options, clones):
            ends.append((time.perf_counter(), time.process_time()))
            return executor(*given, **more)

    def sleeps(_: Any, call: dict[str, Any]) -> Any:
        time.sleep(seconds)
        return torch.zeros_like(call["input"])

    def ended(*_: Any) -> None:
        ends.append((time.perf_counter(), time.process_time()))

    model = windowed.windowed(clones[torch.device("cpu:0")], LENGTH, OVERLAP)
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "devices", outer)
    model.set_model_unet_function_wrapper(sleeps)
    noise = windowed.noise_of(windows * (LENGTH - OVERLAP) + OVERLAP)
    windowed.sample_noise(model, noise, steps=STEPS, callback=ended)
    steps = [(a[0] - b[0], a[1] - b[1]) for a, b in zip(ends[2:], ends[1:], strict=False)]
    return min(step[0] for step in steps), min(step[1] for step in steps)


def simulate(seconds: float) -> None:
    """Windows over devices that are equally fast."""
    print(f"windows over equal devices, {seconds} s a window, the quickest of {STEPS} steps:")
    print("  windows  devices  times as fast  W / ceil(W / G)  overhead  CPU's work a window")
    for windows in WINDOWS:
        for devices in DEVICES:
            turns = math.ceil(windows / devices)
            passed, work = quickest_step(windows, devices, seconds)
            print(
                f"  {windows:>7}  {devices:>7}  {windows * seconds / passed:>13.2f}  "
                f"{windows / turns:>15.2f}  {100 * (passed / (turns * seconds) - 1):>6.2f} %  "
                f"{1000 * work / windows:>6.2f} ms, {100 * work / windows / seconds:.2f} %",
                flush=True,
            )


def main() -> None:
    options = arguments()
    enter_comfyui(cpu=True)
    register_package("adk_tests", ROOT / "tests")
    if options.other:
        be_the_other(options)
        return
    if not options.simulation:
        two_ranks(options)
    simulate(options.window_seconds)


if __name__ == "__main__":
    main()
