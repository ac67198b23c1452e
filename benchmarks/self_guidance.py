"""More motion for nothing? Temporal self-guidance (ByTheWay) on clips of claim 1.

    .venv/bin/python benchmarks/self_guidance.py --clips FOLDER [--hours 4] [--tell]

Renders 16 clips of claim 1 with temporal attention maps that are changed as self_guidance.py of
benchmarks/claims says, and keeps each and its figures in FOLDER: a run that was stopped goes on
where it was. The folder may be that of flicker.py, whose clips are taken. --tell prints what they
come to, and writes it into claim 1 of docs/proof.md.
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
    guidance = importlib.import_module(f"{claims}.self_guidance")
    if options.tell:
        findings = importlib.import_module(f"{claims}.findings")
        print(findings.markdown(guidance.tell(options.clips)))
    else:
        guidance.render(options.clips, options.hours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
