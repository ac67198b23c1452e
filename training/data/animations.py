"""Frames of pictures that move: WebP, PNG and AVIF, read with Pillow. (GIFs are read as videos.)"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .clips import UnreadableClip
from .display import Picture, Reduce, as_it_is
from .kinds import frame_count, leading_stills
from .pictures import as_shown, opened_picture, raised_as_unreadable


def count_animation(path: Path, name: str) -> int:
    """Raises UnreadableClip."""
    with raised_as_unreadable(name):
        return frame_count(path)


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
