"""What a run from the command line trains, by its file's [stage] table."""

from __future__ import annotations

from pathlib import Path

from comfy.model_patcher import ModelPatcher

from ...motion_models.load import load_motion_model
from ...motion_models.read import read_finite
from ..engine.batches import Clips
from ..engine.processes import Processes
from ..models import stages
from ..models.pia_stage import pia
from ..models.stages import DeviceAndDtype, Trainee
from .dual_path import with_the_look
from .look_of_run import look_of_run
from .moved_pictures import axes_of, moved_pictures
from .run_config import RunConfig
from .stage_table import CAMERA_MOVE


def make_trainee(
    config: RunConfig,
    model: ModelPatcher,
    clips: Clips,
    target: DeviceAndDtype,
    processes: Processes,
    start_at: Path | None = None,
) -> Trainee:
    """start_at: the checkpoint of a run that is resumed"""
    stage, path, seed = config.stage, config.model.motion_model, config.training.seed
    shape = config.training.lora_shape()
    if stage.name == stages.DOMAIN_ADAPTER:
        return stages.domain_adapter(model, stage.rank, seed, target, shape)
    motion = None if path is None else load_motion_model(str(path))
    if stage.name == stages.MOTION_MODULE:
        return stages.motion_module(model, motion, stage.family, seed, target)
    if stage.name == stages.PIA:
        return pia(model, motion, seed, target)
    assert motion is not None  # run_config.py refuses such a file
    start = None if stage.start is None else read_finite(str(stage.start))
    axes = axes_of(moved_pictures(config)) if stage.name == CAMERA_MOVE else None
    if stage.look_steps:
        model = beside_the_look(config, model, motion, clips, target, processes, start_at)
    return stages.motion_lora(model, motion, stage.rank, seed, target, start, axes, shape)


def beside_the_look(
    config: RunConfig,
    model: ModelPatcher,
    motion: ModelPatcher,
    clips: Clips,
    target: DeviceAndDtype,
    processes: Processes,
    start_at: Path | None,
) -> ModelPatcher:
    """The model with the look of the clips on, which the first process trains and the others then
    find in the cache."""
    stage, folder = config.stage, config.clips[0].cache

    def taken_up() -> ModelPatcher:
        own = look_of_run(model, motion, folder, start_at)
        rank, steps = stage.rank, stage.look_steps
        return own or with_the_look(model, clips, config.training, rank, steps, target, folder)

    first = taken_up() if processes.rank == 0 else None
    processes.wait()
    return taken_up() if first is None else first
