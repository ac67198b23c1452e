"""Kinds of files: videos, pictures, pictures that move, and those that are not read."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ..files.names import in_unicode

log = logging.getLogger(__name__)

VIDEOS = (
    *(".mp4", ".webm", ".gif", ".mov", ".mkv", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".mts"),
    *(".m2ts", ".vob", ".wmv", ".asf", ".flv", ".f4v", ".ogv", ".3gp", ".3g2", ".mxf", ".y4m"),
)
"""Read with PyAV."""

IMAGES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".apng", ".jfif", ".tif", ".tiff", ".avif"),
    *(".jp2", ".tga", ".ppm", ".pgm", ".pbm"),
)
"""Read with Pillow."""

UNREAD = (".heic", ".heif", ".jxl", ".exr", ".hdr", ".dpx", ".svg", ".psd", ".rm", ".rmvb", ".divx")
"""Known to be videos or pictures where the machine's own table of types lacks them."""

HEAD, REST = 4096, 1 << 20
"""Bytes in which a file tells whether it moves; PNG tells it before its first pixels."""


def is_video(path: Path) -> bool:
    """Whether a file is a clip by itself: a video, or a picture that moves."""
    suffix = path.suffix.lower()
    return path.is_file() and (suffix in VIDEOS or (suffix in IMAGES and moves(path)))


def moves(path: Path) -> bool:
    """Whether a WebP, PNG or AVIF holds more than one frame. What cannot be read does not."""
    try:
        return says_so(path) and frame_count(path) > 1
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


def says_so(path: Path) -> bool:
    """What the file's head says, as quick as that: folders of sequences hold many files."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
        if head.startswith(b"\x89PNG"):
            if b"IDAT" not in head:
                head += file.read(REST)
            return b"acTL" in head.split(b"IDAT")[0]
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
        return bool(head[20] & 2)
    return head[4:8] == b"ftyp" and b"avis" in head[:64]


def frame_count(path: Path) -> int:
    """Frames of an animation. Raises what Pillow raises."""
    with Image.open(path) as image:
        return getattr(image, "n_frames", 1) - leading_stills(image)


def leading_stills(image: Image.Image) -> int:
    """1 for a PNG whose first picture is for programs that show no animation."""
    return int(bool(image.info.get("default_image")))


def name_the_unread(entries: Sequence[Path], folder: Path) -> None:
    """Say in the log once which videos and pictures of a folder are of kinds that are not read."""
    left = [entry for entry in entries if is_unread(entry)]
    if left:
        kinds = sorted({entry.suffix.lower() for entry in left})
        log.warning(
            "%d files of kinds that are not read (%s) are left out; the first is %s.",
            len(left),
            ", ".join(kinds),
            in_unicode(left[0].relative_to(folder).as_posix()),
        )


def is_unread(entry: Path) -> bool:
    suffix = entry.suffix.lower()
    if not suffix or suffix in (*VIDEOS, *IMAGES):
        return False
    kind = mimetypes.guess_type(entry.name)[0] or ""
    return (suffix in UNREAD or kind.startswith(("video/", "image/"))) and entry.is_file()
