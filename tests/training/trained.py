"""Stages trained for a few steps at tiny size, for tests of what comes after training."""

from __future__ import annotations

from pathlib import Path

import torch
from adk_tests.support import tiny
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.config import TrainingSettings
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.models import stages
from animatediff_kit.training.models.conditioning import ModelInputs
from animatediff_kit.training.models.stages import DeviceAndDtype
from comfy.model_patcher import ModelPatcher

from .clips import ClipsInMemory

CPU = DeviceAndDtype(torch.device("cpu"), torch.float32)
STAGES = (stages.DOMAIN_ADAPTER, stages.MOTION_MODULE, stages.MOTION_LORA)


def trainee(
    stage: str, model: ModelPatcher, motion: ModelPatcher | None, rank: int = 4
) -> stages.Trainee:
    if stage == stages.DOMAIN_ADAPTER:
        return stages.domain_adapter(model, rank, 0, CPU)
    if stage == stages.MOTION_MODULE:
        return stages.motion_module(model, motion, "v3", 0, CPU)
    assert motion is not None
    return stages.motion_lora(model, motion, rank, 0, CPU)


def trained_run(
    stage: str, folder: Path, family: str = "v3", steps: int = 2, **settings: float
) -> Run[ClipLoss]:
    """A run whose weights have moved away from where they started."""
    model, motion = tiny.image_model(), tiny.motion_patcher(family)
    options = TrainingSettings(steps=steps, learning_rate=1e-2, save_every=0, **settings)  # pyright: ignore
    clips = ClipsInMemory()
    loss = ClipLoss(trainee(stage, model, motion), clips, ModelInputs(model), options)
    run = Run(loss, folder)
    run.train()
    return run
