"""Frames of videos, decoded with PyAV.

Frames are counted as they are shown, as AnimateDiff's own training does; a variable frame rate and
a GIF's delays make no difference. What a header says of count and rate is not trusted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from .clips import UnreadableClip
from .containers import opened, shown_packets
from .display import TRANSFERS, Picture, Reduce, as_it_is, upright

log = logging.getLogger(__name__)

SEEK_FROM = 300
"""Frames before a clip's start from which on a jump is cheaper than decoding them all."""


def name_hdr(name: str, curve: str) -> None:
    """Warn of an HDR video.   curve: of its brightness"""
    log.warning(
        "%s is an HDR video (%s); its colours are taken as they are and look pale. Convert it to "
        "SDR for the right ones.",
        name,
        curve,
    )


def count_frames(path: Path, name: str, on_hdr: Callable[[str, str], None] = name_hdr) -> int:
    """Frames of a video that can be shown: its packets are read, and none is decoded.

    on_hdr: called with name and curve of a video in HDR. Raises UnreadableClip.
    """
    with opened(path, name, decoding=False) as (container, stream):
        if curve := TRANSFERS.get(stream.codec_context.color_trc):
            on_hdr(name, curve)
        return sum(1 for _ in shown_packets(container, stream))


def decode(
    path: Path, name: str, start: int, stride: int, frames: int, reduce: Reduce = as_it_is
) -> list[Picture]:
    """Frames start, start + stride, ... of a video, each divided by what `reduce` says.

    Where fewer can be decoded than were counted, the last that fit. Raises UnreadableClip for
    damage, for a size that changes, and when they fit nowhere.
    """
    pictures = take(path, name, start, stride, frames, reduce)
    if len(pictures) == frames:
        return pictures
    there, needed = sum(1 for _ in frames_from(path, name, 0)), (frames - 1) * stride + 1
    if there < needed:
        raise UnreadableClip(
            f"{name} breaks off after {there} frames, but {frames} frames at stride {stride} need "
            f"{needed}."
        )
    return take(path, name, there - needed, stride, frames, reduce, exact=True)


def take(
    path: Path,
    name: str,
    start: int,
    stride: int,
    frames: int,
    reduce: Reduce,
    exact: bool = False,
) -> list[Picture]:
    """As many of the frames as there are. exact: count from the first frame, without a jump."""
    decoded = frames_from(path, name, start, exact)
    chosen = islice(decoded, 0, (frames - 1) * stride + 1, stride)
    pictures: list[Picture] = []
    for frame, aspect in chosen:
        pictures.append(upright(frame, aspect, name, reduce))
        (h, w), (height, width) = pictures[-1].shape[:2], pictures[0].shape[:2]
        if (h, w) != (height, width):
            raise UnreadableClip(
                f"{name} changes its size from {width} x {height} to {w} x {h} within a clip."
            )
    decoded.close()
    return pictures


def frames_from(
    path: Path, name: str, start: int, exact: bool = False
) -> Generator[tuple[Any, Any], None, None]:
    """A generator of (decoded frame, pixel aspect) from `start` on.

    A start far behind is reached by a jump to its own time; where that is not told, or nothing
    lies there, frames are counted from the first on.
    """
    if start >= SEEK_FROM and not exact:
        jumped = False
        with opened(path, name) as (container, stream):
            for frame in frames_at(container, stream, start):
                jumped = True
                yield frame, stream.sample_aspect_ratio
        if jumped:
            return
    with opened(path, name) as (container, stream):
        for frame in islice(container.decode(stream), start, None):
            yield frame, stream.sample_aspect_ratio


def frames_at(container: Any, stream: Any, start: int) -> Iterator[Any]:
    """Frames from the start-th on by a jump; none where it cannot be found in that way."""
    times = [packet.pts for packet in shown_packets(container, stream)]
    if None in times or len(set(times)) < len(times) or start >= len(times):
        return
    first = sorted(times)[start]
    container.seek(first, stream=stream, backward=True)
    behind = (f for f in container.decode(stream) if f.pts is not None and f.pts >= first)
    found = next(behind, None)
    if found is not None and found.pts == first:
        yield found
        yield from behind
