"""Latents as pictures by ComfyUI's own linear approximation, the one of its live previews, so that
no VAE has to be in memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def coloured(latents: Tensor, latent_format: Any, side: int | None = None) -> Tensor:
    """Latents, scaled as the UNet has them, in colours.   f c h w -> f h w 3 in 0..1 on the CPU

    side: pixels of the longer side; None leaves a pixel for each latent one. latent_format: one of
    comfy.latent_formats that has colours.
    """
    factors = torch.tensor(latent_format.latent_rgb_factors, device=latents.device)
    pictures = torch.einsum("fchw,cr->frhw", latents.float(), factors)
    if latent_format.latent_rgb_factors_bias is not None:
        bias = torch.tensor(latent_format.latent_rgb_factors_bias, device=latents.device)
        pictures = pictures + bias.view(1, -1, 1, 1)
    if side is not None:
        scale = side / max(pictures.shape[-2:])
        pictures = functional.interpolate(pictures, scale_factor=scale, mode="bilinear")
    return ((pictures + 1) / 2).clamp(0, 1).movedim(1, -1).cpu()
