"""How a value goes from one keyframe to the next."""

from __future__ import annotations

import math
from collections.abc import Callable

EASINGS: dict[str, Callable[[float], float]] = {
    # how far, 0 to 1, a frame has gone from its keyframe to the next
    "linear": lambda u: u,
    "smooth": lambda u: (1 - math.cos(math.pi * u)) / 2,
    "step": lambda u: 0.0,
    "ease_in": lambda u: u * u,
    "ease_out": lambda u: u * (2 - u),
}

OTHER_NAMES = {"ease": "smooth", "ease_in_out": "smooth", "ease-in-out": "smooth"}
"""What other tools call them; texts may."""
