"""Opening video files with PyAV: which stream is the video, and which of its packets are shown.

A file is read, and nothing but that file: no protocol, no playlist, no list of other files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import av
from av.error import ArgumentError, FFmpegError
from av.format import ContainerFormat

from .clips import UnreadableClip
from .medium import read_through

LISTS = frozenset({"concat", "dash", "hls", "image2", "imf", "rtsp", "sap", "sdp", "lavfi"})
"""FFmpeg's readers whose files name other files or places; mov follows none of its own accord."""

COVER = 0x400
"""AV_DISPOSITION_ATTACHED_PIC: the stream is one picture, as a poster for the video."""


@contextmanager
def opened(path: Path, name: str, decoding: bool = True) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream that is no cover picture. What fails inside is an
    UnreadableClip. decoding: whether frames will be decoded, which takes threads."""
    try:
        with open_alone(path, name) as container:
            stream = video_of(container, name)
            if decoding:
                stream.thread_type = "AUTO"
            yield container, stream
    except (FFmpegError, OSError) as error:
        raise UnreadableClip(f"{name} cannot be decoded ({reason(error)}).") from error


def open_alone(path: Path, name: str) -> Any:
    """The whole path, so that no name can be taken for a protocol's."""
    only = {"protocol_whitelist": "file", "format_whitelist": readers()}
    try:
        return av.open(os.path.abspath(path), options=only)
    except ArgumentError as error:
        raise UnreadableClip(
            f"{name} cannot be decoded ({reason(error)}): it is a list of other files and no video "
            "itself, or it is damaged."
        ) from error


@cache
def readers() -> str:
    """FFmpeg's names of all the kinds of file that it reads; not those of LISTS, and none that
    opens what a name means by itself: a camera (/dev/video0), a screen, numbered pictures."""
    return ",".join(
        sorted(av.formats_available - LISTS - set(filter(is_opener, av.formats_available)))
    )


def is_opener(kind: str) -> bool:
    """AVFMT_NOFILE; False for what FFmpeg only writes."""
    try:
        return ContainerFormat(kind, "r").no_file
    except ValueError:
        return False


def reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def video_of(container: Any, name: str) -> Any:
    streams = container.streams.video
    videos = [stream for stream in streams if not is_cover(stream)]
    if not videos:
        raise UnreadableClip(f"{name} holds no video{' but a cover picture' if streams else ''}.")
    return videos[0]


def is_cover(stream: Any) -> bool:
    return bool(int(getattr(stream, "disposition", 0)) & COVER)


def shown_packets(container: Any, stream: Any, path: Path, name: str) -> Iterator[Any]:
    """The packets that give a picture to look at, up to where the file breaks off. Raises
    MediumError where it is no more than unreadable from there on.

    Without those that an edit list cuts away, which are decoded and dropped, and without VP8's
    hidden reference frames.
    """
    hidden = hidden_vp8 if stream.codec_context.name == "vp8" else lambda packet: False
    try:
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard and not hidden(packet):
                yield packet
    except FFmpegError:
        read_through(path, name)  # what is there until here can be shown


def hidden_vp8(packet: Any) -> bool:
    """RFC 6386, 9.1: bit 4 of a frame's first byte is show_frame."""
    return not bytes(packet)[0] >> 4 & 1
