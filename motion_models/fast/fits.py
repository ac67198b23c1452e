"""Which motion modules and calls the fast arithmetic knows; for all others the reference computes.

It knows the authors' module with one strength and one motion scale, over all frames of a call at
once, where nothing is to be learned. Values over frames, changes beside the layers, views, camera
poses, quantised layers and whatever is hooked to a layer take the reference. So do torch.compile,
which orders the operations of the reference itself, and autocast, which chooses their dtypes.
"""

from __future__ import annotations

from typing import Any

import torch
from comfy.ldm.modules.attention import attention_pytorch
from torch import Tensor

from ..call import Call
from ..modules import (
    GEGLU,
    FeedForward,
    MotionModule,
    PositionalEncoding,
    TemporalAttention,
    TemporalTransformer,
    TemporalTransformerBlock,
)
from .weights import GROUP_NORM, LAYER_NORM, LINEAR, is_hooked, is_plain

HALF = (torch.float16, torch.bfloat16)
DEVICES = {"cpu": (torch.float32,), "cuda": (torch.float32, *HALF)}
"""Where it can be faster. A CPU takes longer for half precision than for single, either way."""


SMALLEST = 2**18
"""Numbers in a map below which it stays in any cache, so that the order of arithmetic matters
little."""


MAX_FRAMES, WIDTH = 32, 32
"""Frames of a video that the kernels' attention holds at once, and what divides their channels."""


def knows(module: MotionModule, x: Tensor, call: Call) -> bool:
    """Whether `forward` computes what the module does, and has time to win.   x: (b f) c h w"""
    return (
        not torch.compiler.is_compiling()
        and not torch.is_grad_enabled()
        and x.dtype in DEVICES.get(x.device.type, ())
        and not autocasts(x.device.type)
        and is_large(x)
        and is_simple(call)
        and is_known(module)
    )


def autocasts(kind: str) -> bool:
    """Whether autocast is on for devices of this kind, cpu or cuda. Before torch 2.4 each has a
    function of its own, and that of CUDA takes no argument."""
    try:
        return torch.is_autocast_enabled(kind)
    except TypeError:
        return torch.is_autocast_cpu_enabled() if kind == "cpu" else torch.is_autocast_enabled()


def kernels_know(module: MotionModule, x: Tensor, call: Call) -> bool:
    """Whether the kernels, too, compute what `knows` lets in. They are for half precision: in
    single, torch's own products are the faster ones."""
    return (
        x.is_cuda
        and x.dtype in HALF
        and call.frames <= MAX_FRAMES
        and x.shape[1] % WIDTH == 0
        and is_plain(module.temporal_transformer.norm, GROUP_NORM)
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
