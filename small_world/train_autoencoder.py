"""Trains the autoencoder: KL, reconstruction by absolute error (Rombach et al. 2022, section 3.1,
without its adversary).

Afterwards its latents are made what Stable Diffusion expects: channels without correlation, of
variance 1 after ComfyUI's factor 0.18215. Both are linear, and go into the 1 x 1 convolutions that
end the encoder and begin the decoder.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import torch
from comfy.ldm.models.autoencoder import AutoencoderKL
from torch import Tensor, nn

from .initial import initialised
from .models import AUTOENCODER
from .pictures import everything

log = logging.getLogger(__name__)

QUIET = -6.0
"""Logarithm of the latents' variance at first."""

SCALE = 0.18215
"""comfy.latent_formats.SD15."""


def to_model(images: Tensor) -> Tensor:
    """n h w 3 as bytes -> n 3 h w in -1..1"""
    return (
        images.movedim(-1, 1)
        .float()
        .div(127.5)
        .sub(1)
        .contiguous(memory_format=torch.channels_last)
    )


def moments(model: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the logarithm of the variance of each latent.   n 3 h w -> 2 x n 4 h/8 w/8"""
    mean, logvar = model.quant_conv(model.encoder(images)).chunk(2, 1)
    return mean, logvar.clamp(-30, 20)


def losses(model: Any, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mean absolute error of the picture, and mean divergence of a latent from N(0, 1)."""
    mean, logvar = moments(model, images)
    noise = torch.randn(mean.shape, generator=generator)
    decoded = model.decoder(model.post_quant_conv(mean + (0.5 * logvar).exp() * noise))
    divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return (decoded - images).abs().mean(), divergence


def new_model(seed: int) -> Any:
    """Residuals begin as nothing, and the latents' noise low: else it drowns what they carry."""
    model: Any = initialised(AutoencoderKL(**AUTOENCODER), seed, (".conv2", ".proj_out"))
    with torch.no_grad():
        model.quant_conv.bias[4:] = QUIET
    return model.to(memory_format=torch.channels_last)


def rate_at(step: int, steps: int, rate: float) -> float:
    """Rises over 50 steps, then falls along a half cosine."""
    return rate * min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / steps))


def train(
    folder: Path,
    steps: int,
    batch: int,
    rate: float,
    divergence: float,
    pictures: int,
    seed: int = 0,
    save_every: int = 100,
) -> Path:
    """-> the weights' file. Goes on from the checkpoint in `folder`, if there is one.

    divergence: weight of the latents' divergence from N(0, 1).
    """
    model = new_model(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-4, betas=(0.9, 0.99))
    checkpoint, start = folder / "autoencoder.ckpt", 0
    folder.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["step"]
    pool = torch.from_numpy(everything(pictures, seed))
    for step in range(start, steps):
        generator = torch.Generator().manual_seed(seed * 10**6 + step)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps, rate)
        chosen = torch.randint(len(pool), (batch,), generator=generator)
        error, spread = losses(model, to_model(pool[chosen]), generator)
        (error + divergence * spread).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 20 == 0:
            log.info("step %d: error %.4f, divergence %.2f", step, error.item(), spread.item())
        if (step + 1) % save_every == 0 or step + 1 == steps:
            save(checkpoint, model, optimizer, step + 1)
    return checkpoint


def save(checkpoint: Path, model: Any, optimizer: torch.optim.Optimizer, step: int) -> None:
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    partial = checkpoint.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(checkpoint)


@torch.no_grad()
def align(model: Any, pool: Tensor) -> None:
    """Shift and scale each channel of the latents to mean 0 and variance 1 after SCALE, and the
    decoder's view of them back. What is decoded stays the same.   pool: n h w 3 as bytes"""
    mean = torch.cat([moments(model, to_model(part))[0] for part in pool.split(100)])
    centre, spread = mean.mean((0, 2, 3)), mean.std((0, 2, 3))
    gain = 1 / (SCALE * spread)
    into, out = model.quant_conv, model.post_quant_conv
    channels = len(gain)
    out.bias += (out.weight[:, :, 0, 0] * centre).sum(1)
    out.weight /= gain[None, :, None, None]
    into.bias[:channels] = (into.bias[:channels] - centre) * gain
    into.weight[:channels] *= gain[:, None, None, None]
    into.bias[channels:] += 2 * gain.log()


@torch.no_grad()
def preview_factors(model: Any, pool: Tensor) -> Tensor:
    """What turns scaled latents into colours in -1..1, by least squares; the last row is added.
    pool: n h w 3 as bytes   -> 5 3"""
    images = to_model(pool)
    latents = SCALE * torch.cat([moments(model, part)[0] for part in images.split(100)])
    colours = nn.functional.avg_pool2d(images, 8).movedim(1, -1).flatten(0, 2)
    known = nn.functional.pad(latents.movedim(1, -1).flatten(0, 2), (0, 1), value=1.0)
    return torch.linalg.lstsq(known, colours).solution


@torch.no_grad()
def encode(model: Any, pool: Tensor) -> Tensor:
    """n h w 3 as bytes -> n 4 h/8 w/8, scaled as the UNet has them"""
    return SCALE * torch.cat([moments(model, to_model(part))[0] for part in pool.split(100)])


def finished(checkpoint: Path, pool: Tensor) -> tuple[Any, Tensor]:
    """The trained and aligned autoencoder, and its preview factors."""
    model: Any = AutoencoderKL(**AUTOENCODER)
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    align(model, pool)
    return model, preview_factors(model, pool)
