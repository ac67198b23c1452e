"""What a motion model is, guessed from its file's name, where a file is not at hand.

Only two questions are asked: is it v2, on which `apply_v2_models_properly` acts, and is it
AnimateLCM, for which "autoselect" chose another noise schedule than ours. The patterns are those of
names in public workflows; the fine-tunes are placed as their makers describe them.
"""

from __future__ import annotations

import re

V2 = ("v15_v2", "v15v2", "v2_sd15", "sd15_v2", "mm-p_0.")
LCM = ("lcm", "sd15_t2v_beta")
V1 = ("motion_v15", "motion_v14", "sd_v15.", "sd_v14", "mm-stabilized", "temporaldiff")
OTHERS = ("v3", "hsxl", "hotshot", "sdxl", "lightning", "lt_long", *LCM)


def is_lcm(file: str) -> bool:
    return has(file, LCM)


def is_v2(file: str) -> bool | None:
    """None where the name does not tell."""
    if has(file, V2):
        return True
    return False if has(file, (*V1, *OTHERS)) else None


def has(file: str, patterns: tuple[str, ...]) -> bool:
    name = re.split(r"[\\/]", file)[-1].lower()
    return any(pattern in name for pattern in patterns)
