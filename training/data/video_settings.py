"""What a source of clips cuts from its videos: lengths, speed, places, captions."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from .clips import check_memory, check_size

FIRST, RANDOM, UNIFORM, ALL = "first", "random", "uniform", "all"
CHOICES = (RANDOM, FIRST, UNIFORM, ALL)
"""Where clips lie in a video: each at random in its own part of what fits; one behind the other
from the beginning; evenly spread; one behind the other up to the end."""

FIRST_FIELDS = 10
"""Settings of the first version, which every description names."""


@dataclass(frozen=True)
class VideoSettings:
    """stride: video frames from one clip frame to the next, where fps is 0.   mirror: each clip
    once more, mirrored (left and right change places in its caption).   aspect_buckets: each clip
    keeps about its shape, at the area of width x height.

    fps: clip frames a second, chosen by the video's time stamps; 0 counts stored frames. The
    images of a sequence have no times; they are taken as being at that rate.
    choice: of CHOICES; `all` takes as many clips as there are, whatever clips_per_video says.
    frame_buckets: lengths in the place of `frames`; each video gives clips of the longest that it
    holds.   images: every picture below the source is a clip of one frame, and videos are none.
    trigger: words before each caption.
    """

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
    fps: float = 0.0
    choice: str = RANDOM
    frame_buckets: tuple[int, ...] = ()
    images: bool = False
    trigger: str = ""

    @property
    def lengths(self) -> tuple[int, ...]:
        """Frames that a clip may have, the most first."""
        if self.images:
            return (1,)
        return tuple(sorted(set(self.frame_buckets), reverse=True)) or (self.frames,)

    def span(self, frames: int) -> int:
        """Video frames that a clip of so many reaches over."""
        return (frames - 1) * self.stride + 1

    def seconds(self, frames: int) -> float:
        """From the first to the last of a clip's frames, where fps is set."""
        return (frames - 1) / self.fps

    def check(self) -> None:
        """Raise ValueError for settings that no clip can be cut with."""
        for name in ("frames", "stride", "clips_per_video"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; set it to 1 or more.")
        if not (math.isfinite(self.fps) and 0 <= self.fps <= 1000):
            raise ValueError(
                f"fps is {self.fps:g}; set it from 0, which counts stored frames, to 1000."
            )
        if self.choice not in CHOICES:
            raise ValueError(f"choice is {self.choice!r}; set it to one of {', '.join(CHOICES)}.")
        if any(length < 1 for length in self.frame_buckets):
            lengths = ", ".join(map(str, self.frame_buckets))
            raise ValueError(f"frame_buckets is {lengths}; set its lengths to 1 or more.")
        check_size(self.height, self.width)
        check_memory(self.lengths[0], self.height, self.width)

    def description(self) -> dict[str, Any]:
        """Without captions, which a set tells of each clip; of what was added after the first
        version, only what is set."""
        told = asdict(self)
        for name in [f.name for f in fields(self)][FIRST_FIELDS:]:
            if told[name] == getattr(VideoSettings, name):
                del told[name]
        return {name: told[name] for name in told if name not in ("captions", "caption")}
