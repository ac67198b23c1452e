"""Pictures of a run between ComfyUI's tensors and Pillow, and the preview under the loss plot."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def as_image(picture: Image.Image) -> Tensor:
    """-> 1 h w 3 in 0..1, ComfyUI's IMAGE"""
    return torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255.0)[None]


def as_picture(image: Tensor) -> Image.Image:
    """h w 3 in 0..1 -> a picture"""
    return Image.fromarray((image.numpy() * 255).round().astype(np.uint8))


def below(plot: Image.Image, picture: Image.Image | None) -> Image.Image:
    """The plot with another picture under it."""
    if picture is None:
        return plot
    both = Image.new("RGB", (max(plot.width, picture.width), plot.height + picture.height), "white")
    both.paste(plot, (0, 0))
    both.paste(picture, ((both.width - picture.width) // 2, plot.height))
    return both


def under_plot(plot: Tensor, frame: Tensor) -> Tensor:
    """The same of ComfyUI's images.   plot: 1 h w 3;   frame: h w 3 -> 1 h w 3"""
    return as_image(below(as_picture(plot[0]), as_picture(frame)))
