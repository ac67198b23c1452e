"""Which frame of a clip PIA is shown as its picture, drawn from the seed and the pass alone."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .batch_order import generator_for
from .batches import Batch
from .config import TrainingSettings
from .likeness import Likeness

FIRST = "first"


def with_drawn_pictures(
    batch: Batch, likeness: Likeness, settings: TrainingSettings, place: int, part: slice
) -> Batch:
    """A batch, or one process's part of it, with the pictures of forward pass `place`.

    Numbers are drawn for all of it and apart from the others, as perturbation_of does. A share of
    the clips is shown none (train.py of open-mmlab/PIA, which drops whole batches).
    """
    generator = generator_for(settings.seed, 6, place)
    count = settings.batch_size
    frames = torch.randint(batch.clean.shape[1], (count,), generator=generator)
    shown = torch.rand(count, generator=generator) >= settings.picture_dropout
    return with_pictures(batch, likeness, picture_frames(frames, settings)[part], shown[part])


def picture_frames(frames: Tensor, settings: TrainingSettings) -> Tensor:
    """Where the picture stands in each clip: as drawn, or always first."""
    return torch.zeros_like(frames) if settings.picture_frame == FIRST else frames


def with_pictures(batch: Batch, likeness: Likeness, frames: Tensor, shown: Tensor) -> Batch:
    """frames: b, the picture's in each clip;   shown: b, whether the clip is shown it"""
    kept = shown.float()
    pictures = batch.clean[torch.arange(len(frames)), frames]
    return replace(
        batch,
        picture=pictures * kept.view(-1, 1, 1, 1),
        affinity=likeness.affinity(batch.clean, frames) * kept.unsqueeze(1),
    )
