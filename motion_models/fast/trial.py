"""Which steps compute a module here, found out on the device itself.

What differs from the reference is not taken, and kernels that were never timed on a GPU of the
kind have to be faster on it than torch's operations.
"""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock
from typing import Any

import torch
from comfy.model_management import OOM_EXCEPTION, InterruptProcessingException
from torch import Tensor

from ..call import Call
from ..modules import MotionModule
from .agreement import FEW, SEVERAL, Sample
from .fits import kernels_know, knows
from .plain import PlainSteps
from .speed import are_faster
from .steps import Steps

log = logging.getLogger(__name__)

AMPERE = (8, 0)
"""The first GPUs that Triton compiles matrix products of both half precisions for."""


@dataclass(frozen=True)
class Kind:
    """What kernels are compiled for, and what decides their speed: calls of a kind take the same
    steps.   shape: (b f) c h w; attentions: of each block"""

    device: str
    dtype: torch.dtype
    shape: torch.Size
    channels_last: bool
    frames: int
    norms: str
    attentions: tuple[int, ...]

    @classmethod
    def of(cls, module: MotionModule, x: Tensor, call: Call) -> Kind:
        transformer: Any = module.temporal_transformer
        return cls(
            str(x.device),
            x.dtype,
            x.shape,
            x.is_contiguous(memory_format=torch.channels_last),
            call.frames,
            transformer.rule(call),
            tuple(len(block.attention_blocks) for block in transformer.transformer_blocks),
        )


VERDICTS: dict[Kind, bool] = {}
"""Whether kernels are taken where they agree, by the GPU's name. They round otherwise than torch's
operations do, so this must not change from run to run, nor from one GPU to another of the name."""

ONE_AT_A_TIME = Lock()


def steps_for(module: MotionModule, x: Tensor, call: Call) -> type[Steps] | None:
    """The steps for `forward` that give what the module gives, in less time; None where there are
    none, and the module itself is to compute.   x: (b f) c h w

    The first call of each kind in a run compares them on a small map."""
    if not knows(module, x, call):
        return None
    kernels = kernels_on(x.device) if kernels_know(module, x, call) else None
    key = ("fast arithmetic", Kind.of(module, x, call), kernels)
    return call.run.keep(key, lambda: chosen(kernels, module, x, call))


@cache
def kernels_on(device: torch.device) -> type[Steps] | None:
    """None where the GPU is older than they are, or Triton is missing or broken."""
    if torch.cuda.get_device_capability(device) < AMPERE or torch.version.hip:
        return None
    try:
        if importlib.util.find_spec("triton") is None:
            return None
        from .kernels.kernel_steps import KernelSteps
    except Exception as error:  # whatever an installation lacks
        log.warning("The kernels of motion modules are not used: Triton does not load (%s).", error)
        return None
    return KernelSteps


def chosen(
    kernels: type[Steps] | None, module: MotionModule, x: Tensor, call: Call
) -> type[Steps] | None:
    """The fastest that agree with the reference."""
    sample = Sample.like(module, x, call, FEW if kernels is None else SEVERAL)
    plain = PlainSteps if works(sample) else None
    if kernels is None:
        return plain
    kind = Kind.of(module, x, call)
    if x.is_cuda:
        kind = replace(kind, device=torch.cuda.get_device_name(x.device))
    with ONE_AT_A_TIME:
        return kernels if are_taken(kernels, plain, sample, x, kind, call) else plain


def works(sample: Sample) -> bool:
    """Whether torch's operations run in this order, and agree."""
    try:
        return sample.agrees(PlainSteps)
    except (InterruptProcessingException, OOM_EXCEPTION):
        raise
    except Exception as error:
        log.warning(
            "The fast arithmetic of motion modules does not run on %s, so the reference computes: "
            "slower, and the same. Torch says: %s",
            sample.x.device,
            error,
        )
        return False


def are_taken(
    kernels: type[Steps],
    plain: type[Steps] | None,
    sample: Sample,
    x: Tensor,
    kind: Kind,
    call: Call,
) -> bool:
    """Whether kernels compile, run, agree, and are faster; what they raise depends on compiler and
    driver, and is told once."""
    if not VERDICTS.get(kind, True):
        return False
    if kind not in VERDICTS:
        log.info(
            "Triton compiles the kernels of motion modules for %d channels on %s; it keeps them, "
            "so that later runs need not wait.",
            x.shape[1],
            x.device,
        )
    try:
        if not sample.agrees(kernels):
            return False
        if kind not in VERDICTS and plain is not None:
            VERDICTS[kind] = are_faster(kernels, plain, sample.module, x, call)
    except InterruptProcessingException:
        raise
    except OOM_EXCEPTION:
        return False  # there may be memory in the next run
    except Exception as error:
        VERDICTS[kind] = False
        log.warning(
            "The kernels of motion modules do not run on %s, so torch's operations compute: slower,"
            " and the same. Triton says: %s",
            x.device,
            error,
        )
    return VERDICTS.get(kind, True)
