"""Whether steps give what a module gives, asked on a map that is like the call's own, but small."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..call import Call, Run
from ..modules import MotionModule
from .forward import forward
from .steps import Steps

log = logging.getLogger(__name__)

TOLERANCES = {torch.float32: 5e-6, torch.float16: 2e-3, torch.bfloat16: 1.5e-2}
"""How far the residual may be from the reference's, relative to its norm."""

STRENGTH, FAINT = 64.0, 1 / 16
"""What the residual is multiplied by, and the map, which norms take out again: the residual of
weights that change little would else be lost in what adding it to the map rounds."""

FEW, SEVERAL = 12, 320
"""Pixels of a frame: enough for torch's operations; more than a block of any kernel."""


@dataclass(frozen=True)
class Sample:
    """A map, a call that shows it, and what the reference makes of it: the residual, float32."""

    module: MotionModule
    x: Tensor
    call: Call
    residual: Tensor

    @classmethod
    def like(cls, module: MotionModule, x: Tensor, call: Call, pixels: int = FEW) -> Sample:
        """Of two videos at most, the same numbers each time.   x: (b f) c h w"""
        videos = min(call.videos, 2)
        sample = drawn(shape_like(x, videos * call.frames, pixels)).to(x) * FAINT
        if x.is_contiguous(memory_format=torch.channels_last):
            sample = sample.contiguous(memory_format=torch.channels_last)
        run = Run(call.frames)
        shown = replace(call, videos=videos, run=run, strength=STRENGTH, motion_scale=1.0)
        return cls(module, sample, shown, module(sample, shown).float() - sample.float())

    def agrees(self, steps: type[Steps]) -> bool:
        """Whether the steps' residual is the reference's but for rounding; told in the log where it
        is not."""
        mine = forward(self.module, self.x, self.call, steps).float() - self.x.float()
        error, dtype = float((mine - self.residual).norm()), self.x.dtype
        length, around = (float(t.float().norm()) for t in (self.residual, self.x))
        allowed = TOLERANCES[dtype] * length + torch.finfo(dtype).eps * around
        if error <= allowed:
            return True
        log.warning(
            "The fast arithmetic of motion modules differs from the reference by %g where %g is "
            "allowed (%s of %s on %s), so it does not compute: slower, and right.",
            error,
            allowed,
            steps.__name__,
            dtype,
            self.x.device,
        )
        return False


def drawn(shape: Sequence[int]) -> Tensor:
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(0))


def shape_like(x: Tensor, frames: int, pixels: int) -> tuple[int, int, int, int]:
    """The fewest rows of x that hold so many pixels, all where there are not so many. Their number
    divides by 16 where that of x does: Triton compiles a kernel for either."""
    _, channels, height, width = x.shape
    if pixels <= FEW:
        return frames, channels, 1, pixels
    even = height * width % 16 == 0
    rows = range(-(-pixels // width), height)
    fitting = (n for n in rows if (n * width % 16 == 0) == even)
    return frames, channels, next(fitting, height), width
