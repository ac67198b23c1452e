"""The image model with a motion model in it, as training calls it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
import torch.utils.checkpoint
from comfy.ldm.modules.attention import SpatialTransformer, attention_pytorch
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, UNetModel
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from ...motion_models.call import Call
from ...motion_models.layers import motion_placements
from ...motion_models.model import MotionModel
from ...motion_models.modules import MotionModule
from ...motion_models.placements import placed
from .seen import Seen

KEY = "animatediff_kit_training"
PICTURE = f"{KEY}_picture"

CHECKPOINTED = (ResBlock, SpatialTransformer, MotionModule)
"""Layers whose activations are computed again in the backward pass; their inputs alone are kept."""


NO_KERNELS = ("ERROR", "CUDNN_ATTENTION")
KERNELS = [kernel for name, kernel in SDPBackend.__members__.items() if name not in NO_KERNELS]
"""Not cuDNN's, which ComfyUI and newer versions of torch prefer for inference: its backward pass
gave NaN gradients (huggingface/diffusers issue 9768; with masks, pytorch issue 196678) and fails on
expanded gradients (pytorch issue 138529)."""


def torch_attention(
    function: Callable[..., Tensor],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    heads: int,
    mask: Tensor | None = None,
    attn_precision: torch.dtype | None = None,
    skip_reshape: bool = False,
    skip_output_reshape: bool = False,
    **options: Any,
) -> Tensor:
    """In place of ComfyUI's choice of attention, `function`, which may have no backward pass; takes
    and gives what ComfyUI's `attention_pytorch` does.   q, k, v: b t (h c) -> b t (h c)

    mask: t t, b t t or b h t t.   skip_reshape: q, k, v are b h t c, and skip_output_reshape: so is
    the result.
    """
    if not skip_reshape:
        q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    if mask is not None and mask.ndim == 3:
        mask = mask.unsqueeze(1)
    with sdpa_kernel(KERNELS):
        out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return out if skip_output_reshape else out.transpose(1, 2).flatten(2)


class Denoiser(nn.Module):
    """Predicts the noise in clips. Holds private copies (private_copy.py), which it may change.

    The arithmetic is that of sampling: the same motion layers, in the same places, put there by the
    same code.
    """

    def __init__(self, unet: UNetModel, motion: MotionModel | None) -> None:
        super().__init__()
        self.unet = unet
        self.motion = motion

    def checkpoint_layers(self) -> None:
        """Trade time for memory: keep only the layers' inputs for the backward pass."""
        for layer in self.modules():
            if isinstance(layer, CHECKPOINTED) and "forward" not in vars(layer):
                # on the instance: the copy is ours, the class is ComfyUI's
                layer.forward = functools.partial(
                    torch.utils.checkpoint.checkpoint,
                    layer.forward,
                    use_reentrant=False,  # the reentrant one loses gradients behind frozen inputs
                    preserve_rng_state=False,  # nothing in here draws random numbers
                )

    def uncheckpoint_layers(self) -> None:
        """As before `checkpoint_layers`. A layer that keeps its own forward is a cycle, whose
        memory stays until Python's next collection."""
        for layer in self.modules():
            if isinstance(layer, CHECKPOINTED):
                vars(layer).pop("forward", None)

    @contextmanager
    def animated(self, clips: int, frames: int, seen: Seen | None = None) -> Iterator[None]:
        """The motion layers stand in the UNet for clips of this many frames, and PIA's layer where
        there are pictures.

        The backward pass belongs inside too: checkpointed layers run once more in it.
        """
        if self.motion is None:
            yield
            return
        call = Call.alone(
            clips, frames, attention=functools.partial(torch_attention, attention_pytorch)
        )
        placements = motion_placements(KEY, self.unet, self.motion, call)
        pictures = [] if seen is None else [seen.placement(PICTURE, self.unet, self.motion, call)]
        with placed(chain(placements, pictures)):
            yield

    def forward(self, noisy: Tensor, t: Tensor, text: Tensor, vector: Tensor | None) -> Tensor:
        """noisy: b f 4 h w;   t: b, 0..T-1;   text: b t c;   vector: b y, SDXL's   -> b f 4 h w"""
        frames = noisy.shape[1]
        predicted = self.unet(
            noisy.flatten(0, 1),
            t.repeat_interleave(frames).float(),
            context=text.repeat_interleave(frames, 0),
            y=None if vector is None else vector.repeat_interleave(frames, 0),
            transformer_options={"optimized_attention_override": torch_attention},
        )
        return predicted.unflatten(0, (-1, frames))
