"""What a look at a run leaves in its folder.

    previews.csv      a row for each preview of each look: its figures, by looks.PreviewFigures
    film_strip.webp   a row for each look, the oldest on top: frames of its first preview

The loss on clips that are held out is in log.csv (run_log.py). What was looked at before a resume
is read from both.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageSequence
from torch import Tensor

from ..engine.looks import Look, PreviewFigures
from ..files.atomic import write_atomic
from .log_reader import read_log
from .loss_plot import TEXT, font
from .pictures import as_picture
from .preview_measures import columns_of
from .run_log import HELD_OUT, number, preview_name, previews_in

PREVIEWS, STRIP = "previews.csv", "film_strip.webp"

COLUMNS = ("step", *PreviewFigures.__dataclass_fields__)

FRAMES, ROWS, MARGIN = 8, 16, 52
"""Of the film strip: frames of a row, rows at most, pixels for the step's number."""

ROW_HEIGHT = 128


def read_looks(folder: Path, step: int) -> list[Look]:
    """The looks at a run up to a step, in order."""
    seen: dict[int, list[PreviewFigures]] = {}
    for row in previews_rows(folder):
        seen.setdefault(int(row.pop("step")), []).append(figures_in(row))
    held = {int(row["step"]): held_out_in(row) for row in read_log(folder).looked}
    steps = sorted({*seen, *(at for at, parts in held.items() if parts)})
    return [Look(at, held.get(at, ()), tuple(seen.get(at, ()))) for at in steps if at <= step]


def previews_rows(folder: Path) -> list[dict[str, str]]:
    try:
        text = (folder / PREVIEWS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return list(csv.DictReader(io.StringIO(text)))


def figures_in(row: dict[str, str]) -> PreviewFigures:
    texts = {"seed": int(row["seed"]), "prompt": row["prompt"]}
    return PreviewFigures(**{**{name: number(row.get(name)) for name in COLUMNS[1:]}, **texts})  # pyright: ignore


def held_out_in(row: dict[str, str]) -> tuple[float, ...]:
    parts = tuple(number(row.get(name)) for name in HELD_OUT)
    return parts if all(map(math.isfinite, parts)) else ()


def write_looks(folder: Path, looks: Sequence[Look]) -> None:
    """All of them anew: they are few, and a resumed run takes some of them again."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for look in looks:
        writer.writerows({"step": look.step, **columns_of(seen)} for seen in look.previews)
    text = file.getvalue()
    write_atomic(folder / PREVIEWS, lambda path: path.write_text(text, encoding="utf-8"))


def small_picture(frame: Tensor, side: int) -> Image.Image:
    """frame: h w 3 in 0..1;   side: pixels of the longer side, at most"""
    picture = as_picture(frame)
    picture.thumbnail((side, side))
    return picture


def side_by_side(previews: Sequence[Sequence[Image.Image]]) -> list[Image.Image]:
    """Previews that play at once, in rows of four.   each: f pictures of one size -> f pictures"""
    across = min(4, len(previews))
    width, height = previews[0][0].size
    down = -(-len(previews) // across)
    pictures: list[Image.Image] = []
    for frame in range(len(previews[0])):
        whole = Image.new("RGB", (width * across, height * down), "black")
        for i, preview in enumerate(previews):
            whole.paste(preview[frame], (i % across * width, i // across * height))
        pictures.append(whole)
    return pictures


def write_strip(folder: Path) -> None:
    """Of the animations that lie in the folder, the latest ROWS."""
    rows = [(step, strip_row(folder / preview_name(step))) for step in previews_in(folder)[-ROWS:]]
    rows = [(step, row) for step, row in rows if row]
    if not rows:
        return
    width = MARGIN + max(sum(frame.width for frame in row) for _, row in rows)
    strip = Image.new("RGB", (width, ROW_HEIGHT * len(rows)), "white")
    draw = ImageDraw.Draw(strip)
    for i, (step, row) in enumerate(rows):
        draw.text((4, ROW_HEIGHT * i + 4), str(step), TEXT, font=font(13))
        x = MARGIN
        for frame in row:
            strip.paste(frame, (x, ROW_HEIGHT * i))
            x += frame.width
    write_atomic(folder / STRIP, lambda path: strip.save(path, format="WEBP", quality=85))


def strip_row(animation: Path) -> list[Image.Image]:
    """Some FRAMES of an animation, from its first to its last; none of one that cannot be read."""
    try:
        with Image.open(animation) as opened:
            frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(opened)]
    except OSError:
        return []
    count = min(FRAMES, len(frames))
    chosen = [round(i * (len(frames) - 1) / max(1, count - 1)) for i in range(count)]
    return [scaled(frames[i]) for i in chosen]


def scaled(frame: Image.Image) -> Image.Image:
    return frame.resize((max(1, round(frame.width * ROW_HEIGHT / frame.height)), ROW_HEIGHT))
