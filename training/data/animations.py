"""Frames of pictures that move: WebP, PNG and AVIF, read with Pillow. (GIFs are read as videos.)"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .clips import UnreadableClip
from .display import Picture, Reduce, as_it_is
from .frame_times import numbers_at
from .kinds import frame_count, leading_stills
from .pictures import as_shown, opened_picture, raised_as_unreadable


def count_animation(path: Path, name: str) -> int:
    """Raises UnreadableClip."""
    with raised_as_unreadable(name):
        return frame_count(path)


def animation_times(path: Path, name: str) -> list[float]:
    """When each frame is shown, in seconds from the first; every frame is decoded for it. Raises
    UnreadableClip."""
    with opened_picture(path, name) as image:
        first, times, now = leading_stills(image), [], 0.0
        for number in range(first, getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            times.append(now)
            now += float(image.info.get("duration") or 0) / 1000
    return times


def decode_animation_at(
    path: Path, name: str, start: float, fps: float, frames: int, reduce: Reduce = as_it_is
) -> Iterator[Picture]:
    """The frames that are shown `start` seconds after the first and at each 1/fps behind. Raises
    UnreadableClip for damage."""
    numbers = numbers_at(animation_times(path, name), start, fps, frames)
    with opened_picture(path, name) as image:
        for number in numbers:
            image.seek(leading_stills(image) + number)
            yield as_shown(image, name, reduce)


def decode_animation(
    path: Path, name: str, start: int, stride: int, frames: int, reduce: Reduce = as_it_is
) -> Iterator[Picture]:
    """Frames start, start + stride, ..., each divided by what `reduce` says, however long they
    are shown. Raises UnreadableClip for damage, and where there are fewer."""
    with opened_picture(path, name) as image:
        first = leading_stills(image)
        there = getattr(image, "n_frames", 1) - first
        if start + (frames - 1) * stride >= there:
            raise UnreadableClip(f"{name} has {there} frames now, fewer than before.")
        for number in range(start, start + frames * stride, stride):
            image.seek(first + number)
            yield as_shown(image, name, reduce)
