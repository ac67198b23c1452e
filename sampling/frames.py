"""One entry a frame: batches that are shorter or longer than the video."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def frames_of(batch: Tensor, window: Sequence[int]) -> Tensor:
    """batch: m ... -> the entries of the window's frames, l ...; one entry stays one.

    Frame i has entry i modulo m, as where ComfyUI repeats a batch from its start.
    """
    if batch.ndim == 0 or batch.shape[0] == 1:
        return batch
    index = torch.tensor([frame % batch.shape[0] for frame in window], device=batch.device)
    return batch.index_select(0, index)
