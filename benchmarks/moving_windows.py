"""Do windows that move leave seams, and what do they cost? Claim 6 at length, on the small world.

    .venv/bin/python benchmarks/moving_windows.py --clips FOLDER [--hours 8] [--tell]

Renders videos of 64 and 256 frames in 4, 8 and 20 steps, 16 of each row, the most telling first
(moving_windows.py of benchmarks/claims says which), and keeps each and its figures in FOLDER: a run
that was stopped goes on where it was. --hours ends it in time; --tell renders nothing, prints the
tables of what is there, and writes them into claim 6 of docs/proof.md and, video by video, into
docs/proof/moving_windows.json. All of it takes days of two cores; stop it when the intervals answer
what you ask.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui


def main() -> int:
    enter_comfyui()
    sys.path.remove(str(Path(__file__).resolve().parent.parent))  # its `nodes` hide ComfyUI's
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True, help="keeps the videos")
    parser.add_argument("--hours", type=float, default=1000.0, help="begin no video after these")
    parser.add_argument("--tell", action="store_true", help="render nothing, tell what is there")
    options = parser.parse_args()
    run = importlib.import_module("animatediff_kit.benchmarks.claims.moving_run")
    return run.tell(options.clips) if options.tell else run.render(options.clips, options.hours)


if __name__ == "__main__":
    sys.exit(main())
