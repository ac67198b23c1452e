"""Some clips of a set, the others left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from .clips import Clip, ClipSet
from .joined_clips import JoinedClips, Part, parts_of


class Place(NamedTuple):
    """Where a clip stands: in which part of joined sets, and its number there."""

    part: int
    index: int


class ChosenClips(ClipSet):
    """Those of a set that have these numbers, each with its name and identity."""

    def __init__(self, clips: ClipSet, kept: Sequence[int]) -> None:
        self.clips, self.kept = clips, tuple(kept)

    def __len__(self) -> int:
        return len(self.kept)

    def name(self, index: int) -> str:
        return self.clips.name(self.kept[index])

    def caption(self, index: int) -> str:
        return self.clips.caption(self.kept[index])

    def captions(self, index: int) -> tuple[str, ...]:
        return self.clips.captions(self.kept[index])

    def fps(self, index: int) -> float:
        return self.clips.fps(self.kept[index])

    def description(self) -> dict[str, Any]:
        return {"chosen": list(self.kept), "of": self.clips.description()}

    def identity(self, index: int) -> dict[str, Any]:
        return self.clips.identity(self.kept[index])

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        return self.clips.training_size(height, width)

    def frames(self, index: int) -> Iterator[Tensor]:
        return self.clips.frames(self.kept[index])

    def frame_count(self, index: int) -> int:
        return self.clips.frame_count(self.kept[index])

    def read(self, index: int) -> Clip:
        return self.clips.read(self.kept[index])


def places(clips: ClipSet) -> list[Place]:
    """Every clip once, however often it is repeated."""
    return [
        Place(number, index)
        for number, part in enumerate(parts_of(clips))
        for index in range(len(part.clips))
    ]


def without(clips: ClipSet, left_out: Collection[Place]) -> ClipSet:
    """The other clips. Raises ValueError when there are none."""
    if not left_out:
        return clips
    kept: list[Part] = []
    for number, part in enumerate(parts_of(clips)):
        rest = [i for i in range(len(part.clips)) if Place(number, i) not in left_out]
        if rest:
            kept.append(Part(ChosenClips(part.clips, rest), part.repeats))
    if not kept:
        raise ValueError(
            f"All {len(left_out)} clips would be left out. Set leave_out to nothing, or choose "
            "other clips."
        )
    return JoinedClips(kept) if isinstance(clips, JoinedClips) else kept[0].clips
