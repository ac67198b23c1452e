"""Clips cut from videos and image sequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .animations import decode_animation, decode_animation_at
from .captions import captions_of, choices_of, mirrored
from .clip_starts import Room, rate_of, rooms, starts
from .clips import ClipSet, bucket_size, reduction
from .display import Picture
from .medium import MediumError, told_apart
from .pictures import read_images
from .probes import Probe, Probes, probe_all
from .sources import Source, find_sources
from .video_settings import ALL, VideoSettings
from .videos import decode, decode_at
from .walk import MayRead, anything


@dataclass(frozen=True)
class Cut:
    """One clip: where it starts in which video, in frames or milliseconds.   captions: each epoch
    draws one;   found: what is known of the video"""

    source: Source
    start: int
    number: int
    captions: tuple[str, ...]
    found: Probe
    room: Room


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
        sources = find_sources(source, may_read, settings.images)
        captions = captions_of(sources, settings.captions, settings.caption)
        pairs = [(s, c) for s, c in zip(sources, captions, strict=True) if c is not None]
        probed = probe_all([source for source, _ in pairs], probes or Probes())
        found = rooms(probed, settings)
        self.cuts = [
            Cut(
                source,
                start,
                number,
                choices_of(caption, settings.captions, settings.trigger),
                probed[source],
                found[source],
            )
            for source, caption in pairs
            if source in found
            for number, start in enumerate(starts(source.name, found[source], settings))
        ]

    def __len__(self) -> int:
        return len(self.cuts) * (2 if self.settings.mirror else 1)

    def name(self, index: int) -> str:
        cut, flipped = self._find(index)
        several = self.settings.clips_per_video > 1 or self.settings.choice == ALL
        number = f" #{cut.number + 1}" if several else ""
        return f"{cut.source.name}{number}{' (mirrored)' if flipped else ''}"

    def caption(self, index: int) -> str:
        return self.captions(index)[0]

    def captions(self, index: int) -> tuple[str, ...]:
        cut, flipped = self._find(index)
        return tuple(map(mirrored, cut.captions)) if flipped else cut.captions

    def fps(self, index: int) -> float:
        """To a tenth where frames are counted: times are known in whole milliseconds."""
        cut = self._find(index)[0]
        if cut.room.frames == 1:
            return 0.0
        return self.settings.fps or round(rate_of(cut.found) / self.stride, 1)

    def description(self) -> dict[str, Any]:
        files = {cut.source: "\n".join(cut.captions) for cut in self.cuts}
        return {
            "source": str(self.folder),
            **self.settings.description(),
            "files": [{**file.state(), "caption": caption} for file, caption in files.items()],
        }

    def identity(self, index: int) -> dict[str, Any]:
        cut, flipped = self._find(index)
        settings = self.settings
        return {
            "content": cut.found.content,
            "start": cut.start,
            "frames": cut.room.frames,
            **({"fps": settings.fps} if cut.room.by_time else {"stride": self.stride}),
            "size": [settings.width, settings.height],
            "aspect_buckets": settings.aspect_buckets,
            "mirrored": flipped,
        }

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        settings = self.settings
        if settings.aspect_buckets:
            return bucket_size(height, width, settings.height * settings.width)
        return settings.height, settings.width

    @property
    def stride(self) -> int:
        """Where frames are counted; images that have no times are at the rate wanted."""
        return 1 if self.settings.fps or self.settings.images else self.settings.stride

    def reduction(self, height: int, width: int) -> int:
        """What a picture's sides are divided by as it is read."""
        size = self.training_size(height, width)
        return reduction(height, width, *size, self.settings.lengths[0])

    def frame_count(self, index: int) -> int:
        return self._find(index)[0].room.frames

    def frames(self, index: int) -> Iterator[Tensor]:
        cut, flipped = self._find(index)
        with told_apart(cut.source.name, cut.source.files):
            for picture in self._pictures(cut):
                frame = torch.from_numpy(picture).float() / 255.0
                yield frame.flip(1) if flipped else frame

    def _pictures(self, cut: Cut) -> Iterable[Picture]:
        source, frames = cut.source, cut.room.frames
        images = source.images()
        if images or source.path.is_dir():
            if len(images) != cut.found.frames:  # others would take their places
                raise MediumError(
                    f"{source.name} has {len(images)} images and had {cut.found.frames} when it "
                    "was looked at. Bring them back, or load the clips again."
                )
            chosen = images[cut.start :: self.stride][:frames]
            return read_images(chosen, source.name, self.reduction)
        file = source.path, source.name
        if cut.room.by_time:
            when = cut.start / 1000, self.settings.fps, frames
            read_at = decode_animation_at if source.is_animation() else decode_at
            return read_at(*file, *when, self.reduction)
        read = decode_animation if source.is_animation() else decode
        return read(*file, cut.start, self.stride, frames, self.reduction)

    def _find(self, index: int) -> tuple[Cut, bool]:
        """The clip's cut, and whether it is mirrored; the mirrored ones follow all the others."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.cuts[index % len(self.cuts)], index >= len(self.cuts)
