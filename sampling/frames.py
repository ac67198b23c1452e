"""The frames of a latent, and one entry for each: of batches shorter or longer than the video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

Latent = dict[str, Any]
"""ComfyUI's LATENT; samples: f c h w."""


def samples_of(latent: Latent) -> Tensor:
    """-> f c h w. Raises ValueError for a latent whose batch is not the frames."""
    samples = latent["samples"]
    if samples.ndim != 4:
        raise ValueError(
            f"This latent has the shape {list(samples.shape)}, of a video model; AnimateDiff's are "
            "batches of images, f c h w. Use VAE Encode or an SD1.5 or SDXL sampler."
        )
    return samples


def frames_of(batch: Tensor, window: Sequence[int]) -> Tensor:
    """batch: m ... -> the entries of the window's frames, l ...; one entry stays one.

    Frame i has entry i modulo m, as where ComfyUI repeats a batch from its start.
    """
    if batch.ndim == 0 or batch.shape[0] == 1:
        return batch
    index = torch.tensor([frame % batch.shape[0] for frame in window], device=batch.device)
    return batch.index_select(0, index)
