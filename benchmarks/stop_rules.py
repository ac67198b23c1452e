"""Does a stop rule end a run where a person reading its curves would, and never a run that learns
nothing?

    .venv/bin/python benchmarks/stop_rules.py --runs FOLDER [--hours 4] [--only "pan left"]
    .venv/bin/python benchmarks/stop_rules.py --runs FOLDER --tell

Trains MotionLoRAs of three moves of the small world's camera, and of the same clips with their
frames shuffled, to the last step: the rule is asked at every look, but ends nothing, so that the
whole curve is there. What was stopped goes on where it was; --hours begins no step after so long.
--tell writes each run's curves.png into its folder, without the rule, and compares. A person looks
at them first and writes the step that they would have stopped at into FOLDER/choices.toml:
`"pan left" = 160`.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui


def main() -> int:
    enter_comfyui()
    sys.path.remove(str(Path(__file__).resolve().parent.parent))  # its `nodes` hide ComfyUI's
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, required=True, help="keeps the runs")
    parser.add_argument("--hours", type=float, default=1000.0, help="begin no step after these")
    parser.add_argument("--only", default="", help="one of the runs, by its name")
    parser.add_argument("--tell", action="store_true", help="train nothing, tell what is there")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    stopping = importlib.import_module("animatediff_kit.benchmarks.claims.stopping")
    if options.tell:
        print(stopping.tell(options.runs))
    else:
        stopping.train(options.runs, options.hours, options.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
