"""The pictures of the README: what the small world's models draw, as they draw it.

    .venv/bin/python benchmarks/small_world_pictures.py [--seed 0] [--only camera adapter]

The seed is the first of those of a picture's cells and is printed. The pictures go to
docs/images/small_world.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import ROOT, enter_comfyui

FOLDER = ROOT / "docs" / "images" / "small_world"
ZOOM, GAP, LINE, SIZE = 3, 8, 18, 12
FRAME_MS = 120

PROMPTS = (
    "a red star moving right on a teal background",
    "a blue circle moving left on a white background",
    "a green square moving up on a gray checkered background",
    "a yellow triangle bouncing on a black background",
    "a purple cross going round on a pink gradient background",
    "an orange circle growing on a teal checkered background",
    "a red square moving down on a white gradient background",
    "a yellow star going round on a gray background",
)
CAMERA_PROMPT = "a red square on a gray checkered background"
SCALES = (1.0, 0.75, 0.5, 0.25, 0.0)

Cell = tuple[str, Any]
"""What is written below, and frames f h w 3 in 0..1."""


def sheet(cells: Sequence[Cell], columns: int) -> list[Image.Image]:
    """The cells side by side, frame by frame."""
    side = ZOOM * cells[0][1].shape[1]
    rows = -(-len(cells) // columns)
    size = (columns * (side + GAP) + GAP, rows * (side + LINE + GAP) + GAP)
    font = ImageFont.load_default(SIZE)
    pages = []
    for frame in range(len(cells[0][1])):
        page = Image.new("RGB", size, "white")
        pen = ImageDraw.Draw(page)
        for index, (text, frames) in enumerate(cells):
            left = GAP + index % columns * (side + GAP)
            top = GAP + index // columns * (side + LINE + GAP)
            pixels = (np.asarray(frames[frame]) * 255).round().astype(np.uint8)
            # whole pixels: the small world is 64 by 64, and a blur would hide how sharp it is
            enlarged = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
            page.paste(enlarged, (left, top))
            pen.text((left, top + side + 1), text, fill="black", font=font)
        pages.append(page)
    return pages


def short(prompt: str) -> str:
    """What fits below a cell: the prompt without its article and its background."""
    return prompt.partition(" on ")[0].partition(" ")[2]


class Album:
    """Draws the pictures; `seed` is the first of each picture's seeds."""

    def __init__(self, seed: int) -> None:
        from animatediff_kit.benchmarks.claims import studio  # pyright: ignore[reportMissingImports]
        from animatediff_kit.small_world import files  # pyright: ignore[reportMissingImports]

        self.module, self.files, self.seed = studio, files, seed
        self.studio = studio.Studio(ROOT / ".comfy" / "small_world" / "pictures")

    def clip(self, prompt: str, number: int = 0, **more: Any) -> Any:
        """f h w 3"""
        return self.studio.render(self.module.Shot(prompt, self.seed + number, **more))

    def stills(self) -> list[Cell]:
        """One picture each, without a motion module."""
        still = self.module.STILL
        return [(short(p), self.clip(p, i, motion=still)[:1]) for i, p in enumerate(PROMPTS)]

    def animation(self) -> list[Cell]:
        return [(short(p), self.clip(p, i)) for i, p in enumerate(PROMPTS)]

    def personalised(self) -> list[Cell]:
        return [
            (f"{name}: {short(p)}", self.clip(p, i, model=name))
            for name in self.files.IMAGE_MODELS
            for i, p in enumerate(PROMPTS[:4])
        ]

    def camera(self) -> list[Cell]:
        from animatediff_kit.small_world.retrain import CAMERA_MOVES  # pyright: ignore[reportMissingImports]

        return [
            (move, self.clip(CAMERA_PROMPT, moves=(self.module.shipped_move(move),)))
            for move in CAMERA_MOVES
        ]

    def adapter(self) -> list[Cell]:
        return [(f"adapter {s:g}", self.clip(PROMPTS[0], adapter=s)) for s in SCALES]


def emblems(frames: Any) -> None:
    """The pack's icon, and its banner of six frames.   frames: f h w 3"""
    pictures = [
        Image.fromarray((np.asarray(frame) * 255).round().astype(np.uint8))
        for frame in frames[:: max(1, len(frames) // 6)][:6]
    ]
    side = 7 * pictures[0].width
    large = [picture.resize((side, side), Image.Resampling.NEAREST) for picture in pictures]
    large[0].save(FOLDER.parent / "icon.png", optimize=True)
    banner = Image.new("RGB", (side * len(large), side))
    for place, picture in enumerate(large):
        banner.paste(picture, (side * place, 0))
    banner.save(FOLDER.parent / "banner.png", optimize=True)


PICTURES = {
    # name -> columns; each is a method of Album
    "stills": 8,
    "animation": 4,
    "personalised": 4,
    "camera": 4,
    "adapter": 5,
}


def save(pages: list[Image.Image], name: str) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    if len(pages) == 1:
        path = FOLDER / f"{name}.png"
        pages[0].save(path, optimize=True)
        return path
    path = FOLDER / f"{name}.webp"
    rest = {"save_all": True, "append_images": pages[1:], "duration": FRAME_MS, "loop": 0}
    pages[0].save(path, quality=80, method=6, **rest)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=tuple(PICTURES), default=list(PICTURES))
    parser.add_argument("--emblems", action="store_true", help="draw icon and banner too")
    options = parser.parse_args()
    enter_comfyui()
    album = Album(options.seed)
    if options.emblems:
        roll = album.module.shipped_move("roll clockwise")
        emblems(album.clip(CAMERA_PROMPT, moves=(roll,)))
    for name in options.only:
        path = save(sheet(getattr(album, name)(), PICTURES[name]), name)
        print(f"{path}, seed {options.seed}")


if __name__ == "__main__":
    main()
