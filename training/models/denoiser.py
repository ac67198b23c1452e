"""The image model with a motion model in it, as training calls it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.utils.checkpoint
from comfy.ldm.modules.attention import SpatialTransformer, attention_pytorch
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, UNetModel
from torch import Tensor, nn

from ...motion_models.call import Call
from ...motion_models.layers import motion_placements
from ...motion_models.model import MotionModel
from ...motion_models.modules import MotionModule
from ...motion_models.placements import placed

KEY = "animatediff_kit_training"

CHECKPOINTED = (ResBlock, SpatialTransformer, MotionModule)
"""Layers whose activations are computed again in the backward pass; their inputs alone are kept."""


def torch_attention(function: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """In place of ComfyUI's choice of attention, which may have no backward pass."""
    return attention_pytorch(*args, **kwargs)


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

    @contextmanager
    def animated(self, clips: int, frames: int) -> Iterator[None]:
        """The motion layers stand in the UNet for clips of this many frames.

        The backward pass belongs inside too: checkpointed layers run once more in it.
        """
        if self.motion is None:
            yield
            return
        call = Call.alone(clips, frames, {"optimized_attention_override": torch_attention})
        with placed(motion_placements(KEY, self.unet, self.motion, call)):
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
