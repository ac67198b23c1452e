"""Encoded clips without the single images among them, or with these at the end, for the stages that
train motion."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from torch import Tensor

from .batches import Clips, EncodedText

log = logging.getLogger(__name__)


class SomeClips:
    """Those of a set that have these numbers. Its fingerprints stay, as does what it is."""

    def __init__(self, clips: Clips, kept: Sequence[int]) -> None:
        self.clips, self.kept = clips, kept
        self.fingerprint, self.pixels_fingerprint = clips.fingerprint, clips.pixels_fingerprint
        self.rates = clips.rates

    def __len__(self) -> int:
        return len(self.kept)

    def name(self, index: int) -> str:
        return self.clips.name(self.kept[index])

    def caption(self, index: int) -> str:
        return self.clips.caption(self.kept[index])

    def captions(self, index: int) -> Sequence[str]:
        return self.clips.captions(self.kept[index])

    def shape(self, index: int) -> tuple[int, ...]:
        return self.clips.shape(self.kept[index])

    def latents(self, index: int) -> Tensor:
        return self.clips.latents(self.kept[index])

    def frame(self, index: int, number: int) -> Tensor:
        return self.clips.frame(self.kept[index], number)

    def text(self, caption: str) -> EncodedText:
        return self.clips.text(caption)


def moving_clips(clips: Clips) -> Clips:
    """Without those of one frame, which show no motion. A set of such alone comes back whole."""
    kept = [index for index in range(len(clips)) if clips.shape(index)[0] > 1]
    if not kept or len(kept) == len(clips):
        return clips
    log.info(
        "%d of %d clips are single images, which show no motion; it is trained without them. "
        "keep_images shows them too.",
        len(clips) - len(kept),
        len(clips),
    )
    return SomeClips(clips, kept)


def images_last(clips: Clips) -> Clips:
    """All of them, those of one frame behind the others: previews and what is measured of motion
    take the first."""
    order = sorted(range(len(clips)), key=lambda index: clips.shape(index)[0] == 1)
    return clips if order == list(range(len(clips))) else SomeClips(clips, order)
