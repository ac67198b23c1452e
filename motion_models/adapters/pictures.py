"""Pictures that adapters are given, at the size of the video, as they are or as latents."""

from __future__ import annotations

from typing import Any

import comfy.utils
from torch import Tensor


def fitted(pictures: Tensor, height: int, width: int) -> Tensor:
    """Cropped in the middle to the ratio, then resized.   n c h w -> n c height width"""
    return comfy.utils.common_upscale(pictures, width, height, "bilinear", "center")


def encoded(vae: Any, pictures: Tensor, height: int, width: int) -> Tensor:
    """Latents of this height and width, as the VAE gives them.   n 3 h w in 0..1 -> n 4 height
    width"""
    scale = vae.spacial_compression_encode()
    return vae.encode(fitted(pictures, height * scale, width * scale).movedim(1, -1))
