"""The autoencoder: 8 x 8 pixels are one latent of 4 channels, as in Stable Diffusion.

A linear map and a small convolutional network side by side, both on the grid of latents. The
linear one begins as the best there is, the principal components of the patches; the network adds
what the neighbours tell. That learns in minutes on a CPU what a convolutional KL autoencoder, which
begins from nothing, takes hours for.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

PATCH, CHANNELS, WIDTH = 8, 4, 96
PIXELS = 3 * PATCH * PATCH
"""Numbers of a patch."""

ENCODER_DEPTH, DECODER_DEPTH = 2, 4


class Residual(nn.Module):
    """x: b c h w -> b c h w"""

    def __init__(self, width: int, ops: Any) -> None:
        super().__init__()
        self.first = ops.Conv2d(width, width, 3, padding=1)
        self.last = ops.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.last(functional.silu(self.first(functional.silu(x))))


class Coder(nn.Module):
    """Encoder or decoder.   x: b c h w -> b c' h w"""

    def __init__(self, source: int, target: int, depth: int, ops: Any) -> None:
        super().__init__()
        self.linear = ops.Conv2d(source, target, 1)
        self.first = ops.Conv2d(source, WIDTH, 3, padding=1)
        self.blocks = nn.Sequential(*(Residual(WIDTH, ops) for _ in range(depth)))
        self.last = ops.Conv2d(WIDTH, target, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.last(functional.silu(self.blocks(self.first(x))))


class PatchAutoencoder(nn.Module):
    """`encode` and `decode` are called by ComfyUI's VAE; pixels in -1..1."""

    def __init__(self, ops: Any = nn) -> None:
        super().__init__()
        self.encoder = Coder(PIXELS, CHANNELS, ENCODER_DEPTH, ops)
        self.decoder = Coder(CHANNELS, PIXELS, DECODER_DEPTH, ops)

    def encode(self, pixels: Tensor) -> Tensor:
        """b 3 h w -> b 4 h/8 w/8"""
        return self.encoder(functional.pixel_unshuffle(pixels, PATCH))

    def decode(self, latents: Tensor, **_: Any) -> Tensor:
        """b 4 h w -> b 3 8h 8w"""
        return functional.pixel_shuffle(self.decoder(latents), PATCH)


@torch.no_grad()
def start_from_components(model: PatchAutoencoder, pixels: Tensor) -> None:
    """The linear maps become the principal components of the patches, each of variance 1.
    pixels: n 3 h w in -1..1"""
    patches = functional.pixel_unshuffle(pixels, PATCH).movedim(1, -1).flatten(0, 2)
    mean = patches.mean(0)
    covariance = (patches - mean).T @ (patches - mean) / len(patches)
    values, vectors = torch.linalg.eigh(covariance)
    spread, components = values[-CHANNELS:].sqrt(), vectors[:, -CHANNELS:].T  # c, c p
    encoder, decoder = model.encoder.linear, model.decoder.linear
    encoder.weight.copy_((components / spread[:, None])[:, :, None, None])
    encoder.bias.copy_(-(components @ mean) / spread)
    decoder.weight.copy_((components.T * spread)[:, :, None, None])
    decoder.bias.copy_(mean)
