"""A run of `train.py` that has ended, so that Start Training shows it and begins none."""

from __future__ import annotations

import json
from pathlib import Path

from animatediff_kit.training.run.run_log import ABOUT, FINISHED

CONFIG = """
[model]
checkpoint = "CHECKPOINT"
[clips]
source = "videos"
cache = "output/cache"
[stage]
name = "domain_adapter"
[output]
folder = "output/animatediff_kit_training/seen"
name = "seen"
"""


def write_seen_run(root: Path, checkpoint: str) -> None:
    """seen.toml in ComfyUI's folder, and the run's own below its output.   checkpoint: a file's
    path from there"""
    text = CONFIG.replace("CHECKPOINT", checkpoint)
    (root / "seen.toml").write_text(text, encoding="utf-8")
    folder = root / "output" / "animatediff_kit_training" / "seen"
    folder.mkdir(parents=True)
    (folder / "checkpoint-00000002.safetensors").touch()
    about = {"state": FINISHED, "steps": 2, "step": 2, "file": "seen.safetensors"}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
