"""What does a step of training cost? Time against the official loop's steps, and peak memory.

    .venv/bin/python benchmarks/training_step.py [--size 128] [--frames 8] [--repeats 3]

Time. One step of stage 2 (the motion module, v3) at SD1.5's real width, by this pack's loop and by
the steps of guoyww/AnimateDiff's train.py written out around the same UNet: VAE and text encoder in
every step, and gradients clipped over the whole UNet. In turn (A B A B ...) on the same clip, the
ratio pair by pair. Both without gradient checkpointing, which the official loop lacks.

Memory. Stages 2 and 3 at 256x256, 16 frames, and both paths of one video at 384x384, with bf16
arithmetic and AdamW: weights, gradients, optimizer and the tensors that live at once
(allocations.py). The arithmetic is left out, every allocation is made; a GPU's kernels may need
more for themselves.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path += map(str, Path(__file__).resolve().parents[:2])  # isolated Pythons add neither
from one_clip import TEXT, TOKENS, OneClip
from sized_models import SD15_WIDTH, motion_model, random_weights, sd15
from step_time import machine

from standalone.enter_comfyui import enter_comfyui

GIB = 2**30
SCALE = 0.18215
OURS, OFFICIAL = "this pack", "official steps"
COUNTED = [
    # stage, pixels of width and height, batch, checkpointing
    ("motion_module", 256, 4, False),
    ("motion_module", 256, 4, True),
    ("motion_lora", 256, 1, False),
    ("motion_lora", 256, 1, True),
    ("domain_adapter", 384, 1, True),  # one video's look, and then its motion
    ("motion_lora", 384, 1, True),
]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=128, help="pixels of width and height")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-alone", action="store_true")
    return parser.parse_args()


def pack(name: str) -> Any:
    return importlib.import_module(f"animatediff_kit.{name}")


def run_of(stage: str, clips: OneClip, live: bool, width: int = SD15_WIDTH, **settings: Any) -> Any:
    """A run of a stage at SD1.5's width, on the device that ComfyUI chose."""
    import comfy.model_management as memory

    stages, device = pack("training.models.stages"), memory.get_torch_device()
    checked = pack("training.engine.config").TrainingSettings(**{"save_every": 0, **settings})
    dtype = pack("training.engine.processes").precision_on(checked.precision, device)
    where = stages.DeviceAndDtype(device, dtype)
    model, motion = sd15(width, live), motion_model("v3", width, live)
    if stage == stages.DOMAIN_ADAPTER:
        trainee = stages.domain_adapter(model, 64, 0, where)
    elif stage == stages.MOTION_MODULE:
        trainee = stages.motion_module(model, motion, "v3", 0, where)
    else:
        trainee = stages.motion_lora(model, motion, 64, 0, where)
    inputs = pack("training.models.conditioning").ModelInputs(model)
    loss = pack("training.engine.clip_loss").ClipLoss(trainee, clips, inputs, checked)
    return pack("training.engine.loop").Run(loss, Path(tempfile.mkdtemp()))


def official_step(run: Any, frames: int, size: int, batch: int = 1) -> Callable[[], None]:
    """train.py's step around the UNet of `run`: encode, add noise, predict, clip, AdamW."""
    import torch
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModel
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    device, denoiser = run.device, run.loss.trainee.denoiser
    layout = dict(
        double_z=True,
        z_channels=4,
        resolution=256,
        in_channels=3,
        out_ch=3,
        ch=128,
        ch_mult=[1, 2, 4, 4],
        num_res_blocks=2,
        attn_resolutions=[],
        dropout=0.0,
    )
    vae: Any = AutoencoderKL(ddconfig=layout, embed_dim=4).to(device)
    random_weights(vae)
    text_encoder = CLIPTextModel(CLIPTextConfig(hidden_size=TEXT, num_attention_heads=12)).to(
        device
    )
    optimizer = torch.optim.AdamW(run.parameters.values(), lr=1e-4)
    pixels = torch.rand((batch * frames, 3, size, size), device=device) * 2 - 1
    tokens = torch.randint(0, 1000, (batch, TOKENS), device=device)
    everything = list(denoiser.parameters())

    def step() -> None:
        with torch.no_grad():
            latents = (vae.encode(pixels) * SCALE).unflatten(0, (batch, frames))
            text = text_encoder(tokens)[0]
        noise = torch.randn_like(latents)
        t = torch.randint(0, 1000, (batch,))
        a = run.loss.trainee.signal[t].float().view(-1, 1, 1, 1, 1)
        noisy = a.sqrt() * latents + (1 - a).sqrt() * noise
        with denoiser.animated(batch, frames):
            predicted = denoiser(noisy, t.to(device), text, None)
            loss = torch.nn.functional.mse_loss(predicted.float(), noise.float())
            optimizer.zero_grad()
            loss.backward()
        torch.nn.utils.clip_grad_norm_(everything, 1.0)
        optimizer.step()

    return step


