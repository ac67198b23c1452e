"""The rows of the scoreboard: what each measures, its goal, and what keeps it open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .placing import placing_row
from .steps import surcharge_row
from .temporal import operations_row, temporal_row

NEEDS_GPU = "not measured: it needs a GPU, and none was at hand"


@dataclass(frozen=True)
class Row:
    """measure: gives the cells of the row, by what they say; None where `reason` says why there are
    none."""

    name: str
    case: str
    goal: str
    measure: Callable[[Any], dict[str, str]] | None = None
    reason: str = NEEDS_GPU


ROWS = (
    Row("B1", "step of SD1.5, 16 frames of 512x512, cfg", "<= 62 ms on an H200"),
    Row(
        "B2",
        "surcharge: step with v3 / step of the bare UNet, 16 frames",
        "below AnimateDiff-Evolved's by 10 % at 64x64; <= 1.35 at 512x512 on an H200",
        lambda o: surcharge_row(o.size, o.width, o.rounds, o.peer),
    ),
    Row(
        "B2p",
        "placing the layers of a call and taking them out",
        "<= 1 ms",
        lambda options: placing_row(options.rounds),
    ),
    Row(
        "B3",
        "one temporal transformer, 320 channels, 16 frames",
        "<= 0.75 of diffusers and <= 0.70 of the reference on two CPU cores; "
        ">= 2x diffusers, >= 1.1x compiled on an H200",
        lambda options: temporal_row(options.map, options.rounds, options.compiled),
    ),
    Row("B4", "clip of 16 frames, 25 steps, cfg, VAE", "<= 1.7 s on an H200"),
    Row("B5", "clip of 16 frames, 4 steps, VAE", "<= 0.25 s on an H200"),
    Row("B6", "step of 32 frames in one window", "<= 125 ms on an H200"),
    Row("B7", "128 frames in windows, 25 steps", "<= 17.5 s on an H200, overhead <= 1 %"),
    Row(
        "B8",
        "128 frames, overlap 12: views by windows",
        ">= 2.5 times less",
        reason="counted by benchmarks/long_video.py (docs/costs.md); its time needs a GPU",
    ),
    Row("B9", "step of SDXL, 16 frames of 1024x1024, cfg", "<= 430 ms on an H200"),
    Row("B10", "training step of the module, 256x256, batch of 4", "<= 110 ms on an H200"),
    Row("B11", "MotionLoRA, 2,000 steps at 256x256", "<= 75 s on an H200"),
    Row("B12", "peak of memory, 16 frames of 512x512, cfg", "<= 4.0 GiB on a GPU"),
    Row(
        "B13",
        "operations of a motion module",
        "<= 12",
        lambda options: operations_row(),
    ),
)
