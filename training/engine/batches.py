"""What a forward pass sees: clips, noise, timesteps; drawn from the seed and the pass alone.

A step's numbers depend on nothing that came before it. So a run can be resumed at any step, one
process draws what many share, and a step can be replayed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .batch_order import BatchOrder, generator_for
from .config import TrainingSettings

ALL = slice(None)

GOLDEN_RATIO = (5**0.5 - 1) / 2


class EncodedText(Protocol):
    """A caption as the text encoder gives it.   embedding: t c;   pooled: c, SDXL's, or None"""

    @property
    def embedding(self) -> Tensor: ...
    @property
    def pooled(self) -> Tensor | None: ...


class Clips(Protocol):
    """Encoded clips, as cache.py keeps them; a thread reads them.   latents: f 4 h w, as the VAE
    gave them;   frame: one of them, 1 4 h w;   captions: each epoch shows a clip with one of them;
    pixels_fingerprint: of all but the captions;   rates: frames a second that clips show, each
    once, where they are known"""

    @property
    def fingerprint(self) -> str: ...
    @property
    def pixels_fingerprint(self) -> str: ...
    @property
    def rates(self) -> Sequence[float]: ...
    def __len__(self) -> int: ...
    def name(self, index: int) -> str: ...
    def caption(self, index: int) -> str: ...
    def captions(self, index: int) -> Sequence[str]: ...
    def shape(self, index: int) -> tuple[int, ...]: ...
    def latents(self, index: int) -> Tensor: ...
    def frame(self, index: int, number: int) -> Tensor: ...
    def text(self, caption: str) -> EncodedText: ...


@dataclass(frozen=True)
class Batch:
    """What one forward pass needs.   clean, noise: b f 4 h w;   t: b;   text: b t c;   pooled: b c;
    anchor: b, the frame that the debiased loss subtracts;   perturbation: b f 4 h w, what is added
    to the noise and not asked back, or None;   picture: b 4 h w, affinity: b f, what PIA is shown
    (picture_draw.py), or None"""

    clean: Tensor
    noise: Tensor
    t: Tensor
    text: Tensor
    pooled: Tensor | None
    anchor: Tensor
    names: list[str]
    perturbation: Tensor | None = None
    picture: Tensor | None = None
    affinity: Tensor | None = None

    def pinned(self) -> Batch:
        """In memory that a GPU can copy from while the computer goes on."""
        tensors = {
            name: value.pin_memory() for name, value in vars(self).items() if torch.is_tensor(value)
        }
        return replace(self, **tensors)


def draw(
    clips: Clips,
    order: BatchOrder,
    place: int,
    settings: TrainingSettings,
    single_frames: bool,
    part: slice = ALL,
) -> Batch:
    """The batch of forward pass `place`, or the part of it that is one process's.

    Numbers are drawn for all of it, so that the parts of many processes together are the batch that
    one alone has; latents and texts are read for the part.
    """
    indices = order.batch(place)
    generator = generator_for(settings.seed, 1, place)
    shape = clips.shape(indices[0])
    frames = torch.randint(shape[0], (len(indices),), generator=generator)
    dropped = torch.rand(len(indices), generator=generator) < settings.caption_dropout
    whole = (len(indices), 1 if single_frames else shape[0], *shape[1:])
    noise = noise_of(whole, settings.noise_offset, generator)
    t = timesteps(settings, place, len(indices), generator)
    own, frames = indices[part], frames[part]
    if single_frames:
        latents = [clips.frame(i, frame) for i, frame in zip(own, frames.tolist(), strict=True)]
    else:
        latents = [clips.latents(i) for i in own]
    texts = [
        clips.text("" if drop else caption_of(clips, i, order.epoch_of(place), settings.seed))
        for i, drop in zip(own, dropped[part].tolist(), strict=True)
    ]
    pooled = [text.pooled for text in texts if text.pooled is not None]
    return Batch(
        torch.stack(latents).float(),
        noise[part],
        t[part],
        stack_texts([text.embedding for text in texts]),
        torch.stack(pooled) if pooled else None,
        torch.zeros_like(frames) if single_frames else frames,
        [clips.name(i) for i in own],
        perturbation_of(whole, settings, place, part),
    )


def perturbation_of(
    shape: tuple[int, ...], settings: TrainingSettings, place: int, part: slice
) -> Tensor | None:
    """Noise of every frame its own (input perturbation, Ning et al. 2023): what flickers in x_t is
    then an error and no content. Drawn apart, so that it changes nothing else."""
    if not settings.input_perturbation:
        return None
    generator = generator_for(settings.seed, 4, place)
    return settings.input_perturbation * torch.randn(shape, generator=generator)[part]


def both_ways(batch: Batch) -> Batch:
    """Each clip, and behind them each once more from its end to its beginning, its noise with it: a
    camera over still things then moves the other way, and nothing else differs.   b -> 2b"""

    def twice(tensor: Tensor) -> Tensor:
        return torch.cat((tensor, tensor))

    last, more = batch.clean.shape[1] - 1, batch.perturbation
    return Batch(
        torch.cat((batch.clean, batch.clean.flip(1))),
        torch.cat((batch.noise, batch.noise.flip(1))),
        twice(batch.t),
        twice(batch.text),
        None if batch.pooled is None else twice(batch.pooled),
        torch.cat((batch.anchor, last - batch.anchor)),
        [*batch.names, *batch.names],
        None if more is None else torch.cat((more, more.flip(1))),
    )


def caption_of(clips: Clips, index: int, epoch: int, seed: int) -> str:
    """The one of a clip's captions that an epoch shows it with, drawn from seed and epoch."""
    captions = clips.captions(index)
    if len(captions) == 1:
        return captions[0]
    generator = generator_for(seed, 4, epoch, index)
    return captions[int(torch.randint(len(captions), (1,), generator=generator))]


def timesteps(
    settings: TrainingSettings, place: int, count: int, generator: torch.Generator
) -> Tensor:
    """The noise levels of forward pass `place`.   -> b, min_timestep up to before max_timestep

    Even: multiples of the golden ratio modulo 1, from a start that the seed decides (a Kronecker
    sequence; Niederreiter 1992, section 3.1). However many in a row are taken, of one batch, of a
    step's passes or of several steps, they lie evenly, so the loss varies less by chance.
    """
    least, most = settings.min_timestep, settings.max_timestep
    if settings.timestep_draw == "independent":
        return torch.randint(least, most, (count,), generator=generator)
    start = torch.rand(1, generator=generator_for(settings.seed, 3), dtype=torch.float64)
    drawn = (start + (place * count + torch.arange(count)) * GOLDEN_RATIO) % 1
    return least + (drawn * (most - least)).long()


def noise_of(shape: tuple[int, ...], offset: float, generator: torch.Generator) -> Tensor:
    """Noise of every frame and pixel its own; the offset is one number for a clip's channel, so
    that it does not flicker.   b f c h w"""
    noise = torch.randn(shape, generator=generator)
    if offset:
        b, _, c = shape[:3]
        noise = noise + offset * torch.randn((b, 1, c, 1, 1), generator=generator)
    return noise


def stack_texts(embeddings: list[Tensor]) -> Tensor:
    """each t c -> b t c; shorter texts are repeated as a whole, which attention over them does not
    notice."""
    tokens = int(np.lcm.reduce([text.shape[0] for text in embeddings]))
    return torch.stack([text.repeat(tokens // text.shape[0], 1) for text in embeddings])
