"""A motion module in the fast order against the reference's, and against diffusers' module."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from .pairs import apart, product_rate, timed

CHANNELS, FRAMES = 320, 16
NAMES = {
    "attention_blocks.0.": "attn1.",
    "attention_blocks.1.": "attn2.",
    "norms.0.": "norm1.",
    "norms.1.": "norm2.",
    "ff_norm.": "norm3.",
}
"""Our names of a block's layers -> diffusers'."""

OURS, REFERENCE = "ours", "reference"
EAGER, COMPILED = "diffusers", "diffusers compiled"
KERNELS = "ours in Triton kernels"


def pack(name: str) -> Any:
    return importlib.import_module(f"animatediff_kit.motion_models.{name}")


def motion_module(channels: int = 0) -> Any:
    """With live weights, as a loaded model has them.   channels: 0 for those of the row"""
    import comfy.ops

    channels = channels or CHANNELS
    ops, cpu = comfy.ops.manual_cast, "cpu"
    args = (channels, 32, "per_frame", ops)
    module = pack("modules").MotionModule(*args, dtype=torch.float32, device=cpu)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0.0, weight[0].numel() ** -0.5)
            else:
                weight.normal_(float(name.endswith("weight")), 0.1)
    return module


class PerFrame(nn.Module):
    """diffusers' norm joins all frames, as v1's authors do in their UNet; that of a motion module
    is each frame's own. Set for the comparison of outputs; timed is diffusers as it is."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """x: b c f h w"""
        y = self.norm(x.transpose(1, 2).flatten(0, 1))
        return y.unflatten(0, (x.shape[0], -1)).transpose(1, 2)


def diffusers_module(ours: Any) -> Any:
    """The same weights in diffusers' class."""
    from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D

    theirs = AnimateDiffTransformer3D(
        num_attention_heads=8,
        attention_head_dim=CHANNELS // 8,
        in_channels=CHANNELS,
        activation_fn="geglu",
        positional_embeddings="sinusoidal",
        num_positional_embeddings=32,
    )
    weights = {}
    for key, weight in ours.temporal_transformer.state_dict().items():
        for old, new in NAMES.items():
            key = key.replace(old, new)
        weights[key] = weight
    theirs.load_state_dict(weights, strict=False)  # their table of positions is ours
    return theirs.eval()


def temporal_row(size: int, rounds: int, compiled: bool) -> dict[str, str]:
    """B3: one temporal transformer of 320 channels, 16 frames of size x size.   -> cells"""
    ours = motion_module()
    theirs = diffusers_module(ours)
    x = torch.randn(FRAMES, CHANNELS, size, size, generator=torch.Generator().manual_seed(1))
    call = pack("call").Call.alone(1, FRAMES)
    layer = pack("layers").MotionLayer(ours, call)
    works = {
        OURS: lambda: layer(x),
        REFERENCE: lambda: ours(x, call),
        EAGER: lambda: theirs(x, num_frames=FRAMES),
    }
    if compiled:
        fast = torch.compile(theirs)
        works[COMPILED] = lambda: fast(x, num_frames=FRAMES)
    gaps = outputs_apart(works, theirs, x)
    times = timed(works, rounds)
    share = flops(size) / product_rate() / times.median(OURS)
    cells = {f"ours / {name}": times.ratio(OURS, name) for name in works if name != OURS}
    return {
        **cells,
        "reference again, slowest / fastest": times.spread(REFERENCE),
        "outputs apart": ", ".join(f"{name} {gap:.1e}" for name, gap in gaps.items()),
        "share of the limit (its matrix products alone)": f"{share:.0%}",
    }


def outputs_apart(works: Any, theirs: Any, x: Tensor) -> dict[str, float]:
    """Of the residuals, from the reference's. Raises ValueError beyond 1e-5."""
    norm = theirs.norm
    theirs.norm = PerFrame(norm)
    try:
        with torch.inference_mode():
            truth = works[REFERENCE]() - x
            gaps = {name: apart(works[name]() - x, truth) for name in (OURS, EAGER)}
    finally:
        theirs.norm = norm
    if max(gaps.values()) > 1e-5:
        raise ValueError(f"The outputs differ, so their times say nothing: {gaps}.")
    return gaps


def flops(size: int) -> float:
    """Of the linear layers: 22 c^2 multiplications and additions for each token."""
    return 2.0 * 22 * CHANNELS**2 * FRAMES * size**2


def operations_row() -> dict[str, str]:
    """B13: what torch dispatches for one module, or Triton launches; deterministic."""
    from operations import Operations

    ours = motion_module()
    theirs = diffusers_module(ours)
    x = torch.randn(FRAMES, CHANNELS, 8, 8)
    call = pack("call").Call.alone(1, FRAMES)
    works = {
        OURS: lambda: pack("fast.forward").forward(ours, x, call),
        REFERENCE: lambda: ours(x, call),
        EAGER: lambda: theirs(x, num_frames=FRAMES),
    }
    cells = {}
    for name, work in works.items():
        with torch.inference_mode(), Operations(x) as counted:
            work()
        cells[name] = f"{counted.kernels} operations"
    return cells | launched_row()


def launched_row() -> dict[str, str]:
    """Counted where Triton interprets the kernels; on a GPU it compiles them."""
    from operations import Operations

    if "TRITON_INTERPRET" not in os.environ or importlib.util.find_spec("triton") is None:
        return {KERNELS: "not counted: Triton is missing, or compiles them"}
    steps = pack("fast.kernels.kernel_steps").KernelSteps
    small, module = torch.randn(1, 32, 4, 4), motion_module(32)
    counted = Operations(small)
    with torch.inference_mode(), counted, counted.launches():
        pack("fast.forward").forward(module, small, pack("call").Call.alone(1, 1), steps)
    return {KERNELS: f"{counted.kernels} operations"}


def kernels_beside(steps: Any, channels: int, size: int, dtype: torch.dtype, device: str) -> Any:
    """Steps against the reference in float32 on a map of 16 frames of size x size.   -> how far
    their residual is from its, and their time by that of torch's operations"""
    speed, call = pack("fast.speed"), pack("call").Call.alone(1, FRAMES)
    module = motion_module(channels).to(device)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(FRAMES, channels, size, size, generator=generator).to(device, dtype)
    with torch.inference_mode():
        truth = module(x.float(), call) - x.float()
        module.to(dtype)
        gap = apart(pack("fast.forward").forward(module, x, call, steps).float() - x.float(), truth)
        plain = pack("fast.plain").PlainSteps
        seconds = [speed.seconds(way, module, x, call) for way in (steps, plain, steps, plain)]
    return gap, min(seconds[::2]) / min(seconds[1::2])


def kernel_errors_and_times(steps: Any, device: str) -> Iterator[tuple[str, float, float]]:
    """At SD1.5's widths, in each half precision: what is to be told, how far they are from the
    reference, and how far they may be."""
    for dtype in (torch.float16, torch.bfloat16):
        for width, size in ((320, 64), (640, 32), (1280, 16)):
            away, share = kernels_beside(steps, width, size, dtype, device)
            line = f"{str(dtype)[6:]} {width}: {away:.1e} apart, {share:.2f} of the time"
            yield line, away, pack("fast.agreement").TOLERANCES[dtype]
