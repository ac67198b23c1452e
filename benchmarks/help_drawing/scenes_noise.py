"""Scenes of the nodes that make the noise that sampling starts from."""

from __future__ import annotations

from functools import cache
from typing import Any

import comfy.sample
import torch

from ...motion_models.latent_colours import coloured
from ...small_world import files
from ...small_world.motions import FRAMES, SIDE
from .clips import LENGTH, LONG, OVERLAP, taken
from .curves import walked
from .kept import Frames, as_bytes
from .layout import above, beside, enlarged, labelled
from .world import first, image_model, models


@cache
def latent_format() -> Any:
    return image_model().model.latent_format


def in_colours(latents: torch.Tensor) -> Frames:
    """f 4 h w -> f 64 64 3, each of its pixels as a square"""
    return enlarged(as_bytes(coloured(latents, latent_format())), 8)


def empty(frames: int) -> torch.Tensor:
    return torch.zeros((frames, 4, SIDE // 8, SIDE // 8))


def drawn_noise(frames: int, seed: int) -> torch.Tensor:
    noise: Any = comfy.sample.prepare_noise(empty(frames), seed, None)
    return noise


def constant_noise(seed: int) -> Frames:
    """The sampler's own noise and its clip, constant noise and its clip."""
    random = drawn_noise(FRAMES, seed)
    constant = random[:1].repeat(FRAMES, 1, 1, 1)
    left = above([in_colours(random), enlarged(taken("star", seed))])
    return beside([left, above([in_colours(constant), enlarged(taken("constant", seed))])])


def repeated_noise(seed: int) -> Frames:
    """The same for a long video, whose noise repeats over the windows."""
    latent = {"samples": empty(LONG)}
    node = first("ADK_FreeNoise", latent=latent, seed=seed, length=LENGTH, overlap=OVERLAP)
    left = above([in_colours(drawn_noise(LONG, seed)), enlarged(taken("long", seed))])
    right = above([in_colours(node.generate_noise(latent)), enlarged(taken("repeated", seed))])
    return beside([left, right])


def schedules(seed: int) -> Frames:
    """How much of a picture is left at each noise level, by two schedules, from the strongest
    noise on."""
    names = ("checkpoint", "AnimateDiff")
    levels = torch.linspace(999, 0, FRAMES)
    with torch.inference_mode():
        pixels = torch.from_numpy(taken("star", seed)[:1]).float() / 255
        latent = latent_format().process_in(models(files.BASE)[2].encode(pixels))
    noise = drawn_noise(1, seed)
    curves, noised = [], []
    for name in names:
        model = first("ADK_NoiseSchedule", model=image_model(), beta_schedule=name)
        sigmas = model.get_model_object("model_sampling").sigma(levels)
        kept = (1 / (1 + sigmas**2)).view(-1, 1, 1, 1)
        mixed = kept.sqrt() * latent + (1 - kept).sqrt() * noise
        noised.append(labelled(enlarged(in_colours(mixed)), name))
        curves.append(kept.sqrt().flatten().numpy())
    return above([beside(noised), walked(curves)])
