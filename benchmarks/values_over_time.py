"""Do values over frames do in the clips what their curves say?

    .venv/bin/python benchmarks/values_over_time.py [--clips 32] [--only audio]

Renders clips with the small world's models, which ship with the pack, and prints two groups of
lines. Audio: the motion strength follows the onsets of a drum track, and the optical flow into each
frame is held against them; shuffled onsets are the control. Camera: the MotionLoRAs of two opposed
pans cross over the frames of a longer clip, in windows, and the classifier of camera moves reads
each half.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui

GROUPS = ("audio", "camera")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--only", choices=GROUPS)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    enter_comfyui()
    import torch

    torch.set_num_threads(options.threads)
    lines = importlib.import_module("animatediff_kit.benchmarks.values.lines")
    for group in (options.only,) if options.only else GROUPS:
        for line in getattr(lines, f"{group}_lines")(options.clips):
            e = line.found
            told = f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f}, {e.count} clips)"
            print(
                f"{line.name}: {told}; {line.wanted}: {'yes' if line.holds else 'NO'}", flush=True
            )


if __name__ == "__main__":
    main()
