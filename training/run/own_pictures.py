"""Pictures that the image model draws itself, to train a camera move on: no data set, and no look
but the model's own gets into the file.

They are drawn once and kept beside the encoded clips, so that a run that is resumed has the same
ones, whatever the device rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import comfy.sample
import comfy.utils
import torch
from comfy.model_patcher import ModelPatcher
from safetensors.torch import load_file
from torch import Tensor

from ..files.atomic import save_tensors
from ..files.fingerprints import digest_of, weights_digest

STEPS, GUIDANCE, SAMPLER, SCHEDULER = 20, 7.0, "euler", "normal"

PIXELS = 8
"""Of a latent's side."""

Report = Callable[[int, int], None]


def own_pictures(
    model: ModelPatcher,
    clip: Any,
    vae: Any,
    prompts: Sequence[str],
    size: tuple[int, int],
    seed: int,
    folder: Path,
    report: Report,
) -> Tensor:
    """A picture of each prompt.   size: (height, width)   -> b h w 3 in 0..1

    folder: keeps them;   report: is told how many are drawn, and of how many.
    """
    drawn_by = [weights_digest(p) for p in (model, clip.patcher, vae.patcher)]
    path = folder / f"pictures-{digest_of([drawn_by, list(prompts), size, seed])[:24]}.safetensors"
    if path.is_file():
        return load_file(path)["pictures"]
    nothing = encoded(clip, "")
    drawn: list[Tensor] = []
    for number, prompt in enumerate(prompts):
        report(number, len(prompts))
        latents = draw(model, encoded(clip, prompt), nothing, size, seed + number)
        drawn.append(vae.decode(latents)[..., :3].float().cpu().clamp(0, 1))
    pictures = torch.cat(drawn)
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(path, {"pictures": pictures.contiguous()}, {"format": "pt"})
    return pictures


def draw(
    model: ModelPatcher, asked: list[Any], nothing: list[Any], size: tuple[int, int], seed: int
) -> Tensor:
    """The latents of one picture.   -> 1 4 h w"""
    empty = torch.zeros((1, 4, size[0] // PIXELS, size[1] // PIXELS))
    noise: Any = comfy.sample.prepare_noise(empty, seed % 2**64, None)
    return comfy.sample.sample(
        model, noise, STEPS, GUIDANCE, SAMPLER, SCHEDULER, asked, nothing, empty,
        disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED, seed=seed % 2**64,
    )  # fmt: skip


def encoded(clip: Any, text: str) -> list[Any]:
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))
