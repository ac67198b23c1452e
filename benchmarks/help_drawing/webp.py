"""An animation as a file that is small enough for a help page."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from .kept import Frames

FRAME_MS = 125
LARGEST = 60_000  # bytes
WIDEST = 264  # pixels
QUALITIES = (75, 60, 45, 30, 15)


def save(frames: Frames, path: Path) -> int:
    """As good as it fits; the number of its bytes. Raises ValueError for what does not fit."""
    width = frames.shape[2]
    if width > WIDEST:
        raise ValueError(f"{path.name} is {width} pixels wide; {WIDEST} fit the panel.")
    for quality in QUALITIES:
        data = encoded(frames, quality)
        if len(data) <= LARGEST:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return len(data)
    raise ValueError(
        f"{path.name} does not fit into {LARGEST} bytes; give it fewer frames or fewer pixels."
    )


def encoded(frames: Frames, quality: int) -> bytes:
    """frames: f h w 3"""
    pages = [Image.fromarray(frame) for frame in frames]
    file = BytesIO()
    options = {"append_images": pages[1:], "duration": FRAME_MS, "loop": 0}
    pages[0].save(file, "WEBP", save_all=True, quality=quality, method=4, **options)
    return file.getvalue()
