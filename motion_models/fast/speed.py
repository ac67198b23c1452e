"""Which of two steps take less time, found out once a process."""

from __future__ import annotations

import time

import torch
from comfy.model_management import OOM_EXCEPTION
from torch import Tensor

from ..call import Call
from ..modules import MotionModule
from .forward import forward
from .steps import Steps

ROUNDS = 3


def are_faster(
    kernels: type[Steps], plain: type[Steps], module: MotionModule, x: Tensor, call: Call
) -> bool:
    """Than `plain`, on this map. Where there is no memory for `plain`, which takes more, they
    are."""
    mine = seconds(kernels, module, x, call)
    try:
        return mine <= seconds(plain, module, x, call)
    except OOM_EXCEPTION:
        return True


def seconds(steps: type[Steps], module: MotionModule, x: Tensor, call: Call) -> float:
    """Of a call, the least of some rounds."""
    forward(module, x, call, steps)
    taken = []
    for _ in range(ROUNDS):
        wait_for(x)
        begun = time.perf_counter()
        forward(module, x, call, steps)
        wait_for(x)
        taken.append(time.perf_counter() - begun)
    return min(taken)


def wait_for(x: Tensor) -> None:
    """Until its device has computed all that it was given."""
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
