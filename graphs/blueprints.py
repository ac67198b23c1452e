"""Blueprints: whole graphs as one node, in ComfyUI's node library by the name of their file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .kinds import Info
from .layout import Group
from .page import Node
from .parts import SCENE, V2, V3, Sheet, checkpoint
from .saved import text
from .subgraph import Fold, blueprint
from .trainings import STILL, clips

FOLDER = "subgraphs"


def _folded(
    on: Sheet, name: str, about: str, animate: Node, frames: int, **sampling: Any
) -> dict[str, Any]:
    """A prompt in, frames out."""
    prompts = on.prompts(SCENE)
    latent = on.latent(frames)
    sampler = on.sampled(animate.out(), prompts, latent.out(), **sampling)
    decoded = on.decoded(sampler.out())
    windows = {"overlap of the windows": [(animate, "context_overlap")]} if frames > 16 else {}
    widgets = {
        "prompt": [(prompts[0], "text")],
        "negative prompt": [(prompts[1], "text")],
        "frames": [(latent, "batch_size")],
        "width": [(latent, "width")],
        "height": [(latent, "height")],
        "seed": [(sampler, "seed")],
        "checkpoint": [(on.loader, "ckpt_name")],
        "motion model": [(animate, "motion_model")],
        "MotionLoRA": [(animate, "motion_lora")],
        **windows,
    }
    fold = Fold(name, about, widgets, {"images": decoded.out()})
    lanes = [
        [Group("Models", [[on.loader, animate]])],
        [Group("What to draw", [[*prompts, latent]])],
        [Group("Sampling", [[sampler, decoded]])],
    ]
    return blueprint(fold, on.page, lanes)


def text_to_animation(info: Info, name: str) -> dict[str, Any]:
    on = checkpoint(info)
    return _folded(on, name, "A prompt becomes an animation.", on.animate(motion_model=V2), 16)


def long_animation(info: Info, name: str) -> dict[str, Any]:
    on = checkpoint(info)
    animate = on.animate(motion_model=V3, context_length=16, context_overlap=4)
    about = "A prompt becomes an animation of any length, in the memory of 16 frames."
    return _folded(on, name, about, animate, 64)


def four_steps(info: Info, name: str) -> dict[str, Any]:
    on = checkpoint(info)
    animate = on.animate(motion_model="animatediff_lightning_4step_comfyui.safetensors")
    few = {"steps": 4, "cfg": 1.0, "scheduler": "sgm_uniform"}
    about = "A prompt becomes an animation in four steps, with AnimateDiff-Lightning."
    return _folded(on, name, about, animate, 16, **few)


def train_a_camera_move(info: Info, name: str) -> dict[str, Any]:
    on = checkpoint(info)
    page = on.page
    motion = page.add("ADK_LoadMotionModel", motion_model=V2)
    conds = on.prompts(STILL)
    drawn = clips(on, conds, 8, "zoom in", caption=STILL)
    settings = page.add("ADK_TrainingSettings", steps=500, learning_rate=0.0002)
    moved, encoded = drawn[-1]
    trained = page.add(
        "ADK_TrainMotionLoRA",
        model=on.model,
        motion_model=motion.out(),
        clips=encoded.out(),
        settings=settings.out(),
        name="my_camera_move",
    )
    widgets = {
        "move": [(moved, "move")],
        "pictures to move over": [(conds[0], "text"), (moved, "caption")],
        "how many pictures": [(drawn[0][-1], "batch_size")],
        "amount": [(moved, "amount")],
        "steps": [(settings, "steps")],
        "name of the file": [(trained, "name")],
        "checkpoint": [(on.loader, "ckpt_name")],
        "motion model": [(motion, "motion_model")],
    }
    about = "Trains a MotionLoRA for a move of the camera, over pictures that it draws itself."
    outputs = {
        "motion model": trained.out("motion_model"),
        "file name": trained.out("file_name"),
        "previews": trained.out("previews"),
    }
    lanes = [
        [Group("Models", [[on.loader, motion]])],
        [Group("Pictures and a camera that moves over them", drawn)],
        [Group("Train", [[settings, trained]])],
    ]
    return blueprint(Fold(name, about, widgets, outputs), page, lanes)


BLUEPRINTS: dict[str, Callable[[Info, str], dict[str, Any]]] = {
    "Text to Animation": text_to_animation,
    "Long Animation": long_animation,
    "Animate in 4 Steps": four_steps,
    "Train a Camera Move": train_a_camera_move,
}


def built(name: str, info: Info) -> dict[str, Any]:
    """A blueprint's file as it is to be, for a server's `/object_info`."""
    return BLUEPRINTS[name](info, name)


def write(root: Path, info: Info) -> list[Path]:
    """Writes every blueprint anew; returns the files."""
    written = [root / FOLDER / f"{name}.json" for name in BLUEPRINTS]
    for path in written:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text(built(path.stem, info)), encoding="utf-8")
    return written
