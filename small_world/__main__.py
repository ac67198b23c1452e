"""Retrains the small world's models: `python small_world [STEP ...]`.

Steps, in this order: autoencoder, base, outlined, neon, adapter, motion, and the moves of the
camera ("zoom in"...). What is finished is skipped; what was stopped goes on. By name alone:
convolution, and "zoom in, 5 clips" and its like, which docs/proof.md compares, and axes, which
benchmarks/sliders.py measures; they never ship.
Needs ComfyUI's Python, as train.py does.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    sys.path[:] = [str(ROOT), *(p for p in sys.path if Path(p).resolve() != ROOT / "small_world")]
    importlib.import_module("standalone.enter_comfyui").enter_comfyui()
    sys.path.remove(str(ROOT))  # its `nodes` must not hide ComfyUI's
    return importlib.import_module("animatediff_kit.small_world.command_line").main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