def print_time(options: argparse.Namespace) -> None:
    clips = OneClip(options.frames, options.size // 8, 1)
    run = run_of("motion_module", clips, True, precision="fp32", gradient_checkpointing=False)
    steps = {OURS: run.one_step, OFFICIAL: official_step(run, options.frames, options.size)}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(options.repeats + 1):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            if turn:  # the first warms up
                seconds[name].append(time.perf_counter() - began)
    ratios = [b / a for a, b in zip(seconds[OURS], seconds[OFFICIAL], strict=True)]
    print(f"Time: stage 2, {options.frames} frames of {options.size}x{options.size}, batch 1, fp32")
    print(f"{machine()}; {options.repeats} pairs of steps in turn\n")
    print("| | step, median s | ratio (min - max) |")
    print("|---|---|---|")
    print(f"| {OURS} | {statistics.median(seconds[OURS]):.2f} | 1 |")
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})"
    print(f"| {OFFICIAL} | {statistics.median(seconds[OFFICIAL]):.2f} | {spread} |\n")


def peak_of(stage: str, batch: int, checkpointing: bool, size: int = 256) -> tuple[float, float]:
    """GiB of the weights, and of all that lives at once in the second step, weights included.
    size: pixels of width and height"""
    from allocations import PeakAllocation, ShapesOnly

    clips = OneClip(16, size // 8, batch)
    run = run_of(
        stage,
        clips,
        False,
        precision="bf16",
        batch_size=batch,
        gradient_checkpointing=checkpointing,
    )
    weights = bytes_of(run.loss.trainee.denoiser.parameters())
    for parameter in run.parameters.values():  # AdamW's state, as the first step makes it
        state = run.optimizer.state[parameter]
        state["step"] = parameter.new_zeros(())
        state["exp_avg"], state["exp_avg_sq"] = (parameter.new_empty(parameter.shape),) * 2
    held = weights + 2 * bytes_of(run.parameters.values())  # weights and the optimizer's state
    with ShapesOnly(), PeakAllocation() as allocated:
        run.gradients()  # gradients are allocated here; AdamW works in place
    return weights / GIB, (held + allocated.peak) / GIB


def bytes_of(parameters: Iterable[Any]) -> int:
    return sum(p.numel() * p.element_size() for p in parameters)


def official_peak(batch: int) -> tuple[float, float]:
    """The same of the official steps: float32 weights, the arithmetic by autocast, nothing cached
    and nothing checkpointed. VAE and text encoder are left out of the weights."""
    import torch
    from allocations import PeakAllocation, ShapesOnly

    clips = OneClip(16, 32, batch)
    run = run_of("motion_module", clips, False, precision="fp32", gradient_checkpointing=False)
    step = official_step(run, 16, 256, batch)
    weights = bytes_of(run.loss.trainee.denoiser.parameters())
    with (
        ShapesOnly(),
        PeakAllocation() as allocated,
        torch.autocast(run.device.type, dtype=torch.bfloat16),
    ):
        step()
        step()
    return weights / GIB, (weights + allocated.peak) / GIB


def print_memory() -> None:
    print("Memory: 16 frames, bf16 arithmetic, AdamW; GiB, counted\n")
    print("| stage | pixels | batch | checkpointing | weights | peak |\n|---|---|---|---|---|---|")
    for stage, size, batch, checkpointing in COUNTED:
        weights, peak = peak_of(stage, batch, checkpointing, size)
        on = ("no", "yes")[checkpointing]
        print(f"| {stage} | {size} | {batch} | {on} | {weights:.2f} | {peak:.2f} |", flush=True)
    weights, peak = official_peak(4)
    print(f"| motion_module, official steps | 256 | 4 | no | {weights:.2f} | {peak:.2f} |")


def main() -> None:
    options = arguments()
    enter_comfyui()
    logging.getLogger().setLevel(logging.ERROR)
    if not options.memory_alone:
        print_time(options)
    print_memory()


if __name__ == "__main__":
    main()
