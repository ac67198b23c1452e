"""Frames of videos, decoded with PyAV.

`decode` counts frames as they are shown, as AnimateDiff's own training does; a variable frame rate
and a GIF's delays make no difference. `decode_at` takes them by their time stamps. What a header
says of count and rate is not trusted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from .clips import UnreadableClip
from .containers import opened, shown_packets
from .display import TRANSFERS, Picture, Reduce, as_it_is, upright
from .frame_times import numbers_at, seconds_of
from .medium import read_through

log = logging.getLogger(__name__)

SEEK_FROM = 300
"""Frames before a clip's start from which on a jump is cheaper than decoding them all."""

SLACK = 0.002
"""Seconds that a clip may be longer than its video: lengths and starts are whole milliseconds."""


def name_hdr(name: str, curve: str) -> None:
    """Warn of an HDR video.   curve: of its brightness"""
    log.warning(
        "%s is an HDR video (%s); its colours are taken as they are and look pale. Convert it to "
        "SDR for the right ones.",
        name,
        curve,
    )


def frame_times(
    path: Path,
    name: str,
    on_hdr: Callable[[str, str], None] = name_hdr,
    sizes: set[int] | None = None,
) -> list[float]:
    """When each frame of a video that can be shown is shown, in seconds from the first: its packets
    are read, and none is decoded.

    on_hdr: called with name and curve of a video in HDR.   sizes: gets the bytes that frames have.
    Raises UnreadableClip.
    """
    sizes = set() if sizes is None else sizes
    with opened(path, name, decoding=False) as (container, stream):
        if curve := TRANSFERS.get(stream.codec_context.color_trc):
            on_hdr(name, curve)
        stamps = []
        for packet in shown_packets(container, stream, path, name):
            stamps.append(packet.pts)
            sizes.add(packet.size)
        return seconds_of(stamps, stream.time_base, stream.average_rate)


def decode(
    path: Path, name: str, start: int, stride: int, frames: int, reduce: Reduce = as_it_is
) -> list[Picture]:
    """Frames start, start + stride, ... of a video, each divided by what `reduce` says.

    Where fewer can be decoded than were counted, the last that fit. Raises UnreadableClip for
    damage, for a size that changes, and when they fit nowhere; MediumError where the others cannot
    be read from the disk.
    """
    span = (frames - 1) * stride + 1
    pictures = take(path, name, range(start, start + span, stride), reduce)
    if len(pictures) == frames:
        return pictures
    read_through(path, name)
    there = sum(1 for _ in frames_from(path, name, 0))
    if there < span:
        raise UnreadableClip(
            f"{name} breaks off after {there} frames, but {frames} frames at stride {stride} need "
            f"{span}."
        )
    first = min(start, there - span)  # the start itself, where all can be read again
    return take(path, name, range(first, first + span, stride), reduce, exact=True)


def decode_at(
    path: Path, name: str, start: float, fps: float, frames: int, reduce: Reduce = as_it_is
) -> list[Picture]:
    """The frames that are shown `start` seconds after the first and at each 1/fps behind, however
    many are stored between them; frame_times.py says which. As `decode` where some are lost."""
    times = frame_times(path, name, lambda name, curve: None)
    numbers = numbers_at(times, begin(times, name, start, fps, frames), fps, frames)
    pictures = take(path, name, numbers, reduce)
    if len(pictures) == frames:
        return pictures
    read_through(path, name)
    there = times[: sum(1 for _ in frames_from(path, name, 0))]
    numbers = numbers_at(there, begin(there, name, start, fps, frames), fps, frames)
    return take(path, name, numbers, reduce, exact=True)


def begin(times: Sequence[float], name: str, start: float, fps: float, frames: int) -> float:
    """The start, or the last before it at which a clip fits. Raises UnreadableClip for none."""
    last, needed = times[-1] if times else 0.0, (frames - 1) / fps
    if not times or last < needed - SLACK:
        raise UnreadableClip(
            f"{name} breaks off after {last:.2f} seconds, but {frames} frames at {fps:g} a second "
            f"need {needed:.2f}."
        )
    return min(start, max(0.0, last - needed))


def take(
    path: Path, name: str, numbers: Sequence[int], reduce: Reduce, exact: bool = False
) -> list[Picture]:
    """As many of the frames as there are.   numbers: rising, some perhaps twice;   exact: count
    from the first frame, without a jump."""
    decoded = frames_from(path, name, numbers[0], exact)
    found: dict[int, Picture] = {}
    for number, (frame, aspect) in enumerate(decoded, numbers[0]):
        if number in numbers:
            found[number] = upright(frame, aspect, name, reduce)
            (h, w), (height, width) = found[number].shape[:2], found[numbers[0]].shape[:2]
            if (h, w) != (height, width):
                raise UnreadableClip(
                    f"{name} changes its size from {width} x {height} to {w} x {h} within a clip."
                )
        if number == numbers[-1]:
            break
    decoded.close()
    return [found[number] for number in numbers if number in found]


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
            stamps = [packet.pts for packet in shown_packets(container, stream, path, name)]
            for frame in frames_at(container, stream, stamps, start):
                jumped = True
                yield frame, stream.sample_aspect_ratio
        if jumped:
            return
    with opened(path, name) as (container, stream):
        for frame in islice(container.decode(stream), start, None):
            yield frame, stream.sample_aspect_ratio


def frames_at(container: Any, stream: Any, times: list[Any], start: int) -> Iterator[Any]:
    """Frames from the start-th on by a jump; none where it cannot be found in that way.   times:
    the time stamps of all"""
    if None in times or len(set(times)) < len(times) or start >= len(times):
        return
    first = sorted(times)[start]
    container.seek(first, stream=stream, backward=True)
    behind = (f for f in container.decode(stream) if f.pts is not None and f.pts >= first)
    found = next(behind, None)
    if found is not None and found.pts == first:
        yield found
        yield from behind
