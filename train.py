"""Train a motion module, a MotionLoRA, camera axes or a domain adapter from the command line.

    python train.py RUN.toml [--resume]
    accelerate launch train.py RUN.toml [--resume]

Needs ComfyUI's Python: a clone of the pack in ComfyUI's custom_nodes, or `python run.py install`.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

# an isolated Python, as ComfyUI's portable build has one, leaves out the script's own folder
sys.path.insert(0, str(Path(__file__).resolve().parent))
from standalone.enter_comfyui import enter_comfyui

ROOT = Path(__file__).resolve().parent


def main() -> int:
    # the root holds a package `nodes` that must not hide ComfyUI's
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != ROOT]
    on_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    try:
        enter_comfyui(cpu=True if on_cpu else None)
        command_line = importlib.import_module("animatediff_kit.training.run.command_line")
    except FileNotFoundError as error:
        return refused(str(error))
    except ModuleNotFoundError as error:
        return refused(
            f"The Python package {error.name} is not installed for {sys.executable}. Start "
            "train.py with ComfyUI's Python, or run `python run.py install` once."
        )
    return command_line.main(sys.argv[1:])


def refused(why: str) -> int:
    sys.stderr.write(f"Error: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
