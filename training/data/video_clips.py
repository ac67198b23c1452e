"""Clips cut from videos and image sequences."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .animations import decode_animation
from .bad_share import is_share, names_of
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
from .probes import Probe, Probes, probe_all
from .sources import Source, find_sources
from .videos import decode
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
    """One clip: where it starts in which video.   content: the video's hash"""

    source: Source
    start: int
    number: int
    caption: str
    content: str


class VideoClips(ClipSet):
    """The videos and image sequences below a folder, or of a CSV in WebVid's columns.

    A clip's start is random within what fits, drawn from the seed and the file's name, so that it
    stays when other files come and go. Videos whose header cannot be read are named in a warning
    and left out; so are a few of many that lack captions or are too short. Raises ValueError when
    there are no clips, when more captions are missing or videos too short, and what `may_read`
    raises of a file that is not to be read. probes: what is remembered of files.
    """

    def __init__(
        self,
        source: Path,
        settings: VideoSettings,
        may_read: MayRead = anything,
        probes: Probes | None = None,
    ) -> None:
        settings.check()
        self.folder, self.settings = source, settings
        sources = find_sources(source, may_read)
        captions = captions_of(sources, settings.captions, settings.caption)
        pairs = [(s, c) for s, c in zip(sources, captions, strict=True) if c is not None]
        probed = long_enough(
            probe_all([source for source, _ in pairs], probes or Probes()), settings
        )
        self.cuts = [
            Cut(source, start, number, caption, probed[source].content)
            for source, caption in pairs
            if source in probed
            for number, start in enumerate(starts(source, probed[source].frames, settings))
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

    def identity(self, index: int) -> dict[str, Any]:
        cut, flipped = self._find(index)
        settings = self.settings
        return {
            "content": cut.content,
            "start": cut.start,
            "frames": settings.frames,
            "stride": settings.stride,
            "size": [settings.width, settings.height],
            "aspect_buckets": settings.aspect_buckets,
            "mirrored": flipped,
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


def long_enough(probed: dict[Source, Probe], settings: VideoSettings) -> dict[Source, Probe]:
    """The videos in which a clip fits. A few of many in which none does are named in a warning;
    raises ValueError for more."""
    short = [(s, found.frames) for s, found in probed.items() if found.frames < settings.span]
    if is_share(len(short), len(probed)):
        log.warning(
            "%d of %d videos have less than the %d frames that a clip reaches over, and are left "
            "out: %s.",
            len(short),
            len(probed),
            settings.span,
            names_of([source.name for source, _ in short]),
        )
    elif short:
        raise ValueError(too_short(short, len(probed), settings))
    return {s: found for s, found in probed.items() if found.frames >= settings.span}


def too_short(short: list[tuple[Source, int]], of: int, settings: VideoSettings) -> str:
    source, length = short[0]
    others = f" ({len(short)} of {of} are too short)" if of > 1 else ""
    return (
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
