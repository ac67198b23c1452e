"""Do the paper's claims hold? Measures them on the small world, each with a control that must fail.

    .venv/bin/python benchmarks/paper_claims.py [--claims 1 3] [--clips 256]

    1  the motion module learned time          2  it moves personalised models untouched
    3  the adapter takes up the defect         4  MotionLoRAs steer the camera
    5  transformer against convolution         6  context windows show no seams
    7  combinations that were never trained

Writes docs/proof.md and its pictures out of all claims measured so far, which docs/proof keeps as
JSON; clips are kept below .comfy/small_world/proof. So claims can be measured one by one, and a
stopped run goes on. --clips scales all numbers of clips; what is reported has 256. On 2 cores all
of it takes some hours. Claim 5 needs weights that do not ship: `python small_world convolution`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui


def main() -> int:
    enter_comfyui()
    sys.path.remove(str(Path(__file__).resolve().parent.parent))  # its `nodes` hide ComfyUI's
    claims = importlib.import_module("animatediff_kit.benchmarks.claims.command_line")
    return claims.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
