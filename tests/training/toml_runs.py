"""Runs of `train.py`: a small checkpoint in the real format, clips, and a TOML file about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..stand_in import weights
from ..stand_in.checkpoint import save_safetensors
from ..support.videos import write_captioned

LORA = """
        [stage]
        name = "motion_lora"
        rank = 2
"""

VIDEOS = """
        source = "{files}/clips"
        stride = 2
"""


def write_files(folder: Path) -> None:
    """An SD1.5-type checkpoint, a motion model for it, an adapter, and two videos of 3 frames."""
    weights.write_checkpoint(folder / "base.safetensors")
    save_safetensors(weights.motion_model_state_dict(), folder / "motion.safetensors", {})
    adapter = weights.domain_adapter_state_dict(rank=2)
    save_safetensors(adapter, folder / "adapter.safetensors", {})
    for name in ("red car", "blue boat"):
        write_captioned(folder / "clips" / f"{name}.mp4", 3, f"a {name}")


def remove_weights(folder: Path) -> None:
    """pytest keeps its folders, and these files are large."""
    for path in folder.glob("*.safetensors"):
        path.unlink()


def config(
    files: Path,
    folder: Path,
    model: str = "",
    stage: str = LORA,
    clips: str = VIDEOS,
    **training: Any,
) -> Path:
    """A MotionLoRA of rank 2 on clips of 2 frames at 64 x 64 pixels, if nothing else is said."""
    settings = {"steps": 2, "learning_rate": 1e-2, "preview_every": 0, "caption_dropout": 0.0}
    settings.update(training)
    lines = "\n".join(f"{key} = {value!r}" for key, value in settings.items())
    path = folder / "pan.toml"
    path.write_text(
        f"""
        [model]
        checkpoint = "{files}/base.safetensors"
        motion_model = "{files}/motion.safetensors"
        {model}
        [clips]
        {clips.format(files=files)}
        cache = "{files}/cache"
        frames = 2
        width = 64
        height = 64
        {stage}
        [training]
        {lines}
        [output]
        folder = "run"
        name = "pan"
        """
    )
    return path
