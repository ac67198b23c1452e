"""Pictures of image sequences, read with Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .clips import UnreadableClip
from .containers import reason
from .display import Picture


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
                f"{name}/{path.name} cannot be decoded ({reason(error)})."
            ) from error
        (h, w), (height, width) = pictures[-1].shape[:2], pictures[0].shape[:2]
        if (h, w) != (height, width):
            raise UnreadableClip(
                f"{name}/{path.name} is {w} x {h}, but the sequence begins at {width} x {height}."
            )
    return pictures
