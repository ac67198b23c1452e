"""Which steps compute a module here, found out once a run on the device itself.

What differs from the reference is not taken, and kernels that were never timed on a GPU of the
kind have to be faster on it than torch's operations.
"""

from __future__ import annotations

import importlib.util
import logging
import time
from dataclasses import replace
from functools import cache

import torch
from comfy.model_management import InterruptProcessingException
from torch import Tensor

from ..call import Call, Run
from ..modules import MotionModule
from .fits import kernels_know, knows
from .forward import forward
from .plain import PlainSteps
from .steps import Steps

log = logging.getLogger(__name__)

TOLERANCES = {torch.float32: 5e-6, torch.float16: 2e-3, torch.bfloat16: 1.5e-2}
"""How far the residual may be from the reference's, relative to its norm; what adding it to the map
rounds comes on top."""

AMPERE = (8, 0)
"""The first GPUs that Triton compiles matrix products of both half precisions for."""

ROUNDS = 3


def steps_for(module: MotionModule, x: Tensor, call: Call) -> type[Steps] | None:
    """The steps for `forward` that give what the module gives, in less time; None where there are
    none, and the module itself is to compute.   x: (b f) c h w

    The first call of a run at each width, device and dtype compares them on a small map."""
    if not knows(module, x, call):
        return None
    kernels = kernels_on(x.device) if kernels_know(module, x, call) else None
    key = ("fast arithmetic", x.shape[1], x.device, x.dtype, kernels)
    return call.run.keep(key, lambda: chosen(kernels, module, x, call))


@cache
def kernels_on(device: torch.device) -> type[Steps] | None:
    """None where the GPU is older than they are, or Triton is missing or broken."""
    older = torch.cuda.get_device_capability(device) < AMPERE
    if older or torch.version.hip or importlib.util.find_spec("triton") is None:
        return None
    try:
        from .kernels.kernel_steps import KernelSteps
    except (ImportError, OSError, RuntimeError) as error:
        log.warning("The kernels of motion modules are not used: Triton does not load (%s).", error)
        return None
    return KernelSteps


def chosen(
    kernels: type[Steps] | None, module: MotionModule, x: Tensor, call: Call
) -> type[Steps] | None:
    """The fastest that agree with the reference."""
    plain = PlainSteps if agree(PlainSteps, module, x, call) else None
    if kernels is None or not work_and_agree(kernels, module, x, call):
        return plain
    if plain and seconds(plain, module, x, call) <= seconds(kernels, module, x, call):
        return plain
    return kernels


def agree(steps: type[Steps], module: MotionModule, x: Tensor, call: Call) -> bool:
    """Whether they and the reference agree on a small map of the call's frames, the same each
    time."""
    shape = (call.frames, x.shape[1], 4, 3)
    sample = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(x)
    alone = replace(call, videos=1, run=Run(call.frames), strength=1.0, motion_scale=1.0)
    truth, fast = module(sample, alone).float(), forward(module, sample, alone, steps).float()
    error, residual = float((fast - truth).norm()), float((truth - sample.float()).norm())
    rounding = torch.finfo(x.dtype).eps * float(truth.norm())
    allowed = TOLERANCES[x.dtype] * residual + rounding
    if error <= allowed:
        return True
    log.warning(
        "The fast arithmetic of motion modules differs from the reference by %g where %g is "
        "allowed (%s of %s on %s), so it does not compute: slower, and right.",
        error,
        allowed,
        steps.__name__,
        x.dtype,
        x.device,
    )
    return False


def work_and_agree(kernels: type[Steps], module: MotionModule, x: Tensor, call: Call) -> bool:
    """The same of kernels, which first have to compile and run; what they raise depends on compiler
    and driver."""
    log.info(
        "Triton compiles the kernels of motion modules for %d channels on %s; it keeps them, so "
        "that later runs need not wait.",
        x.shape[1],
        x.device,
    )
    try:
        return agree(kernels, module, x, call)
    except (InterruptProcessingException, torch.OutOfMemoryError):
        raise
    except Exception as error:
        log.warning(
            "The kernels of motion modules do not run on %s, so torch's operations compute: slower,"
            " and the same. Triton says: %s",
            x.device,
            error,
        )
        return False


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
