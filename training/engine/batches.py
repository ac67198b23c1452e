"""Which clips a step sees, and with what noise: all of it drawn from the seed and the step.

A step's numbers depend on nothing that came before it. So a run can be resumed at any step, one
process draws what many share, and a step can be replayed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .config import TrainingSettings

Shape = tuple[int, ...]


class EncodedText(Protocol):
    """A caption as the text encoder gives it.   embedding: t c;   pooled: c, SDXL's, or None"""

    @property
    def embedding(self) -> Tensor: ...
    @property
    def pooled(self) -> Tensor | None: ...


class Clips(Protocol):
    """Encoded clips, as cache.py keeps them.   latents: f 4 h w, as the VAE gave them"""

    @property
    def fingerprint(self) -> str: ...
    def __len__(self) -> int: ...
    def name(self, index: int) -> str: ...
    def caption(self, index: int) -> str: ...
    def shape(self, index: int) -> Shape: ...
    def latents(self, index: int) -> Tensor: ...
    def text(self, caption: str) -> EncodedText: ...


def generator_for(seed: int, *place: int) -> torch.Generator:
    """A generator of its own for every place (step, pass...) of a run.

    Places are hashed to 32 bits, all that torch's generator for the CPU takes; so two places share
    a stream by chance alone.
    """
    (mixed,) = np.random.SeedSequence((seed, *place)).generate_state(1, np.uint32)
    return torch.Generator().manual_seed(int(mixed))


def buckets(shapes: Sequence[Shape]) -> list[list[int]]:
    """The clips that may stand in one batch: those of one shape."""
    found: dict[Shape, list[int]] = {}
    for index, shape in enumerate(shapes):
        found.setdefault(shape, []).append(index)
    return list(found.values())


def batch_of(step: int, groups: Sequence[Sequence[int]], size: int, seed: int) -> list[int]:
    """The clips of the step-th batch. An epoch shows every clip at least once, in a new order; a
    group that leaves a batch unfilled starts over from its first clips in that order."""
    per_epoch = sum(-(-len(group) // size) for group in groups)
    epoch, place = divmod(step, per_epoch)
    generator = generator_for(seed, 0, epoch)
    batches: list[list[int]] = []
    for group in groups:
        order = [group[i] for i in torch.randperm(len(group), generator=generator).tolist()]
        for start in range(0, len(order), size):
            batches.append([order[(start + i) % len(order)] for i in range(size)])
    return batches[int(torch.randperm(per_epoch, generator=generator)[place])]


@dataclass(frozen=True)
class Batch:
    """What one forward pass needs.   clean, noise: b f 4 h w;   t: b;   text: b t c;   pooled: b c;
    anchor: b, the frame that the debiased loss subtracts"""

    clean: Tensor
    noise: Tensor
    t: Tensor
    text: Tensor
    pooled: Tensor | None
    anchor: Tensor
    names: list[str]

    def share(self, rank: int, count: int) -> Batch:
        """The part of process `rank` of `count`; the parts together are the batch."""
        part = slice(rank, None, count)
        pooled = None if self.pooled is None else self.pooled[part]
        return Batch(
            self.clean[part],
            self.noise[part],
            self.t[part],
            self.text[part],
            pooled,
            self.anchor[part],
            self.names[part],
        )


def draw(
    clips: Clips,
    groups: Sequence[Sequence[int]],
    step: int,
    settings: TrainingSettings,
    single_frames: bool,
) -> Batch:
    """The batch of forward pass `step`."""
    indices = batch_of(step, groups, settings.batch_size, settings.seed)
    generator = generator_for(settings.seed, 1, step)
    latents = [clips.latents(i) for i in indices]
    frames = torch.randint(latents[0].shape[0], (len(indices),), generator=generator)
    if single_frames:
        latents = [
            clip[frame : frame + 1] for clip, frame in zip(latents, frames.tolist(), strict=True)
        ]
    clean = torch.stack(latents).float()
    dropped = torch.rand(len(indices), generator=generator) < settings.caption_dropout
    texts = [
        clips.text("" if drop else clips.caption(i))
        for i, drop in zip(indices, dropped.tolist(), strict=True)
    ]
    pooled = [text.pooled for text in texts if text.pooled is not None]
    return Batch(
        clean,
        noise_like(clean, settings.noise_offset, generator),
        torch.randint(
            settings.min_timestep, settings.max_timestep, (len(indices),), generator=generator
        ),
        stack_texts([text.embedding for text in texts]),
        torch.stack(pooled) if pooled else None,
        torch.zeros_like(frames) if single_frames else frames,
        [clips.name(i) for i in indices],
    )


def noise_like(clean: Tensor, offset: float, generator: torch.Generator) -> Tensor:
    """Noise of every frame and pixel its own; the offset is one number for a clip's channel, so
    that it does not flicker.   b f c h w"""
    noise = torch.randn(clean.shape, generator=generator)
    if offset:
        b, _, c = clean.shape[:3]
        noise = noise + offset * torch.randn((b, 1, c, 1, 1), generator=generator)
    return noise


def stack_texts(embeddings: list[Tensor]) -> Tensor:
    """each t c -> b t c; shorter texts are repeated as a whole, which attention over them does not
    notice."""
    tokens = int(np.lcm.reduce([text.shape[0] for text in embeddings]))
    return torch.stack([text.repeat(tokens // text.shape[0], 1) for text in embeddings])
