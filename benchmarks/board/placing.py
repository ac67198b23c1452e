"""What it costs to put the motion layers into the UNet for a call, and to take them out again."""

from __future__ import annotations

import importlib
import statistics
import time
from typing import Any

WIDTH = 32
"""Of the UNet: the number of layers is that of SD1.5 at any width."""


def placing_row(rounds: int) -> dict[str, str]:
    """Median milliseconds of a call, behind the first of a run.   -> cells"""
    from sized_models import motion_model, sd15

    unet: Any = sd15(WIDTH, live=False).model.diffusion_model
    return {
        family: f"{milliseconds(unet, motion_model, family, rounds):.2f} ms"
        for family in ("v1", "v3")
    }


def milliseconds(unet: Any, motion_model: Any, family: str, rounds: int) -> float:
    names = ("call", "layers", "placements")
    call, layers, placements = (
        importlib.import_module(f"animatediff_kit.motion_models.{name}") for name in names
    )
    motion, run = motion_model(family, WIDTH, live=False).model, call.Call.alone(2, 16)
    seconds = []
    for _ in range(20 * rounds + 1):
        start = time.process_time()
        with placements.placed(layers.motion_placements("board", unet, motion, run)):
            pass
        seconds.append(time.process_time() - start)
    return 1000 * statistics.median(seconds[1:])
