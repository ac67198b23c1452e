"""What a camera move is trained on from the command line: pictures of files, or such as the model
draws of prompts, and a camera that moves over them by amounts that are known."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..data.camera_axes import AXES, CameraAxes, PromptedStills
from ..data.clips import ClipSet
from ..data.held_pictures import HeldPictures
from ..data.probes import PROBES, Probes
from ..data.prompt_file import in_turn, is_prompt_file, prompts_in
from ..data.video_clips import VideoClips
from ..models.axes import Axes
from .own_pictures import own_pictures
from .run_config import ClipsTable, RunConfig

log = logging.getLogger("animatediff_kit.training")

LARGER = 2
"""Times the training size: what pictures are drawn at, so that the camera has room."""


def drawn_pictures(
    config: RunConfig, model: ModelPatcher, clip: Any, vae: Any, folder: Path
) -> Tensor | None:
    """Of a source that is a file of prompts, else None.   -> b h w 3 in 0..1"""
    table = config.clips[0]
    if not is_prompt_file(table.source):
        return None
    texts = in_turn(prompts_in(table.source), config.stage.pictures)
    size = LARGER * table.height, LARGER * table.width
    log.info("Drawing %d pictures of %d x %d.", len(texts), size[1], size[0])
    seed = config.training.seed
    return own_pictures(model, clip, vae, texts, size, seed, folder, lambda done, of: None)


def moved_pictures(config: RunConfig, drawn: Tensor | None = None) -> CameraAxes:
    """The clips.   drawn: the pictures of a source that is a file of prompts; names and amounts
    need none."""
    table, stage = config.clips[0], config.stage
    if is_prompt_file(table.source):
        pictures = stills_of(table, stage.pictures, drawn)
    else:
        pictures = HeldPictures(files_of(table), table.frames)
    count = max(stage.clips, len(pictures))
    return CameraAxes(pictures, stage.axes, count, config.training.seed)


def stills_of(table: ClipsTable, count: int, drawn: Tensor | None) -> ClipSet:
    texts = in_turn(prompts_in(table.source), count)
    pictures = torch.zeros(()).expand(count, 1, 1, 3) if drawn is None else drawn
    return PromptedStills(pictures, texts, table.frames, table.width, table.height)


def files_of(table: ClipsTable) -> ClipSet:
    """Each picture below the source, as image clips are read."""
    settings = replace(table.settings(), images=True)
    return VideoClips(table.source, settings, probes=Probes(table.cache / PROBES))


def axes_of(clips: CameraAxes) -> Axes:
    """What the clips teach: both moves of each axis, and each clip's amounts."""
    amounts = {clips.name(index): clips.amounts(index) for index in range(len(clips))}
    return Axes(tuple(AXES[axis] for axis in clips.axes), amounts)
