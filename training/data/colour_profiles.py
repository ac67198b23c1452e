"""Colours of pictures that bring an ICC profile, as sRGB."""

from __future__ import annotations

import io
import logging
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

log = logging.getLogger(__name__)

SAME = 2
"""Steps of 255 by which a profile may differ from sRGB and still be one that says so."""

MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""A profile's colour space -> Pillow's mode of the pictures that it is for"""

Transform = ImageCms.ImageCmsTransform


def to_srgb(image: Any, profile: bytes | None, name: str) -> Any:
    """An RGB picture. profile: the ICC profile that the file brings.

    Pictures in sRGB come as they are. A profile that is damaged, or for another kind of picture,
    is named in a warning, and the colours are taken as they are.
    """
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, lab_transform())
    if not profile:
        return image.convert("RGB")
    try:
        mode, transform = transform_of(profile)
        if mode == "CMYK" != image.mode:
            raise ImageCms.PyCMSError(f"it is for CMYK, the picture is {image.mode}")
    except (ImageCms.PyCMSError, OSError, KeyError) as error:
        log.warning("%s: its ICC profile is not used (%s); colours stay as they are.", name, error)
        return image.convert("RGB")
    if transform is None:
        return image.convert("RGB")
    return ImageCms.applyTransform(image.convert(mode), transform)


@lru_cache(maxsize=8)
def transform_of(profile: bytes) -> tuple[str, Transform | None]:
    """The mode of the pictures that a profile is for, and what makes them sRGB; None where they
    are already. Raises PyCMSError, OSError and KeyError for a profile that is of no use."""
    source: Any = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = MODES[source.profile.xcolor_space.strip()]
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    return mode, None if mode == "RGB" and is_identity(transform) else transform


def is_identity(transform: Transform) -> bool:
    steps = np.linspace(0, 255, 18).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(18, -1, 3)
    made = np.array(ImageCms.applyTransform(Image.fromarray(colours), transform))
    return int(np.abs(made.astype(int) - colours).max()) <= SAME


@lru_cache(maxsize=1)
def lab_transform() -> Transform:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
