"""The animations of the help pages, web/docs/pictures/<node id>.webp, drawn by the small world.

    .venv/bin/python benchmarks/help_pictures.py [--only ADK_Animate ...] [--seed 0] [--afresh]

Clips and trainings are rendered once and kept in .comfy/small_world/help, so what was stopped goes
on; --afresh renders them anew. The seed is printed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import ROOT, enter_comfyui

FOLDER = ROOT / "web" / "docs" / "pictures"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", metavar="ID", help="node ids; all without it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--afresh", action="store_true", help="render every clip anew")
    options = parser.parse_args()
    enter_comfyui()
    drawing = "animatediff_kit.benchmarks.help_drawing"
    table = importlib.import_module(f"{drawing}.table").SCENES
    save = importlib.import_module(f"{drawing}.webp").save
    if options.afresh:
        importlib.import_module(f"{drawing}.kept").forget()
    names = options.only or list(table)
    if unknown := set(names) - set(table):
        parser.error(f"{', '.join(sorted(unknown))}: no scene; there are {', '.join(table)}.")
    for name in names:
        frames = table[name](options.seed)
        size = save(frames, FOLDER / f"{name}.webp")
        print(f"{name}: {len(frames)} frames, {size} bytes, seed {options.seed}", flush=True)


if __name__ == "__main__":
    main()
