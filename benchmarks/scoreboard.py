"""The scoreboard: each row a ratio measured in one run, in turn, with outputs compared first.

    python benchmarks/scoreboard.py                  every row that this machine can measure
    python benchmarks/scoreboard.py --only B3,B13
    python benchmarks/scoreboard.py --peer PATH      with a copy of AnimateDiff-Evolved
    python benchmarks/scoreboard.py --compiled       diffusers compiled as well
    python benchmarks/scoreboard.py --write          into benchmarks/results.md

Ratios are medians (lowest - highest) of rounds in turn. On one thread (`--threads 1`) the clock is
the processor's, which other programs disturb little. Rows that were not reached or not measured
stay in the table with the reason.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

if shutil.which("nvidia-smi") is None:
    os.environ["TRITON_INTERPRET"] = "1"  # read when torch imports Triton: launches are counted

sys.path += map(str, Path(__file__).resolve().parents[:2])  # isolated Pythons add neither
from standalone.enter_comfyui import enter_comfyui

RESULTS = Path(__file__).with_name("results.md")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="names of rows, such as B3,B13")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0: torch's choice")
    parser.add_argument("--size", type=int, default=64, help="pixels of B2's pictures")
    parser.add_argument("--width", type=int, default=320, help="channels of B2's UNet")
    parser.add_argument("--map", type=int, default=64, help="height and width of B3's map")
    parser.add_argument("--peer", type=Path, help="folder of AnimateDiff-Evolved")
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def table(options: argparse.Namespace) -> list[str]:
    from board.rows import ROWS

    wanted = [name for name in options.only.split(",") if name]
    lines = ["| row | case | goal | measured |", "|---|---|---|---|"]
    for row in ROWS:
        if not wanted or row.name in wanted:
            lines.append(f"| {row.name} | {row.case} | {row.goal} | {cells(row, options)} |")
            print(lines[-1], flush=True)
    return lines


def cells(row: Any, options: argparse.Namespace) -> str:
    if row.measure is None:
        return row.reason
    try:
        measured = row.measure(options)
    except (ImportError, ValueError, RuntimeError) as error:
        return f"not measured: {str(error).splitlines()[0]}"
    return "; ".join(f"{name}: {value}" for name, value in measured.items())


def heading(options: argparse.Namespace) -> list[str]:
    """Date, commit and kind of machine."""
    from step_time import machine

    words = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(words, capture_output=True, text=True, cwd=RESULTS.parent).stdout
    day = datetime.date.today().isoformat()
    steps = f"B2 at {options.size}x{options.size} pixels and width {options.width}"
    about = f"{options.rounds} rounds; {steps}, B3 at a map of {options.map}x{options.map}"
    return [f"## {day}, {commit.strip()}", "", f"{machine()}; {about}.", ""]


def main() -> None:
    options = arguments()
    enter_comfyui()
    logging.getLogger().setLevel(logging.ERROR)
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    lines = [*heading(options), *table(options), ""]
    if options.write:
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write("\n".join(["", *lines]))


if __name__ == "__main__":
    main()
