"""Which motion modules and calls the fast arithmetic knows; for all others the reference computes.

It knows the authors' module with one strength and one motion scale, over all frames of a call at
once, where nothing is to be learned. Values over frames, changes beside the layers, views, camera
poses, quantised layers and whatever is hooked to a layer take the reference. So does torch.compile,
which orders the operations of the reference itself.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import torch
from comfy.ldm.modules.attention import attention_pytorch
from torch import Tensor

from ..call import Call, Run
from ..modules import (
    GEGLU,
    FeedForward,
    MotionModule,
    PositionalEncoding,
    TemporalAttention,
    TemporalTransformer,
    TemporalTransformerBlock,
)
from .forward import forward
from .weights import LAYER_NORM, LINEAR, is_hooked, is_plain

log = logging.getLogger(__name__)

TOLERANCES = {torch.float32: 5e-6, torch.float16: 2e-3, torch.bfloat16: 1.5e-2}
"""How far the residual may be from the reference's, relative to its norm; what adding it to the map
rounds comes on top."""

DEVICES = {"cpu": (torch.float32,), "cuda": tuple(TOLERANCES)}
"""Where it can be faster. A CPU takes longer for half precision than for single, either way."""


SMALLEST = 2**18
"""Numbers in a map below which it stays in any cache, so that the order of arithmetic matters
little."""


def computes(module: MotionModule, x: Tensor, call: Call) -> bool:
    """Whether `forward` gives what the module gives, in less time.   x: (b f) c h w

    The first call of a run at each width, device and dtype compares the two on a small map."""
    return (
        not torch.compiler.is_compiling()
        and not torch.is_grad_enabled()
        and x.dtype in DEVICES.get(x.device.type, ())
        and is_large(x)
        and is_simple(call)
        and is_known(module)
        and agrees(module, x, call)
    )


def is_large(x: Tensor) -> bool:
    """Whether there is time to win: the map is no small one, and has more work in it than the
    weights. Where it has fewer pixels than channels, nearly all there is to do is to read these."""
    return x.numel() >= SMALLEST and x.shape[0] * x.shape[2] * x.shape[3] >= x.shape[1]


def is_simple(call: Call) -> bool:
    return (
        call.parts is None
        and call.run.inner is None
        and not call.beside
        and not callable(call.strength)
        and not callable(call.motion_scale)
        and call.attention is attention_pytorch
    )


def is_known(module: Any) -> bool:
    """Whether every layer is the class that `forward` computes, and nothing is hooked to any."""
    transformer: Any = module.temporal_transformer
    return (
        is_just(module, MotionModule)
        and is_just(transformer, TemporalTransformer)
        and is_plain(transformer.proj_in, LINEAR)
        and is_plain(transformer.proj_out, LINEAR)
        and all(is_known_block(block) for block in transformer.transformer_blocks)
    )


def is_known_block(block: Any) -> bool:
    return (
        is_just(block, TemporalTransformerBlock)
        and all(is_known_attention(attention) for attention in block.attention_blocks)
        and is_just(block.ff, FeedForward)
        and is_just(block.ff.net[0], GEGLU)
        and type(block.ff.net[1]) is torch.nn.Identity
        and all(is_plain(layer, LINEAR) for layer in (block.ff.net[0].proj, block.ff.net[2]))
        and all(is_plain(norm, LAYER_NORM) for norm in (*block.norms, block.ff_norm))
    )


def is_known_attention(attention: Any) -> bool:
    layers = attention.to_q, attention.to_k, attention.to_v, attention.to_out[0]
    return (
        is_just(attention, TemporalAttention)
        and is_just(attention.pos_encoder, PositionalEncoding)
        and all(is_plain(layer, LINEAR) for layer in layers)
    )


def is_just(layer: Any, kind: type) -> bool:
    return type(layer) is kind and not is_hooked(layer)


def agrees(module: MotionModule, x: Tensor, call: Call) -> bool:
    """Whether both ways agree on this device, found out once a run."""
    key = ("fast arithmetic", x.shape[1], x.device, x.dtype)
    return call.run.keep(key, lambda: compared(module, x, call))


def compared(module: MotionModule, x: Tensor, call: Call) -> bool:
    """On a small map of the call's frames that is the same each time."""
    shape = (call.frames, x.shape[1], 4, 3)
    sample = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(x)
    alone = replace(call, videos=1, run=Run(call.frames), strength=1.0, motion_scale=1.0)
    truth, fast = module(sample, alone).float(), forward(module, sample, alone).float()
    error, residual = float((fast - truth).norm()), float((truth - sample.float()).norm())
    rounding = torch.finfo(x.dtype).eps * float(truth.norm())
    allowed = TOLERANCES[x.dtype] * residual + rounding
    if error <= allowed:
        return True
    log.warning(
        "The fast arithmetic of motion modules differs from the reference by %g where %g is "
        "allowed (%s on %s), so the reference computes: slower, and right.",
        error,
        allowed,
        x.dtype,
        x.device,
    )
    return False
