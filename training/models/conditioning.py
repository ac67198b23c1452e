"""What the image model is given beside the noisy latents, in the form that it was trained on."""

from __future__ import annotations

from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

PIXELS = 8
"""Pixels of a latent's side, for SDXL's conditioning on sizes."""


class ModelInputs:
    """The two things that differ between image models: the scale of latents, and SDXL's vector."""

    def __init__(self, model: ModelPatcher) -> None:
        self.base: Any = model.model

    def scaled(self, latents: Tensor) -> Tensor:
        """Latents as the VAE gives them -> as the UNet wants them.   b f 4 h w"""
        return self.base.latent_format.process_in(latents)

    @torch.no_grad()
    def vector(self, pooled: Tensor | None, latents: Tensor) -> Tensor | None:
        """SDXL's pooled text and sizes; None for models without.   pooled: b c -> b y"""
        if self.base.adm_channels == 0:
            return None
        if pooled is None:
            raise ValueError(
                "The image model is conditioned on pooled text, as SDXL is, but the clips were "
                "encoded without. Encode them with the checkpoint's own CLIP."
            )
        height, width = (side * PIXELS for side in latents.shape[-2:])
        rows = [
            self.base.encode_adm(
                pooled_output=row[None], height=height, width=width, device=pooled.device
            )
            for row in pooled
        ]
        return torch.cat(rows)
