"""Single pictures of files as clips that hold still, for a camera to move over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from .clips import ClipSet


class HeldPictures(ClipSet):
    """Each clip of a set of single pictures, held for `length` frames. Pictures are of any size.

    Raises ValueError for a length below 2, in which nothing moves.
    """

    def __init__(self, pictures: ClipSet, length: int) -> None:
        if length < 2:
            raise ValueError(f"A camera moves over 2 frames or more, and frames is {length}.")
        self.pictures, self.length = pictures, length

    def __len__(self) -> int:
        return len(self.pictures)

    def name(self, index: int) -> str:
        return self.pictures.name(index)

    def caption(self, index: int) -> str:
        return self.pictures.caption(index)

    def captions(self, index: int) -> tuple[str, ...]:
        return self.pictures.captions(index)

    def description(self) -> dict[str, Any]:
        return {**self.pictures.description(), "held": self.length}

    def identity(self, index: int) -> dict[str, Any]:
        return {**self.pictures.identity(index), "held": self.length}

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        return self.pictures.training_size(height, width)

    def frame_count(self, index: int) -> int:
        return self.length

    def frames(self, index: int) -> Iterator[Tensor]:
        for picture in self.pictures.frames(index):
            for _ in range(self.length):
                yield picture
