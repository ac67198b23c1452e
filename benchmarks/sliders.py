"""Are strength and amount of a camera move one thing, where it was trained as a signed axis?

    .venv/bin/python benchmarks/sliders.py [--clips 256] [--steps 20] [--shipped]

Trains the four axes of the small world where they are not there (`python small_world axes`), and
holds their files against the lines: classes, rank correlation, opposites, two axes at once. The
scenes and the noise are those of claim 4 of docs/proof.md. --shipped measures the moves that ship
in the same way. Everything that is finished is kept; what was stopped goes on.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=256, help="of the largest set of the proof")
    parser.add_argument("--steps", type=int, default=20, help="of the sampler")
    parser.add_argument("--shipped", action="store_true", help="the moves that ship instead")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    enter_comfyui()
    import torch

    torch.set_num_threads(options.threads)
    lines = importlib.import_module("animatediff_kit.benchmarks.axes.lines")
    studios = importlib.import_module("animatediff_kit.benchmarks.claims.studio")
    page = importlib.import_module("animatediff_kit.benchmarks.claims.page")
    for part in ("motion_models", "sampling"):
        logging.getLogger(f"animatediff_kit.{part}").setLevel(logging.WARNING)
    studio = studios.Studio(studios.WORLD / "proof", options.clips)
    files = shipped(studios) if options.shipped else trained()
    bench = lines.Bench(studio, files, options.steps)
    for one in lines.figures(bench):
        print(page.printed(one), flush=True)


def shipped(studios: object) -> dict[str, Path]:
    moves = importlib.import_module("animatediff_kit.small_world.retrain").CAMERA_MOVES
    return {move: studios.shipped_move(move)[0] for move in moves}  # pyright: ignore


def trained() -> dict[str, Path]:
    """Move -> its file, trained where it is missing."""
    command = importlib.import_module("animatediff_kit.small_world.command_line")
    axes = importlib.import_module("animatediff_kit.small_world.train_axes")
    retrain = importlib.import_module("animatediff_kit.small_world.retrain")
    command.main([axes.NAME])
    return axes.axis_files(retrain.Workshop(command.FOLDER, command.recipes()))


if __name__ == "__main__":
    main()
