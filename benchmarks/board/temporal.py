"""A motion module in the fast order against the reference's, and against diffusers' module."""

from __future__ import annotations

import importlib
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


def pack(name: str) -> Any:
    return importlib.import_module(f"animatediff_kit.motion_models.{name}")


def motion_module() -> Any:
    """With live weights, as a loaded model has them."""
    import comfy.ops

    ops, cpu = comfy.ops.manual_cast, "cpu"
    args = (CHANNELS, 32, "per_frame", ops)
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
    """B13: what torch dispatches for one module; deterministic."""
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
    return cells
