"""Encoded clips for benchmarks of training, without a cache."""

from __future__ import annotations

from typing import Any

TOKENS, TEXT = 77, 768
"""Of SD1.5's text encoder: tokens, and the features of each."""


class OneClip:
    """Encoded clips with live latents, as the cache gives them."""

    fingerprint, pixels_fingerprint, rates = "benchmark", "benchmark", ()

    def __init__(self, frames: int, latent: int, count: int) -> None:
        import torch

        self.count = count
        self.clip = torch.randn((frames, 4, latent, latent))
        self.embedding = torch.randn((TOKENS, TEXT))
        self.pooled = None
        self.captions = lambda index: ("a caption",)

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"clip {index}"

    def caption(self, index: int) -> str:
        return "a caption"

    def shape(self, index: int) -> tuple[int, ...]:
        return tuple(self.clip.shape)

    def latents(self, index: int) -> Any:
        return self.clip

    def frame(self, index: int, number: int) -> Any:
        return self.clip[number : number + 1]

    def text(self, caption: str) -> Any:
        return self
