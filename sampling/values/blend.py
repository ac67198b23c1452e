"""Two prompts blended frame by frame, as a value over the frames says."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..prompt_travel import Conditioning, same_length
from .over_time import OverTime, whole_frames

POOLED = "pooled_output"


def blend_prompts(
    first: Conditioning, second: Conditioning, value: OverTime, frames: int
) -> Conditioning:
    """The first prompt where the value is 0, the second where it is 1, one embedding a frame; also
    outside of 0 to 1, on the line through both.

    What an entry holds beside its text is the first prompt's. Raises ValueError for values that
    differ by pixel or step, for prompts that are no single ones, and for those of two encoders.
    """
    whole_frames(value, "A prompt")
    if value.by_step:
        raise ValueError(
            "A prompt is blended before sampling, but this strength differs by sampling step. Take "
            "per_step off Schedule Strength."
        )
    if len(first) != len(second):
        raise ValueError(
            f"The first prompt has {len(first)} parts and the second {len(second)}; they must have "
            "as many (one, but for combined prompts and schedules). Blend before you combine."
        )
    value.tell(frames)
    ways = value.over_frames(frames)
    pairs = zip(first, second, strict=True)
    return [blended(one, other, ways) for one, other in pairs]


def blended(first: list[Any], second: list[Any], ways: np.ndarray) -> list[Any]:
    """[1 or f t c, {...}] twice -> [f t c, {pooled_output: f c, ...}].   ways: f"""
    (text, others), (end, more) = first, second
    others = dict(others)
    if others.get(POOLED) is not None and more.get(POOLED) is not None:
        check_widths("pooled text", others[POOLED], more[POOLED])
        others[POOLED] = lerped(others[POOLED], more[POOLED], ways)
    check_widths("text", text, end)
    text, end = same_length([text, end])
    return [lerped(text, end, ways), others]


def check_widths(what: str, first: Tensor, second: Tensor) -> None:
    if first.shape[-1] != second.shape[-1]:
        raise ValueError(
            f"The first prompt's {what} is {first.shape[-1]} numbers wide and the second's "
            f"{second.shape[-1]}; both must come from one text encoder. Connect the same CLIP to "
            "the nodes that encode them."
        )


def lerped(start: Tensor, end: Tensor, ways: np.ndarray) -> Tensor:
    """start, end: 1 ... or f ...   -> f ..."""
    way = torch.from_numpy(ways).to(start).view(-1, *[1] * (start.ndim - 1))
    return torch.lerp(of_frames(start, len(ways)), of_frames(end, len(ways)).to(start), way)


def of_frames(batch: Tensor, frames: int) -> Tensor:
    """One entry a frame of 1 ... or m ...; behind the last it holds on."""
    return batch[[min(frame, len(batch) - 1) for frame in range(frames)]]
