"""Axes: LoRAs that learn with a signed amount, so that -1 is the opposite of 1.

Each clip shows an axis by an amount from -1 to 1, and the LoRA's branch is multiplied by it:

    y = W x + s up(down(x)),   s the clip's amount

So the strength of the file and the amount of the move are one thing, what a move and its opposite
have in common cannot be learned, and both together are nothing. Several axes are trained at once as
blocks of one low-rank pair, each with its amount; they learn to go together. Sliders of image
models (Gandikota et al. 2023) are the precedent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Axes:
    """moves: of each axis the one that amounts above 0 are of, and the one below; amounts: of each
    axis in a clip, by the clip's name."""

    moves: tuple[tuple[str, str], ...]
    amounts: Mapping[str, Sequence[float]]


class Amounts:
    """What the branches of a call are multiplied by; one object, which all layers share.

    rank: of each axis. Outside of `of`, the first axis stands at 1 and the others at 0: what a
    preview shows.
    """

    def __init__(self, axes: Axes, rank: int) -> None:
        self.axes, self.rank = axes, rank
        self.clips: Tensor | None = None

    def __len__(self) -> int:
        return len(self.axes.moves)

    def rows(self, names: Sequence[str]) -> Tensor:
        """Of the clips of a batch.   -> b a"""
        return torch.tensor([self.axes.amounts[name] for name in names], dtype=torch.float32)

    @contextmanager
    def of(self, amounts: Tensor) -> Iterator[None]:
        """The amounts of a batch, for its backward pass too.   amounts: b a"""
        self.clips = amounts
        try:
            yield
        finally:
            self.clips = None

    def scaled(self, low: Tensor) -> Tensor:
        """low: (b n) ... (a r), with the clips slowest -> the same"""
        clips = self.clips
        if clips is None:
            clips = torch.zeros((1, len(self)))
            clips[0, 0] = 1.0
        rows = clips.to(low).repeat_interleave(self.rank, 1)
        rows = rows.repeat_interleave(low.shape[0] // len(rows), 0)
        return low * rows.view(len(rows), *[1] * (low.ndim - 2), -1)


def axis_tensors(
    tensors: Mapping[str, Tensor], moves: Sequence[tuple[str, str]]
) -> dict[str, dict[str, Tensor]]:
    """The files of a LoRA whose pairs are blocks of axes: one of each move, by its name. A move and
    its opposite differ by the sign of one factor.

    tensors: `...down.weight`: (a r) in;   `...up.weight`: out (a r)
    """
    found: dict[str, dict[str, Tensor]] = {move: {} for axis in moves for move in axis}
    for name, tensor in tensors.items():
        is_up = name.endswith("up.weight")
        blocks = tensor.chunk(len(moves), 1 if is_up else 0)
        for (move, other), block in zip(moves, blocks, strict=True):
            found[move][name] = block.contiguous()
            found[other][name] = -block if is_up else block.contiguous()
    return found
