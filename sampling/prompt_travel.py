"""Prompts that change over the frames: keyframes -> one text embedding a frame.

Each frame is a blend of two texts: the prompts of the keyframes round it, with the expressions in
them computed for the frame itself.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor

from .easings import EASINGS
from .expressions import Number
from .prompt_parts import at_frame

log = logging.getLogger(__name__)

Conditioning = list[list[Any]]
"""ComfyUI's: [embedding, its other values] for each range of sampling steps; one without ranges."""

Blend = tuple[int, int, float]
"""Of one frame: the places of two texts, and its way from the first to the second, 0 to 1."""

MOST_REPEATS = 4
"""Times the longest prompt's tokens that every frame may carry; ComfyUI has the same bound where it
puts prompts of several lengths into one call (comfy/conds.py)."""


@dataclass(frozen=True)
class Travel:
    """texts: what is encoded, each once; blends: one of each frame, with places in `texts`."""

    texts: tuple[str, ...]
    blends: tuple[Blend, ...]


def plan_travel(
    keyframes: Sequence[tuple[int, str]],
    frames: int,
    interpolation: str,
    values: Mapping[str, Sequence[Number]] | None = None,
) -> Travel:
    """Which texts the frames are blended from.

    keyframes: (frame, prompt) in the order of frames, the first at 0. values: of pw_a to pw_d, one
    a frame; the last one holds. Raises ValueError for an unknown interpolation, and for an
    expression that has no value at a frame.
    """
    starts = [frame for frame, _ in keyframes]
    places: dict[str, int] = {}
    blends = []
    for frame in range(frames):
        first, second, way = blend_at(frame, starts, interpolation)
        known: dict[str, Number] = {"t": frame, "max_f": frames - 1}
        for name, series in (values or {}).items():
            known[name] = series[min(frame, len(series) - 1)]
        ends = [first, second] if way else [first]
        texts = [at_frame(keyframes[end][1], known) for end in ends]
        found = [places.setdefault(text, len(places)) for text in texts]
        blends.append((found[0], found[-1], way))
    return Travel(tuple(places), tuple(blends))


def blend_at(frame: int, keyframes: Sequence[int], interpolation: str) -> tuple[int, int, float]:
    """Which two keyframes (their places in the list) a frame lies between, and its way to the
    second.

    Behind the last keyframe its prompt stays. Raises ValueError for an unknown interpolation.
    """
    if interpolation not in [*EASINGS]:
        raise ValueError(
            f"{interpolation!r} is no interpolation; choose one of {', '.join(EASINGS)}."
        )
    before = bisect_right(keyframes, frame) - 1
    if before + 1 == len(keyframes):
        return before, before, 0.0
    way = (frame - keyframes[before]) / (keyframes[before + 1] - keyframes[before])
    return before, before + 1, EASINGS[interpolation](way)


def warn_of_unseen(keyframes: Sequence[tuple[int, str]], frames: int, interpolation: str) -> None:
    """A warning for prompts that no frame sees, not even on its way to them."""
    starts = [frame for frame, _ in keyframes]
    first, second, way = blend_at(frames - 1, starts, interpolation)
    unseen = starts[(second if way else first) + 1 :]
    if unseen:
        log.warning(
            "The prompts at frame %s are not seen: the video has %d frames, 0 to %d. Raise frames "
            "to the batch_size of the latent, or move these prompts forward.",
            ", ".join(map(str, unseen)),
            frames,
            frames - 1,
        )


def travel_conditionings(texts: Sequence[Conditioning], blends: Sequence[Blend]) -> Conditioning:
    """The texts of a Travel, encoded -> one conditioning that holds an embedding a frame.

    Text encoders whose weights change over the sampling steps (Set CLIP Hooks) give an entry for
    each range of steps, the same ranges for every text: each range has a travel of its own. What an
    entry holds beside text and pooled text is the first text's.
    """
    return [travel_entries(entries, blends) for entries in zip(*texts, strict=True)]


def travel_entries(entries: Sequence[list[Any]], blends: Sequence[Blend]) -> list[Any]:
    """[1 t c, {pooled_output: 1 c, ...}] of each text -> [frames t c, {frames c, ...}]"""
    embeddings, others = zip(*entries, strict=True)
    values = dict(others[0])
    if values.get("pooled_output") is not None:
        values["pooled_output"] = travel([other["pooled_output"] for other in others], blends)
    return [travel(same_length(embeddings), blends), values]


def travel(embeddings: Sequence[Tensor], blends: Sequence[Blend]) -> Tensor:
    """One embedding a frame, blended of two.   each 1 t c -> frames t c

    Raises ValueError where memory does not hold them, and ComfyUI's InterruptProcessingException
    after Cancel.
    """
    check_memory(embeddings[0], len(blends))
    rows = embeddings[0].new_empty((len(blends), *embeddings[0].shape[1:]))
    for row, (first, second, way) in zip(rows, blends, strict=True):
        throw_exception_if_processing_interrupted()
        start, end = embeddings[first][0], embeddings[second][0]
        row.copy_(start if way == 0.0 else torch.lerp(start, end, way))
    return rows


def check_memory(embedding: Tensor, count: int) -> None:
    """Raise ValueError where so many embeddings do not fit into memory.   embedding: 1 t c"""
    needed, free = count * embedding.nbytes, psutil.virtual_memory().available
    if needed > free:
        raise ValueError(
            f"The prompts of {count} frames need {needed / 1e9:.1f} GB of memory, and "
            f"{free / 1e9:.1f} GB are free. Set frames to the batch_size of the latent, or write "
            "shorter prompts."
        )


def same_length(embeddings: Sequence[Tensor]) -> list[Tensor]:
    """Text embeddings repeated to one number of tokens.   each 1 t c

    Attention over a text that is repeated as a whole gives what attention over the text gives, so a
    frame at its keyframe sees exactly its prompt. Where that would take more than MOST_REPEATS
    times the longest, the last repetition of some breaks off, which a warning tells: their first
    chunks then count for more, by one repetition in four at the most.
    """
    lengths = [embedding.shape[1] for embedding in embeddings]
    tokens = common_length(lengths)
    uneven = max(unevenness(length, tokens) for length in lengths)
    if uneven:
        log.warning(
            "Prompts of %s tokens have no common length of at most %d times the longest, so parts "
            "of some count for up to %.0f %% more. Make the prompts about equally long.",
            ", ".join(map(str, sorted(set(lengths)))),
            MOST_REPEATS,
            100 * uneven,
        )
    return [e.repeat(1, -(-tokens // e.shape[1]), 1)[:, :tokens] for e in embeddings]


def common_length(lengths: Sequence[int]) -> int:
    """The least common multiple, if it is at most MOST_REPEATS times the longest; otherwise, of all
    lengths up to there, the one that repeats most evenly. Whole chunks of the tokenizer either
    way."""
    exact, longest = math.lcm(*lengths), max(lengths)
    if exact <= MOST_REPEATS * longest:
        return exact
    possible = range(longest, MOST_REPEATS * longest + 1, math.gcd(*lengths))
    return min(possible, key=lambda tokens: max(unevenness(n, tokens) for n in lengths))


def unevenness(length: int, tokens: int) -> float:
    """By how much the tokens that are repeated once more than others count for more."""
    repeats, rest = divmod(tokens, length)
    return 1 / repeats if rest else 0.0
