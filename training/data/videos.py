"""Decoding of videos and image sequences with PyAV and Pillow.

Frames are counted as they are stored, in the order in which they are shown, as AnimateDiff's own
training does; a variable frame rate and a GIF's delays make no difference. Pictures are upright:
a phone's rotation mark is carried out.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from PIL import Image, ImageOps

from .clips import UnreadableClip
from .sources import in_unicode

SEEK_FROM = 300
"""Frames before a clip's start from which on a jump is cheaper than decoding them all."""

Picture = np.ndarray
"""h w 3, uint8"""


@contextmanager
def opened(path: Path, name: str) -> Iterator[tuple[Any, Any]]:
    """The container and its video stream. What fails inside is an UnreadableClip."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UnreadableClip(f"{name} holds no video.")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield container, stream
    except (FFmpegError, OSError) as error:
        raise UnreadableClip(f"{name} cannot be decoded ({reason(error)}).") from error


def reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def count_frames(path: Path, name: str) -> int:
    """Frames of a video: what its header says, else its duration times its rate, else its
    packets. Raises UnreadableClip."""
    with opened(path, name) as (container, stream):
        if stream.frames:
            return stream.frames
        rate = stream.average_rate or stream.guessed_rate
        if stream.duration and rate:
            return round(stream.duration * stream.time_base * rate)
        if container.duration and rate:
            return round(container.duration / av.time_base * rate)
        return sum(1 for packet in container.demux(stream) if packet.size)


def decode(path: Path, name: str, start: int, stride: int, frames: int) -> list[Picture]:
    """Frames start, start + stride, ... of a video.

    Where the header promised more frames than there are, the last that fit. Raises UnreadableClip
    for damage, and when they fit nowhere.
    """
    pictures = take(path, name, start, stride, frames)
    if len(pictures) == frames:
        return pictures
    there, needed = sum(1 for _ in frames_from(path, name, 0)), (frames - 1) * stride + 1
    if there < needed:
        raise UnreadableClip(
            f"{name} breaks off after {there} frames, but {frames} frames at stride {stride} need "
            f"{needed}."
        )
    return take(path, name, there - needed, stride, frames, exact=True)


def take(
    path: Path, name: str, start: int, stride: int, frames: int, exact: bool = False
) -> list[Picture]:
    """As many of the frames as there are. exact: count from the first frame, without a jump."""
    counted = start if exact or start < SEEK_FROM else 0
    decoded = frames_from(path, name, start - counted)
    stop = counted + (frames - 1) * stride + 1
    pictures = [upright(frame) for frame in islice(decoded, counted, stop, stride)]
    decoded.close()
    return pictures


def frames_from(path: Path, name: str, start: int) -> Generator[Any, None, None]:
    """A generator of decoded frames from `start` on.

    At a constant frame rate the start is reached by a jump in time; at another, frames are
    counted from the first on, since only that finds the one that is asked for.
    """
    with opened(path, name) as (container, stream):
        rate = stream.average_rate
        if not start or not rate or rate != stream.guessed_rate:
            yield from islice(container.decode(stream), start, None)
            return
        first = (stream.start_time or 0) + round(start / rate / stream.time_base)
        container.seek(first, stream=stream, backward=True)
        half_a_frame = 0.5 / float(rate * stream.time_base)
        for frame in container.decode(stream):
            if frame.pts is not None and frame.pts > first - half_a_frame:
                yield frame


def upright(frame: Any) -> Picture:
    picture = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns))


def read_images(paths: Sequence[Path], name: str) -> list[Picture]:
    """The images of a sequence. Raises UnreadableClip for damage and for differing sizes."""
    pictures = []
    for path in paths:
        try:
            with Image.open(path) as image:
                turned = ImageOps.exif_transpose(image) or image
                pictures.append(np.array(turned.convert("RGB")))
        except (OSError, SyntaxError, ValueError) as error:
            raise UnreadableClip(
                f"{name}/{in_unicode(path.name)} cannot be decoded ({reason(error)})."
            ) from error
        (h, w), (height, width) = pictures[-1].shape[:2], pictures[0].shape[:2]
        if (h, w) != (height, width):
            raise UnreadableClip(
                f"{name}/{in_unicode(path.name)} is {w} x {h}, but the sequence begins at "
                f"{width} x {height}."
            )
    return pictures
