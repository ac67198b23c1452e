"""A clip's measures as one picture: the figures in a table, the flow as arrows over the middle
frame, and the motion over time with the seams."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from .flow import pixels
from .motion_measures import CELLS, MotionMeasures
from .seams import Seams, motion_departures

SIZE, DPI = (10.24, 7.68), 100
NAMES = ("images", "reference")
BLUE, ORANGE, GREY = "#4c9aff", "#ff9f43", "#999999"


def check_matplotlib() -> None:
    """Raise ValueError where matplotlib is not installed, which ComfyUI does not bring."""
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        raise ValueError(
            "What was measured is drawn with matplotlib, which is not installed. Install the "
            "extras for training into ComfyUI's Python: `pip install -r requirements-training.txt`."
        ) from error


def told(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(figures: dict[str, Any]) -> list[list[str]]:
    """The rows: name, the clip's figure, and where there is a reference, its and the quotient."""
    reference = figures.get("reference")
    columns = [figures] if reference is None else [figures, reference]
    compared = figures.get("ratios", {})
    rows = [["", *NAMES, "ratio"][: 2 if reference is None else 4]]

    def row(name: str, values: list[Any], ratio: Any = "") -> None:
        rows.append([name, *map(told, values), told(ratio)][: len(rows[0])])

    cameras = [column["camera"] for column in columns]
    row("camera move", [camera["move"] for camera in cameras])
    for name, key in (
        ("pan, % of width, content to the right", "pan_percent"),
        ("tilt, % of height, content down", "tilt_percent"),
        ("zoom, factor", "zoom_factor"),
        ("roll, degrees clockwise", "roll_degrees"),
    ):
        row(name, [camera[key] for camera in cameras])
    for name, key in (
        ("median flow, pixels a frame", "median_flow"),
        ("90th percentile of flow", "high_flow"),
        ("warp error", "warp_error"),
        ("sharpness", "sharpness"),
    ):
        row(name, [column[key] for column in columns], compared.get(key))
    if compared:
        row("moves like the reference", [compared["moves_like_reference"], ""])
    return [*rows, *seam_rows(figures["seams"], len(rows[0]))]


def seam_rows(seams: dict[str, Any] | None, width: int) -> list[list[str]]:
    if seams is None:
        return []
    rows = []
    for name in ("motion", "warp", "sharpness"):
        figure = seams[name]
        effect = "-" if figure["effect"] is None else f"{figure['effect']:+.0%}"
        verdict = "passes" if figure["passes"] else "seen"
        verdict = verdict if figure["enough"] else "too few to tell"
        text = f"{effect}, chance {told(figure['chance'])}: {verdict}"
        rows.append([f"seams: {name}", text, "", ""][:width])
    return rows


def draw_measures(
    figures: dict[str, Any],
    clips: Sequence[tuple[Tensor, MotionMeasures]],
    seams: Seams,
) -> Image.Image:
    """figures: motion_report.report; clips: f h w 3 and the measures of the images, and perhaps
    of a reference; seams: of the images"""
    check_matplotlib()
    # the object interface: pyplot would keep figures and ask for a display
    module: Any = importlib.import_module("matplotlib.figure")
    figure = module.Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1))
    left = top.add_subplot()
    left.set_axis_off()
    rows = table(figures)
    widths = [0.4, *[0.6 / (len(rows[0]) - 1)] * (len(rows[0]) - 1)]
    cells = left.table(cellText=rows, colWidths=widths, cellLoc="left", bbox=(0, 0, 1, 1))
    cells.auto_set_font_size(False)
    cells.set_fontsize(9)
    axes = bottom.subplots(1, len(clips) + 1)
    for axis, name, (frames, measures) in zip(axes, NAMES, clips, strict=False):
        draw_arrows(axis, frames, measures, name)
    draw_motion(axes[-1], clips, seams)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file).convert("RGB")


def draw_arrows(axis: Any, frames: Tensor, measures: MotionMeasures, name: str) -> None:
    """The mean flow of the whole clip over its middle frame; the longest arrow is as long as
    a cell."""
    axis.imshow(pixels(frames[len(frames) // 2]).clip(0, 1))
    flow = measures.cells.mean(axis=0)
    x = (np.arange(CELLS) + 0.5) * measures.width / CELLS
    y = (np.arange(CELLS) + 0.5) * measures.height / CELLS
    longest = max(float(np.linalg.norm(flow, axis=-1).max()), 0.05)
    scale = longest * CELLS / min(measures.width, measures.height)
    axis.quiver(
        *(x, y, flow[..., 0], flow[..., 1]),
        angles="xy",
        scale_units="xy",
        scale=scale,
        color=ORANGE,
        width=0.006,
    )
    axis.set_title(f"{name}: mean flow, longest {longest:.2f} px", fontsize=9)
    axis.set_axis_off()


def draw_motion(axis: Any, clips: Sequence[tuple[Tensor, MotionMeasures]], seams: Seams) -> None:
    """The median flow of every step, and how much it departs from its neighbours'."""
    for name, colour, (_, measures) in zip(NAMES, (BLUE, GREY), clips, strict=False):
        axis.plot(measures.median_flow, color=colour, linewidth=1.5, label=f"{name}: median flow")
    jumps = motion_departures(clips[0][1].cells)
    axis.plot(jumps, color=ORANGE, linewidth=1, label="images: departure")
    for step in sorted(seams.steps):
        axis.axvline(step, color=GREY, alpha=0.4, linewidth=1, linestyle=":")
    axis.set_xlabel("frame (dotted: seams)" if seams.steps else "frame", fontsize=9)
    axis.set_ylabel("pixels", fontsize=9)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
