"""Does one clip teach its motion without its colour?

    .venv/bin/python benchmarks/dual_path.py [--clips 32] [--steps 20]

Trains two MotionLoRAs on one clip of the small world, with the path that takes up its look and
without, and puts each on other things. Everything that is finished is kept; what was stopped goes
on.
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
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20, help="of the sampler")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    enter_comfyui()
    import torch

    torch.set_num_threads(options.threads)
    lines = importlib.import_module("animatediff_kit.benchmarks.dual.lines")
    studios = importlib.import_module("animatediff_kit.benchmarks.claims.studio")
    page = importlib.import_module("animatediff_kit.benchmarks.claims.page")
    for part in ("motion_models", "sampling"):
        logging.getLogger(f"animatediff_kit.{part}").setLevel(logging.WARNING)
    studio = studios.Studio(studios.WORLD / "proof")
    folder = studios.WORLD / "one_video"
    for one in lines.figures(studio, folder, options.clips, options.steps):
        print(page.printed(one), flush=True)


if __name__ == "__main__":
    main()
