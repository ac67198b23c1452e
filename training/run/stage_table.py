"""The [stage] table of a run's TOML file: what is trained, and which keys each stage takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...motion_models.specs import FAMILIES
from ..data.camera_axes import AXES
from ..models.lora_sites import check_rank
from ..models.stages import DOMAIN_ADAPTER, MOTION_LORA, MOTION_MODULE, PIA

CAMERA_MOVE = "camera_move"
"""MotionLoRAs of camera axes, from pictures that a camera moves over."""

STAGES = (DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA, PIA, CAMERA_MOVE)


@dataclass(frozen=True)
class StageTable:
    """rank: of LoRAs;   family: of a new motion module;   start: a MotionLoRA to train on.

    axes: of a camera move, one or several of AXES;   clips: that are cut from its pictures;
    pictures: that the model draws, of a source that is a file of prompts.
    look_steps: in which a LoRA that is thrown away takes up the look of the clips (dual_path.py).
    """

    name: str
    rank: int = 64
    family: str = "v3"
    start: Path | None = None
    axes: tuple[str, ...] = ()
    clips: int = 64
    pictures: int = 16
    look_steps: int = 0


TAKEN_BY: dict[str, tuple[tuple[str, ...], str]] = {
    # a key -> the stages that it has an effect in, and why it has none in the others
    "rank": (
        (DOMAIN_ADAPTER, MOTION_LORA, CAMERA_MOVE),
        "A motion module or PIA model is trained whole.",
    ),
    "family": (
        (MOTION_MODULE,),
        "Only a motion module that is trained from zero is given one.",
    ),
    "start": ((MOTION_LORA,), "Only a MotionLoRA is trained on from a file."),
    "axes": ((CAMERA_MOVE,), "Only a camera_move has axes."),
    "clips": ((CAMERA_MOVE,), "Only a camera_move cuts clips from pictures."),
    "pictures": ((CAMERA_MOVE,), "Only a camera_move has pictures drawn."),
    "look_steps": ((MOTION_LORA,), "Only a motion_lora is trained beside the look of its clips."),
}


def check_stage(stage: StageTable) -> None:
    """Raise ValueError for the first value that means nothing by itself."""
    choose("[stage] name", stage.name, STAGES)
    choose("[stage] family", stage.family, tuple(FAMILIES))
    try:
        check_rank(stage.rank)
    except ValueError as error:
        raise ValueError(f"[stage] rank: {error}") from error
    for name, least in (("clips", 1), ("pictures", 1), ("look_steps", 0)):
        value = getattr(stage, name)
        if value < least:
            raise ValueError(f"[stage] {name} is {value}; it must be at least {least}.")
    if stage.name == CAMERA_MOVE:
        check_axes(stage.axes)


def check_axes(axes: tuple[str, ...]) -> None:
    known = ", ".join(AXES)
    if not axes:
        raise ValueError(
            f'[stage] axes is missing: name what the camera does, such as axes = ["zoom"]. The '
            f"axes are {known}."
        )
    for axis in axes:
        choose("[stage] axes", axis, tuple(AXES))
        if axes.count(axis) > 1:
            raise ValueError(f"[stage] axes names {axis!r} twice; each axis is trained once.")


def useless_keys(stage: StageTable, written: Mapping[str, Any]) -> dict[str, str]:
    """Keys of [stage] that are written and have no effect in this stage, each with the reason."""
    return {
        f"[stage] {key}": why
        for key, (stages, why) in TAKEN_BY.items()
        if key in written and stage.name not in stages
    }


def choose(place: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError for what is none of the choices."""
    if value not in choices:
        raise ValueError(f"{place} is {value!r}; it must be one of {', '.join(choices)}.")
