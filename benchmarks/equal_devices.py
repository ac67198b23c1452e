"""Windows over the GPUs of one machine, simulated: what does the handler cost?

    .venv/bin/python benchmarks/equal_devices.py [--window-seconds 0.46]

Videos of several windows over 1 to 8 devices that are all equally fast: threads that sleep for the
time of a window. What the handler and ComfyUI's sampler add to ceil(windows / devices) turns is the
overhead. 0.46 s is a window of 16 frames of 512 x 512 with two prompts on an RTX 4090.
"""

from __future__ import annotations

import argparse
import math
import queue
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import ROOT, enter_comfyui, register_package

LENGTH, OVERLAP, STEPS = 16, 4, 6
WINDOWS, DEVICES = (5, 11, 21), (1, 2, 4, 8)


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
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--window-seconds", type=float, default=0.46)
    enter_comfyui(cpu=True)
    register_package("adk_tests", ROOT / "tests")
    simulate(parser.parse_args().window_seconds)


if __name__ == "__main__":
    main()
