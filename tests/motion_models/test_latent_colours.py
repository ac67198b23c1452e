"""Latents in the colours of ComfyUI's live previews."""

from __future__ import annotations

import comfy.latent_formats
import latent_preview
import numpy as np
import pytest
import torch
from animatediff_kit.motion_models.latent_colours import coloured

FORMATS = [comfy.latent_formats.SD15(), comfy.latent_formats.SDXL()]


@pytest.mark.parametrize("latent_format", FORMATS, ids=lambda known: type(known).__name__)
def test_colours_are_comfyuis(latent_format) -> None:
    """The same picture as its own previewer's, which shows one frame at a time."""
    latents = torch.randn((3, 4, 8, 8), generator=torch.Generator().manual_seed(3))
    theirs = latent_preview.Latent2RGBPreviewer(
        latent_format.latent_rgb_factors, latent_format.latent_rgb_factors_bias
    )
    for ours in (coloured(latents, latent_format, side=8), coloured(latents, latent_format)):
        for frame, picture in zip(latents, ours, strict=True):
            wanted = np.asarray(theirs.decode_latent_to_preview(frame[None].clone()))
            assert np.abs(np.floor(picture.numpy() * 255) - wanted).max() <= 1


def test_colours_fill_the_longer_side() -> None:
    assert coloured(torch.zeros((2, 4, 8, 4)), FORMATS[0], side=64).shape == (2, 64, 32, 3)
