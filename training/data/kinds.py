"""Kinds of files: videos, pictures, pictures that move."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from .medium import of_the_system

VIDEOS = (
    *(".mp4", ".webm", ".gif", ".mov", ".mkv", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".mts"),
    *(".m2ts", ".vob", ".wmv", ".asf", ".flv", ".f4v", ".ogv", ".3gp", ".3g2", ".mxf", ".y4m"),
    *(".mk3d", ".mj2", ".dv", ".ivf", ".rm", ".rmvb", ".divx"),
)
"""Read with PyAV."""

IMAGES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".apng", ".jfif", ".tif", ".tiff", ".avif"),
    *(".jp2", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".jpe", ".jpx", ".jpf", ".j2k", ".dib"),
)
"""Read with Pillow."""


HEAD, REST = 4096, 1 << 20
"""Bytes in which a file tells whether it moves; PNG tells it before its first pixels."""


def is_video(path: Path) -> bool:
    """Whether a file is a clip by itself: a video, or a picture that moves."""
    suffix = path.suffix.lower()
    return path.is_file() and (suffix in VIDEOS or (suffix in IMAGES and moves(path)))


def is_still(path: Path) -> bool:
    """Whether a file is one picture."""
    named = path.suffix.lower() in IMAGES and path.name[0] != "."
    return named and path.is_file() and not moves(path)


def moves(path: Path) -> bool:
    """Whether a WebP, PNG or AVIF holds more than one frame. What is broken or not to be read by us
    does not. Raises OSError where the disk fails."""
    try:
        return says_so(path) and frame_count(path) > 1
    except PermissionError:
        return False  # it is told of when it turns out to be of a clip
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if failed := of_the_system(error):
            failed.filename = failed.filename or str(path)  # which a failed read does not name
            raise failed from error
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
