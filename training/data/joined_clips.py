"""Several sets of clips as one, each with settings of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from torch import Tensor

from .clips import Clip, ClipSet


class Part(NamedTuple):
    """repeats: how often an epoch shows each of its clips"""

    clips: ClipSet
    repeats: int = 1


class JoinedClips(ClipSet):
    """The clips of its parts one behind the other, a part's as often as it is repeated.

    Each clip keeps its name and identity, so that it is encoded once, whatever it is joined with
    and however often it is repeated.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        self._ends = list(accumulate(len(clips) * repeats for clips, repeats in self.parts))

    def each(self, change: Callable[[ClipSet], ClipSet]) -> JoinedClips:
        """With every part changed, by a camera that moves over its clips for one."""
        return JoinedClips([Part(change(clips), repeats) for clips, repeats in self.parts])

    def __len__(self) -> int:
        return self._ends[-1]

    def _find(self, index: int) -> tuple[ClipSet, int]:
        """The set that a clip is of, and its number in it."""
        number = self.part(index)
        clips, start = self.parts[number].clips, self._ends[number - 1] if number else 0
        return clips, (index - start) % len(clips)

    def part(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return bisect_right(self._ends, index)

    def name(self, index: int) -> str:
        clips, own = self._find(index)
        return clips.name(own)

    def caption(self, index: int) -> str:
        clips, own = self._find(index)
        return clips.caption(own)

    def captions(self, index: int) -> tuple[str, ...]:
        clips, own = self._find(index)
        return clips.captions(own)

    def fps(self, index: int) -> float:
        clips, own = self._find(index)
        return clips.fps(own)

    def description(self) -> dict[str, Any]:
        return {"joined": [[clips.description(), repeats] for clips, repeats in self.parts]}

    def identity(self, index: int) -> dict[str, Any]:
        clips, own = self._find(index)
        return clips.identity(own)

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        raise NotImplementedError("the parts of joined clips have sizes of their own: see `each`")

    def frames(self, index: int) -> Iterator[Tensor]:
        clips, own = self._find(index)
        return clips.frames(own)

    def frame_count(self, index: int) -> int:
        clips, own = self._find(index)
        return clips.frame_count(own)

    def read(self, index: int) -> Clip:
        clips, own = self._find(index)
        return clips.read(own)


def joined(before: ClipSet | None, clips: ClipSet, repeats: int = 1) -> ClipSet:
    """Clips behind those of `before`. Raises ValueError for repeats below 1."""
    if repeats < 1:
        raise ValueError(f"repeats is {repeats}; set it to 1 or more.")
    if before is None and repeats == 1:
        return clips
    own = [Part(part.clips, part.repeats * repeats) for part in parts_of(clips)]
    return JoinedClips([*parts_of(before), *own])


def parts_of(clips: ClipSet | None) -> Sequence[Part]:
    if clips is None:
        return ()
    return clips.parts if isinstance(clips, JoinedClips) else (Part(clips),)
