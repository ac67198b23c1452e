"""The loss on clips that are held out of training: the honest curve of a run.

The training loss tells little of motion: each step sees other clips, other noise and other noise
levels. Here all three are the same at every look, and the clips are none of those that are learned.
"""

from __future__ import annotations

import hashlib
from contextlib import nullcontext

import torch
from torch import Tensor

from ..models.noise_schedule import diffuse
from .batch_order import generator_for
from .batches import Batch, noise_of
from .clip_loss import ClipLoss
from .losses import clip_errors
from .picture_draw import picture_frames, with_pictures

PARTS = 8
"""Of the noise schedule, each with a loss of its own."""

MOST = 16
"""Clips that the loss is measured on; PARTS forward passes each."""


@torch.no_grad()
def held_out_loss(loss: ClipLoss) -> tuple[float, ...]:
    """The mean squared error of the predicted noise in each of PARTS parts of the schedule, the
    weakest noise first; empty where no clip is held out. Unweighed, of the weights that stand in
    the network."""
    if not loss.held_out:
        return ()
    errors = torch.stack([errors_of(loss, index) for index in loss.held_out[:MOST]])
    return tuple(errors.mean(0).tolist())


def errors_of(loss: ClipLoss, index: int) -> Tensor:
    """Of one clip, which has its own noise and noise levels.   -> PARTS"""
    clips, trainee = loss.clips, loss.trainee
    generator = generator_for(loss.settings.seed, 5, *name_numbers(clips.name(index)))
    frames = clips.shape(index)[0]
    number = int(torch.randint(frames, (1,), generator=generator))
    clean = clips.frame(index, number) if trainee.single_frames else clips.latents(index)
    t = levels(len(trainee.signal), generator)
    noise = noise_of((PARTS, *clean.shape), 0.0, generator)
    found = [error_at(loss, index, clean.float(), noise[i], t[i], number) for i in range(PARTS)]
    return torch.stack(found)


def levels(steps: int, generator: torch.Generator) -> Tensor:
    """One noise level out of each part.   -> PARTS"""
    share = torch.rand(PARTS, generator=generator)
    return ((torch.arange(PARTS) + share) * steps / PARTS).long()


def name_numbers(name: str) -> tuple[int, ...]:
    """What stands for a name where places of a run are numbers."""
    return tuple(hashlib.sha256(name.encode()).digest()[:4])


def error_at(
    loss: ClipLoss, index: int, clean: Tensor, noise: Tensor, t: Tensor, picture: int
) -> Tensor:
    """One forward pass.   clean, noise: f 4 h w;   t: a number;   picture: the frame that PIA is
    shown, where it may be any"""
    text = loss.clips.text(loss.clips.caption(index))
    batch = Batch(
        clean[None],
        noise[None].to(loss.device),
        t[None],
        text.embedding[None],
        None if text.pooled is None else text.pooled[None],
        torch.zeros(1, dtype=torch.int64),
        [loss.clips.name(index)],
    )
    if loss.likeness is not None:
        frames = picture_frames(torch.tensor([picture]), loss.settings)
        batch = with_pictures(batch, loss.likeness, frames, torch.tensor([True]))
    signal = loss.trainee.signal[batch.t].float().to(loss.device)
    scaled = loss.inputs.scaled(batch.clean.to(loss.device))
    amounts, scaled_by = loss.trainee.amounts, nullcontext()
    if amounts is not None:
        scaled_by = amounts.of(amounts.rows(batch.names).to(loss.device))
    with loss.trainee.denoiser.animated(1, len(clean), loss.seen(batch)), scaled_by:
        predicted = loss.predicted(diffuse(scaled, batch.noise, signal), batch)
    return clip_errors(predicted, batch.noise)[0].cpu()
