"""Clips cut from videos and image sequences."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import comfy.model_management
import torch
from torch import Tensor

from .animations import count_animation, decode_animation
from .captions import captions_of, mirrored
from .clips import (
    ClipSet,
    UnreadableClip,
    bucket_size,
    check_memory,
    check_size,
    reduction,
)
from .pictures import read_images
from .sources import Source, find_sources
from .videos import count_frames, decode
from .walk import MayRead, anything

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VideoSettings:
    """stride: video frames from one clip frame to the next.   mirror: each clip once more, mirrored
    (left and right change places in its caption).   aspect_buckets: each clip keeps about its
    shape, at the area of width x height."""

    frames: int = 16
    stride: int = 4
    width: int = 256
    height: int = 256
    captions: str = "sidecar"
    caption: str = ""
    seed: int = 0
    clips_per_video: int = 1
    mirror: bool = False
    aspect_buckets: bool = False

    @property
    def span(self) -> int:
        """Video frames that a clip reaches over."""
        return (self.frames - 1) * self.stride + 1

    def check(self) -> None:
        for name in ("frames", "stride", "clips_per_video"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; set it to 1 or more.")
        check_size(self.height, self.width)
        check_memory(self.frames, self.height, self.width)


@dataclass(frozen=True)
class Cut:
    """One clip: where it starts in which video."""

    source: Source
    start: int
    number: int
    caption: str


class VideoClips(ClipSet):
    """The videos and image sequences below a folder, or of a CSV in WebVid's columns.

    A clip's start is random within what fits, drawn from the seed and the file's name, so that it
    stays when other files come and go. Videos whose header cannot be read are named in a warning
    and left out. Raises ValueError when there are no clips, when captions are missing, and when a
    video is too short, and what `may_read` raises of a file that is not to be read.
    """

    def __init__(self, source: Path, settings: VideoSettings, may_read: MayRead = anything) -> None:
        settings.check()
        self.folder, self.settings = source, settings
        sources = find_sources(source, may_read)
        captions = captions_of(sources, settings.captions, settings.caption)
        lengths = probe(sources)
        check_lengths(lengths, settings)
        self.cuts = [
            Cut(source, start, number, caption)
            for source, caption in zip(sources, captions, strict=True)
            if source in lengths
            for number, start in enumerate(starts(source, lengths[source], settings))
        ]

    def __len__(self) -> int:
        return len(self.cuts) * (2 if self.settings.mirror else 1)

    def name(self, index: int) -> str:
        cut, flipped = self._find(index)
        number = f" #{cut.number + 1}" if self.settings.clips_per_video > 1 else ""
        return f"{cut.source.name}{number}{' (mirrored)' if flipped else ''}"

    def caption(self, index: int) -> str:
        cut, flipped = self._find(index)
        return mirrored(cut.caption) if flipped else cut.caption

    def description(self) -> dict[str, Any]:
        settings = asdict(self.settings)
        del settings["captions"], settings["caption"]
        files = {cut.source: cut.caption for cut in self.cuts}
        return {
            "source": str(self.folder),
            **settings,
            "files": [{**file.state(), "caption": caption} for file, caption in files.items()],
        }

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        settings = self.settings
        if settings.aspect_buckets:
            return bucket_size(height, width, settings.height * settings.width)
        return settings.height, settings.width

    def reduction(self, height: int, width: int) -> int:
        """What a picture's sides are divided by as it is read."""
        size = self.training_size(height, width)
        return reduction(height, width, *size, self.settings.frames)

    def frame_count(self, index: int) -> int:
        return self.settings.frames

    def frames(self, index: int) -> Iterator[Tensor]:
        cut, flipped = self._find(index)
        settings, source = self.settings, cut.source
        if images := source.images():
            chosen = images[cut.start : cut.start + settings.span : settings.stride]
            if len(chosen) < settings.frames:
                raise UnreadableClip(f"{source.name} has lost images; {len(images)} are left.")
            pictures = read_images(chosen, source.name, self.reduction)
        else:
            args = (cut.start, settings.stride, settings.frames, self.reduction)
            read = decode_animation if source.is_animation() else decode
            pictures = read(source.path, source.name, *args)
        for picture in pictures:
            frame = torch.from_numpy(picture).float() / 255.0
            yield frame.flip(1) if flipped else frame

    def _find(self, index: int) -> tuple[Cut, bool]:
        """The clip's cut, and whether it is mirrored; the mirrored ones follow all the others."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.cuts[index % len(self.cuts)], index >= len(self.cuts)


def probe(sources: list[Source]) -> dict[Source, int]:
    """Frames of each source that can be opened; the others are named in a warning. Raises
    ValueError when none can."""
    lengths: dict[Source, int] = {}
    first = None
    for source in sources:
        comfy.model_management.throw_exception_if_processing_interrupted()
        try:
            count = length_of(source)
            if count < 1:
                raise UnreadableClip(f"{source.name} holds no frames.")
            lengths[source] = count
        except UnreadableClip as error:
            first = first or error
            log.warning("%s It is left out.", error)
    if not lengths:
        raise ValueError(
            f"None of the {len(sources)} clips can be read: {first} Get the videos again, or "
            "convert them to .mp4."
        )
    return lengths


def length_of(source: Source) -> int:
    """Frames of a source. Raises UnreadableClip."""
    if images := source.images():
        return len(images)
    count = count_animation if source.is_animation() else count_frames
    return count(source.path, source.name)


def check_lengths(lengths: dict[Source, int], settings: VideoSettings) -> None:
    """Raise ValueError for videos in which no clip fits."""
    short = [(source, length) for source, length in lengths.items() if length < settings.span]
    if not short:
        return
    source, length = short[0]
    others = f" ({len(short)} of {len(lengths)} are too short)" if len(lengths) > 1 else ""
    raise ValueError(
        f"{source.name} has {length} {'frame' if length == 1 else 'frames'}, but "
        f"{settings.frames} frames at stride {settings.stride} need {settings.span}{others}. "
        f"{remedy(min(length for _, length in short), settings)}"
    )


def remedy(shortest: int, settings: VideoSettings) -> str:
    if shortest == 1:
        return (
            "A still has no motion to learn: take it out, set frames to 1 for a domain adapter, "
            "or make clips of stills with the node Move Camera."
        )
    stride = (shortest - 1) // max(1, settings.frames - 1)
    change = f"stride to {stride}" if stride else f"frames to {shortest} and stride to 1"
    return f"Set {change}, or take the short videos out."


def starts(source: Source, length: int, settings: VideoSettings) -> list[int]:
    """First frames of a video's clips, each drawn from its own part of what fits."""
    room, count = length - settings.span + 1, settings.clips_per_video
    random_of = random.Random(f"{settings.seed}/{source.name}")
    return [int((number + random_of.random()) * room / count) for number in range(count)]
