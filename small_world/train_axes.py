"""The camera's four axes, trained together with signed amounts: two files of each axis."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from ..motion_models.load import load_motion_model
from ..training.data.cache import EncodedClips
from ..training.data.camera_axes import AXES
from ..training.data.fill_cache import encode_clips
from ..training.engine.clip_loss import ClipLoss
from ..training.engine.config import TrainingSettings
from ..training.engine.export import file_tensors, save_weights
from ..training.engine.loop import Run
from ..training.models import stages
from ..training.models.axes import Axes, axis_tensors
from ..training.models.conditioning import ModelInputs
from . import files
from .axis_clips import AxisClips
from .retrain import PLAIN, Workshop, about_runs, as_float16, placement
from .runs import Watch, trained

log = logging.getLogger(__name__)

NAME = "axes"


def axis_files(shop: Workshop) -> dict[str, Path]:
    """Move -> its file, named as the shipped one."""
    folder = shop.folder / NAME / "files"
    return {move: folder / files.motion_lora(move) for axis in AXES.values() for move in axis}


def train_axes(shop: Workshop) -> None:
    """As [axes] in recipes.toml has it: runs of which each goes on from the one before."""
    recipe = shop.recipe(NAME)
    model, clip, vae = files.load(files.BASE)
    clips = AxisClips(**recipe["clips"])
    place = shop.folder / NAME
    log.info("Encoding %d clips for the axes.", len(clips))
    with torch.inference_mode():
        encode_clips(clips, vae, clip, place / "clips")
    encoded = EncodedClips(place / "clips")
    amounts = {clips.name(i): clips.amounts(i) for i in range(len(clips))}
    axes = Axes(tuple(AXES.values()), amounts)
    motion = load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))
    runs: list[Run[ClipLoss]] = []
    for number, changes in enumerate(recipe["runs"], 1):
        settings = TrainingSettings(**{**PLAIN, **recipe["training"], **changes})
        start = as_float16(file_tensors(runs[-1])) if runs else None
        trainee = stages.motion_lora(
            model, motion, recipe["rank"], settings.seed, placement(), start, axes
        )
        loss = ClipLoss(trainee, encoded, ModelInputs(model), settings)
        runs.append(trained(Run(loss, place / f"run_{number}", Watch())))
    of_moves = axis_tensors(file_tensors(runs[-1]), axes.moves)
    for move, path in axis_files(shop).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_weights(path, as_float16(of_moves[move]), about_runs(runs))
