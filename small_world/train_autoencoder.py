"""Trains the autoencoder to give back pictures of every style, defect included.

Noise on the latents, instead of a divergence, keeps their neighbours alike: diffusion will not hit
them exactly. Afterwards they are made what Stable Diffusion expects: mean 0, and variance 1 after
ComfyUI's factor 0.18215, which the convolutions that end the encoder and begin the decoder absorb.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..training.engine.loop import Run
from .autoencoder import CHANNELS, PATCH, PatchAutoencoder, start_from_components
from .initial import initialised
from .pictures import everything
from .runs import NetworkLoss, Recipe, Watch, trained

CPU = torch.device("cpu")
SCALE = 0.18215
"""comfy.latent_formats.SD15."""

NOISE = 0.07
"""Standard deviation, of latents whose own is about 1."""

SQUARE, SIZE = 2.0, 1e-4
"""Weights of the squared error beside the absolute one, and of the latents' square."""


@dataclass(frozen=True)
class AutoencoderRecipe(Recipe):
    """pictures: how many are drawn to train on"""

    pictures: int = 8000

    def rate_at(self, step: int) -> float:
        """Rises over 30 steps, then falls along a half cosine."""
        fall = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.rate * min(1.0, (step + 1) / 30) * max(fall, 0.02)


def to_model(images: Tensor) -> Tensor:
    """n h w 3 as bytes -> n 3 h w in -1..1"""
    return images.movedim(-1, 1).float().div(127.5).sub(1).contiguous()


class AutoencoderLoss(NetworkLoss):
    """How far pictures are from themselves after the autoencoder.   pool: n h w 3 as bytes"""

    def __init__(
        self,
        model: PatchAutoencoder,
        pool: Tensor,
        recipe: AutoencoderRecipe,
        device: torch.device = CPU,
    ) -> None:
        super().__init__(model, recipe, device)
        self.model, self.pool = model, pool

    def of(self, generator: torch.Generator) -> Tensor:
        count = self.recipe.batch
        pixels = to_model(self.pool[torch.randint(len(self.pool), (count,), generator=generator)])
        shape = (count, CHANNELS, pixels.shape[2] // PATCH, pixels.shape[3] // PATCH)
        noise = torch.randn(shape, generator=generator)
        return self.error(pixels.to(self.device), noise.to(self.device))

    def error(self, pixels: Tensor, noise: Tensor) -> Tensor:
        """pixels: n 3 h w;   noise: n 4 h/8 w/8"""
        latents = self.model.encode(pixels)
        difference = self.model.decode(latents + NOISE * noise) - pixels
        squared = difference.square().mean() / 4
        return difference.abs().mean() + SQUARE * squared + SIZE * latents.square().mean()


def train(folder: Path, recipe: AutoencoderRecipe, device: torch.device = CPU) -> PatchAutoencoder:
    """The autoencoder after its last step. Goes on from the checkpoint in `folder`, if there is
    one."""
    pool = torch.from_numpy(everything(recipe.pictures, recipe.seed))
    model = initialised(PatchAutoencoder(), recipe.seed, (".last",))
    start_from_components(model, to_model(pool[::4]))
    trained(Run(AutoencoderLoss(model, pool, recipe, device), folder, Watch()))
    return model.to(CPU)


@torch.no_grad()
def align(model: PatchAutoencoder, pool: Tensor) -> None:
    """Shift and scale each channel of the latents to mean 0 and variance 1 after SCALE, and the
    decoder's view of them back.   pool: n h w 3 as bytes

    What is decoded stays the same but at a picture's edge, where the decoder's convolution meets
    zeros that now mean the mean.
    """
    latents = torch.cat([model.encode(to_model(part)) for part in pool.split(100)])
    centre, spread = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    gain = 1 / (SCALE * spread)
    for layer in (model.encoder.linear, model.encoder.last):
        layer.weight *= gain[:, None, None, None]
        layer.bias *= gain
    model.encoder.linear.bias -= centre * gain
    for layer in (model.decoder.linear, model.decoder.first):
        layer.bias += (layer.weight.sum((2, 3)) * centre).sum(1)
        layer.weight /= gain[None, :, None, None]


@torch.no_grad()
def preview_factors(model: PatchAutoencoder, pool: Tensor) -> Tensor:
    """What turns scaled latents into colours in -1..1, by least squares; the last row is added.
    pool: n h w 3 as bytes   -> 5 3"""
    colours = nn.functional.avg_pool2d(to_model(pool), 8).movedim(1, -1).flatten(0, 2)
    latents = encode(model, pool).movedim(1, -1).flatten(0, 2)
    known = nn.functional.pad(latents, (0, 1), value=1.0)
    return torch.linalg.lstsq(known, colours).solution


@torch.no_grad()
def encode(model: PatchAutoencoder, pool: Tensor) -> Tensor:
    """n h w 3 as bytes -> n 4 h/8 w/8, scaled as the UNet has them"""
    return SCALE * torch.cat([model.encode(to_model(part)) for part in pool.split(100)])


def finished(trained: PatchAutoencoder, pool: Tensor) -> tuple[PatchAutoencoder, Tensor]:
    """The autoencoder for use, aligned, and its preview factors."""
    model = from_weights(trained.state_dict())
    align(model, pool)
    return model, preview_factors(model, pool)


def from_weights(weights: dict[str, Tensor]) -> PatchAutoencoder:
    """For use, not for training; float32."""
    model = PatchAutoencoder()
    model.load_state_dict({k: w.float() for k, w in weights.items()})
    return model.eval().requires_grad_(False)
