"""Encoded clips that lie in memory, for tests of the training loop: moving blobs, each clip its
own."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..support.tiny import CONTEXT


@dataclass(frozen=True)
class Text:
    embedding: Tensor
    pooled: Tensor | None = None


@dataclass
class ClipsInMemory:
    """`count` clips of random, live latents; captions differ, as do frames."""

    count: int = 2
    frames: int = 4
    side: int = 8
    pooled: int = 0
    fingerprint: str = "in memory"
    pixels_fingerprint: str = "pixels in memory"
    rates: tuple[float, ...] = ()
    sizes: list[tuple[int, int]] = field(default_factory=list)
    was_read: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"clip {index}"

    def caption(self, index: int) -> str:
        return f"caption {index}"

    def captions(self, index: int) -> tuple[str, ...]:
        return (self.caption(index),)

    def shape(self, index: int) -> tuple[int, ...]:
        height, width = self.sizes[index] if self.sizes else (self.side, self.side)
        return (self.frames, 4, height, width)

    def latents(self, index: int) -> Tensor:
        self.was_read.append(index)
        return torch.randn(self.shape(index), generator=seeded(index))

    def frame(self, index: int, number: int) -> Tensor:
        return self.latents(index)[number : number + 1]

    def text(self, caption: str) -> Text:
        generator = seeded(1000 + sum(caption.encode()))
        embedding = torch.randn((7, CONTEXT), generator=generator)
        pooled = torch.randn((self.pooled,), generator=generator) if self.pooled else None
        return Text(embedding, pooled)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
