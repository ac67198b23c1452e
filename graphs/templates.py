"""Every template that ships, by the name of its file.

The page shows that name as the title, and `?template=NAME` takes letters, digits, "-" and "_"
alone: so words are joined by "-". The numbers keep the order where folders are listed by name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from . import animations, sources, trainings, variants
from .animations import Template
from .kinds import Info
from .newer import NEWER
from .saved import text, workflow

FOLDER = "example_workflows"

TEMPLATES: dict[str, Callable[[Info], Template]] = {
    # on the models that ship
    "01-Small-world-text-to-animation": partial(animations.text_to_animation, small=True),
    "02-Small-world-camera-move": partial(animations.camera_move, small=True),
    "03-Small-world-prompt-travel": partial(animations.prompt_travel, small=True),
    "04-Small-world-long-animation": partial(animations.long_animation, small=True),
    "05-Small-world-closed-loop": partial(animations.closed_loop, small=True),
    "06-Small-world-image-to-animation": sources.small_image_to_animation,
    "07-Small-world-video-to-animation": sources.small_video_to_animation,
    "08-Small-world-strength-over-time": variants.strength_over_time,
    "09-Small-world-train-a-camera-move": trainings.train_a_camera_move,
    # on models of the user's
    "10-Text-to-animation": partial(animations.text_to_animation, small=False),
    "11-LCM-8-steps": variants.lcm,
    "12-Lightning-4-steps": variants.lightning,
    "13-Camera-move": partial(animations.camera_move, small=False),
    "14-Prompt-travel": partial(animations.prompt_travel, small=False),
    "15-Long-animation": partial(animations.long_animation, small=False),
    "16-Closed-loop": partial(animations.closed_loop, small=False),
    "17-Image-to-animation": sources.image_to_animation,
    "18-Video-to-animation-with-ControlNet": sources.video_to_animation,
    "19-SDXL": variants.sdxl,
    "20-Temporal-decoder": variants.temporal_decoder,
    "21-Frame-interpolation": variants.frame_interpolation,
    "22-Train-a-MotionLoRA": trainings.train_motion_lora,
    "23-Fine-tune-a-motion-module": trainings.fine_tune_motion_module,
}


def built(name: str, info: Info) -> dict[str, Any]:
    """A template's file as it is to be, for a server's `/object_info`."""
    page, lanes = TEMPLATES[name]({**NEWER, **info})
    return workflow(name, page, lanes)


def write(root: Path, info: Info) -> list[Path]:
    """Writes every template anew; returns the files."""
    written: list[Path] = []
    for name in TEMPLATES:
        path = root / FOLDER / f"{name}.json"
        path.write_text(text(built(name, info)), encoding="utf-8")
        written.append(path)
    return written
