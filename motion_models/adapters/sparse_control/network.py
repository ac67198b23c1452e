"""SparseCtrl's encoder (arXiv:2311.16933, section 3.2; sparse_controlnet.py of guoyww/AnimateDiff).

A ControlNet, which is a copy of the UNet's encoder, with three differences:

- motion modules of one attention each stand in it, so that frames without a hint learn from those
  with one;
- it never sees the noisy latents: zeros take their place, of which the first convolution leaves
  its bias;
- a mask of ones behind the hint's channels says which frames have a hint; the others' is zero.

The hint of the rgb model is a latent, met by one convolution; that of the scribble model is a
picture, met by ControlNet's own stack of convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import comfy.cldm.cldm
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import TimestepEmbedSequential
from torch import Tensor

from ...call import Call
from ...layers import MotionLayer
from ...model import MotionModel
from ...placements import Placement, placed
from ...sites import Site, down_sites
from ...specs import HEADS, MotionLayout, MotionSpec

KEY = "animatediff_kit_sparse_control"


class EncoderLayout(MotionLayout):
    """Motion modules in the down blocks alone."""

    def modules(self) -> dict[str, int]:
        return {name: c for name, c in super().modules().items() if name.startswith("down_blocks.")}


@dataclass(frozen=True)
class SparseSpec:
    """What a SparseCtrl file is.

    motion: name, modules and positions; context: features of a text token; hint_channels: of a
    hint, its mask among them; latents: whether hints are latents (rgb) or pictures (scribble).
    """

    motion: MotionSpec
    context: int
    hint_channels: int
    latents: bool

    def encoder(self) -> dict[str, Any]:
        """SD1.5's encoder at these widths, as ComfyUI's classes take it."""
        widths, layers = self.motion.layout.widths, self.motion.layout.layers
        above = len(widths) - 1
        return dict(
            image_size=32,
            in_channels=4,
            model_channels=widths[0],
            channel_mult=[width // widths[0] for width in widths],
            num_res_blocks=[layers] * len(widths),
            transformer_depth=[1] * layers * above + [0] * layers,
            transformer_depth_middle=1,
            num_heads=HEADS,
            context_dim=self.context,
            use_spatial_transformer=True,
            use_linear_in_transformer=False,
            legacy=False,
        )


class SparseEncoder(comfy.cldm.cldm.ControlNet):
    """ComfyUI's ControlNet with the three differences. The motion modules lie beside its blocks,
    and stand in them for one call."""

    def __init__(
        self, spec: SparseSpec, operations: Any, dtype: torch.dtype, device: torch.device | str
    ) -> None:
        config: dict[str, Any] = dict(dtype=dtype, device=device, operations=operations)
        super().__init__(hint_channels=spec.hint_channels, **spec.encoder(), **config)
        self.spec = spec
        if spec.latents:
            width = spec.motion.layout.widths[0]
            convolution = operations.Conv2d(
                spec.hint_channels, width, 3, padding=1, dtype=dtype, device=device
            )
            self.input_hint_block = TimestepEmbedSequential(convolution)
        self.motion = MotionModel(spec.motion, operations, dtype, device)

    def sites(self) -> dict[str, Site]:
        """The places of its motion modules, by their names."""
        encoder: Any = self
        return dict(down_sites(encoder))

    def placements(self, call: Call) -> Iterator[Placement]:
        for name, site in self.sites().items():
            layer = MotionLayer(self.motion.module(name), call)
            yield Placement(site.sequence, KEY, layer, behind=site.anchor)

    def signals(
        self, call: Call, hint: Tensor, timesteps: Tensor, context: Tensor
    ) -> dict[str, list[Tensor]]:
        """What is added to the UNet's features, by place, as core's ControlNets give it.

        hint: (b f) c h w, its mask last (h w of the latents for rgb, 8 times those for scribble);
        timesteps: (b f); context: (b f) n d
        """
        height, width = hint.shape[-2:]
        if not self.spec.latents:
            height, width = height // 8, width // 8
        unseen = hint.new_zeros((hint.shape[0], self.in_channels, height, width))
        with placed(self.placements(call)):
            return self(unseen, hint, timesteps, context)
