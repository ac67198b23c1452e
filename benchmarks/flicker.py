"""What makes clips flicker less without training? Guidance that ends, spacing, fewer motion steps.

    .venv/bin/python benchmarks/flicker.py --clips FOLDER [--hours 4] [--tell]

Renders 128 clips of claim 1 in each of the ways that flicker.py of benchmarks/claims lists, 16 in
every row before the next 16, and keeps each and its figures in FOLDER: a run that was stopped goes
on where it was. --hours ends it in time; --tell prints, of the clips that every row has, how much
they flicker, as a share of real clips, and writes it into claim 1 of docs/proof.md.
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
    parser.add_argument("--clips", type=Path, required=True, help="keeps the clips")
    parser.add_argument("--hours", type=float, default=1000.0, help="begin no clip after these")
    parser.add_argument("--tell", action="store_true", help="render nothing, tell what is there")
    options = parser.parse_args()
    claims = "animatediff_kit.benchmarks.claims"
    if options.tell:
        table = importlib.import_module(f"{claims}.flicker_table").tell(options.clips)
        print(importlib.import_module(f"{claims}.findings").markdown(table))
    else:
        importlib.import_module(f"{claims}.flicker").render(options.clips, options.hours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
