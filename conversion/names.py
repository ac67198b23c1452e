"""What a motion model is, guessed from its file's name, where a file is not at hand.

The patterns are those of names in public workflows; the fine-tunes are placed as their makers
describe them.
"""

from __future__ import annotations

import re

LCM = ("lcm", "sd15_t2v_beta")
MIDDLE = ("v15_v2", "v15v2", "v2_sd15", "sd15_v2", "mm-p_0.", "lightning", "lt_long", *LCM)
"""Models with a module in the middle of the UNet: v2's layout."""

V1 = ("motion_v15", "motion_v14", "sd_v15.", "sd_v14", "mm-stabilized", "temporaldiff")
WITHOUT = ("v3", "hsxl", "hotshot", "sdxl", *V1)


def is_lcm(file: str) -> bool:
    return has(file, LCM)


def is_sdxl_beta(file: str) -> bool:
    return has(file, ("mm_sdxl",))


def has_middle(file: str) -> bool | None:
    """Whether a model is of v2's layout; None where the name does not tell."""
    if has(file, MIDDLE):
        return True
    return False if has(file, WITHOUT) else None


def takes_an_image(file: str) -> bool:
    """Whether a model begins from a picture, so that Apply Motion Model refuses it."""
    name = re.split(r"[\\/]", file)[-1].lower()
    return re.search(r"i2v|(?<![a-z])pia(?![a-z])|fancy_?video", name) is not None


def has(file: str, patterns: tuple[str, ...]) -> bool:
    name = re.split(r"[\\/]", file)[-1].lower()
    return any(pattern in name for pattern in patterns)
