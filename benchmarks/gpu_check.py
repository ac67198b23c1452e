"""Do training and motion do on this GPU what they do on a CPU? Says so where there is no GPU.

    .venv/bin/python benchmarks/gpu_check.py [--rehearse]

Five minutes. Every path that a CPU never takes: the kernels of motion modules, half precision in
the three stages, the kernels of attention and their backward passes, fused and 8-bit AdamW, fp16's
scaler, pinned batches, a resumed run, the memory that is counted and the memory that is given back.
Prints a line for each, and ends with 1 where one fails. --rehearse runs what a CPU can of it, on a
model of a tenth of the width.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path += map(str, Path(__file__).resolve().parents[:2])  # isolated Pythons add neither
from attention_kernels import kernel_errors
from sized_models import SD15_WIDTH
from training_step import GIB, OneClip, pack, peak_of, run_of

from standalone.enter_comfyui import enter_comfyui

STAGES = ("domain_adapter", "motion_module", "motion_lora")
NEAR, CLOSE, COUNTED = 0.02, 0.05, 1.25


class NotHere(Exception):
    """What a check needs is not on this machine."""


@dataclass(frozen=True)
class Bench:
    """width: of the UNet;   frames, latent: of the clip;   gpu: whether there is one"""

    width: int
    frames: int
    latent: int
    gpu: bool

    def run(self, stage: str = "motion_lora", **settings: Any) -> Any:
        import torch

        torch.manual_seed(0)
        plain = {"steps": 4, "learning_rate": 1e-4, "preview_every": 0, "precision": "fp32"}
        clips = OneClip(self.frames, self.latent, 1)
        return run_of(stage, clips, True, self.width, **{**plain, **settings})

    def need_gpu(self) -> None:
        if not self.gpu:
            raise NotHere("no GPU")


def check(holds: bool, told: str) -> str:
    if not holds:
        raise AssertionError(told)
    return told


def half_precision(bench: Bench) -> str:
    """bf16's loss beside float32's."""
    told = []
    for stage in STAGES:
        losses = [loss_of(bench.run(stage, precision=p)) for p in ("fp32", "bf16")]
        away = abs(losses[1] / losses[0] - 1)
        told.append(check(away < NEAR, f"{stage} {away:.2%}"))
    return ", ".join(told)


def loss_of(run: Any) -> float:
    import torch

    with torch.inference_mode(False), run.loss.step_loss(0) as loss:
        return float(loss.detach())


def attention(bench: Bench) -> str:
    told = []
    for name, away in kernel_errors(pack("training.models.denoiser").KERNELS):
        word = "not here" if away is None else f"{away:.1%}"
        told.append(check(away is None or away < CLOSE, f"{name} {word}"))
    return ", ".join(told)


def motion_kernels(bench: Bench) -> str:
    import torch
    from board.temporal import kernel_errors_and_times

    bench.need_gpu()
    trial = pack("motion_models.fast.trial")
    steps = trial.kernels_on(torch.device("cuda", torch.cuda.current_device()))
    if steps is None:
        raise NotHere("no Triton, or a GPU before Ampere")
    told = kernel_errors_and_times(steps, "cuda")
    return ", ".join(check(away < 2 * allowed, line) for line, away, allowed in told)


def memory(bench: Bench) -> str:
    """The peak of a step beside the one that allocations.py counts."""
    import torch

    bench.need_gpu()
    told = []
    for stage in STAGES[1:]:
        counted = peak_of(stage, 1, True)[1]
        run = run_of(stage, OneClip(16, 32, 1), True, precision="bf16")
        run.one_step()
        torch.cuda.reset_peak_memory_stats()
        run.one_step()
        found = torch.cuda.max_memory_allocated() / GIB
        told.append(check(found < COUNTED * counted, f"{stage} {found:.2f} of {counted:.2f} GiB"))
        del run
    return ", ".join(told)


def given_back(bench: Bench) -> str:
    """What is left on the device after a run."""
    import torch

    bench.need_gpu()
    room = pack("training.run.in_comfyui").room_for_training
    before = torch.cuda.memory_allocated()
    with room():
        bench.run("motion_module").one_step()
    left = (torch.cuda.memory_allocated() - before) / 2**20
    return check(left < 32, f"{left:.0f} MiB left")


def waiting(bench: Bench) -> str:
    """A step with batches that are drawn on the way, beside one whose batch is at hand."""
    run = bench.run(steps=40, precision="automatic")
    run.one_step()
    drawn = median_time(run.one_step)
    batch = run.loss.batch(0)
    run.loss.batch = lambda place: batch
    at_hand = median_time(run.one_step)
    told = f"{1e3 * drawn:.1f} ms a step, {1e3 * at_hand:.1f} with the batch at hand"
    return check(drawn < 1.2 * at_hand or not bench.gpu, told)


def median_time(step: Callable[[], object], count: int = 8) -> float:
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def no_numbers(bench: Bench) -> str:
    """fp16 with a scale that overflows: a step is skipped, weights stay, and the next ones
    learn."""
    bench.need_gpu()
    run = bench.run(precision="fp16", steps=40)
    run.scaler = type(run.scaler)("cuda", init_scale=2.0**120)
    before = {name: p.detach().clone() for name, p in run.parameters.items()}
    run.one_step()
    stays = all(bool((before[name] == p).all()) for name, p in run.parameters.items())
    check(run.skipped == 1 and stays, "the step was not skipped")
    run.scaler = type(run.scaler)("cuda", init_scale=2.0**10)
    run.one_step()
    moved = any(bool((before[name] != p).any()) for name, p in run.parameters.items())
    return check(moved and run.skipped == 1, "skipped once, then learned")


def resumed(bench: Bench) -> str:
    """Two steps and two more, beside four."""
    whole = bench.run(precision="automatic", ema=0.9)
    whole.train()
    parts = bench.run(precision="automatic", ema=0.9, steps=2)
    parts.train()
    again = bench.run(precision="automatic", ema=0.9)
    again.resume(pack("training.engine.checkpoints").found(parts.folder)[-1])
    again.train()
    away = max(abs(a - b) for a, b in zip(again.losses, whole.losses, strict=True))
    return check(away == 0, f"losses differ by {away:g}")


def eight_bits(bench: Bench) -> str:
    bench.need_gpu()
    if importlib.util.find_spec("bitsandbytes") is None:
        raise NotHere("bitsandbytes is not installed")
    run = bench.run(optimizer="adamw_8bit", precision="automatic")
    run.train()
    return check(run.skipped == 0, f"loss {run.losses[-1]:.4f}")


def pinned(bench: Bench) -> str:
    bench.need_gpu()
    return check(bench.run().loss.batch(0).clean.is_pinned(), "batches lie in pinned memory")


CHECKS: dict[str, Callable[[Bench], str]] = {
    "motion kernels": motion_kernels,
    "attention kernels": attention,
    "bf16 beside fp32": half_precision,
    "pinned batches": pinned,
    "fp16 without numbers": no_numbers,
    "a resumed run": resumed,
    "AdamW in 8 bits": eight_bits,
    "waiting for batches": waiting,
    "memory as counted": memory,
    "memory given back": given_back,
}


def outcome(one: Callable[[Bench], str], bench: Bench) -> tuple[bool, str]:
    try:
        return True, f"ok       {one(bench)}"
    except NotHere as error:
        return True, f"not here {error}"
    except Exception as error:
        return False, f"FAILED   {type(error).__name__}: {error}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rehearse", action="store_true", help="what a CPU can of it, in small")
    options = parser.parse_args()
    enter_comfyui()
    import torch

    logging.getLogger().setLevel(logging.ERROR)
    tempfile.tempdir = tempfile.mkdtemp()
    gpu = torch.cuda.is_available()
    if not gpu and not options.rehearse:
        print("There is no GPU here that torch sees; nothing was checked.")
        return 0
    bench = Bench(32, 4, 8, gpu) if options.rehearse else Bench(SD15_WIDTH, 16, 32, gpu)
    name = torch.cuda.get_device_name() if gpu else "CPU"
    print(f"{name}, torch {torch.__version__}", flush=True)
    held = True
    for title, one in CHECKS.items():
        good, told = outcome(one, bench)
        held = held and good
        print(f"{title:22} {told}", flush=True)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
