"""Models of ComfyUI's and the pack's real classes with two levels, so that a training step takes
milliseconds, and runs over them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from animatediff_kit.motion_models.load import build
from animatediff_kit.motion_models.specs import FAMILIES, MotionLayout, MotionSpec, expected_shapes
from animatediff_kit.small_world.unet_config import unet_config
from animatediff_kit.training.engine.batches import Clips
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.config import TrainingSettings
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.engine.processes import OneProcess
from animatediff_kit.training.models import stages
from animatediff_kit.training.models.conditioning import ModelInputs
from animatediff_kit.training.models.pia_stage import pia
from animatediff_kit.training.models.stages import DeviceAndDtype, Trainee
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..support.tiny import CONTEXT, TinySD15, loaded, randomise
from .clips import ClipsInMemory

UNET = unet_config(
    32,
    CONTEXT,
    channel_mult=(1, 2),
    num_res_blocks=[1, 1],
    transformer_depth=[1, 1],
    transformer_depth_output=[1, 1, 1, 1],
)
LAYOUT = MotionLayout((32, 64), False, 1)
CPU = DeviceAndDtype(torch.device("cpu"), torch.float32)
RANK = 4


def image_model(seed: int = 0) -> ModelPatcher:
    """An SD1.5 MODEL of two levels with live weights."""
    return loaded(TinySD15({**UNET, "dtype": torch.float32}), seed)


def motion_spec(family: str) -> MotionSpec:
    known = FAMILIES[family]
    return MotionSpec(f"small_{family}", known, LAYOUT, known.positions)


def motion_patcher(family: str = "v3", seed: int = 7) -> ModelPatcher:
    """A live motion model for `image_model`."""
    shapes = expected_shapes(LAYOUT)
    weights = randomise({key: torch.empty(shape) for key, shape in shapes.items()}, seed)
    return build(motion_spec(family), weights)


def trainee(stage: str, seed: int = 0, rank: int = RANK, where: DeviceAndDtype = CPU) -> Trainee:
    """What `stage` trains, on the small models."""
    model = image_model()
    if stage == stages.DOMAIN_ADAPTER:
        return stages.domain_adapter(model, rank, seed, where)
    if stage == stages.MOTION_MODULE:
        return stages.motion_module(model, motion_patcher(), "v3", seed, where)
    if stage == stages.PIA:
        return pia(model, motion_patcher(), seed, where)
    return stages.motion_lora(model, motion_patcher(), rank, seed, where)


def settings(**changes: Any) -> TrainingSettings:
    """Few steps without checkpointing; learning rates are high, as the models are small."""
    plain: dict[str, Any] = dict(
        steps=4, batch_size=2, learning_rate=1e-3, gradient_checkpointing=False, save_every=0
    )
    return TrainingSettings(**{**plain, **changes})


def run(
    folder: Path,
    stage: str = stages.MOTION_LORA,
    where: DeviceAndDtype = CPU,
    clips: Clips | None = None,
    watch: Any = None,
    processes: Any = None,
    **changes: Any,
) -> Run[ClipLoss]:
    """A run of a stage from its start; `changes` are training settings."""
    loss = ClipLoss(
        trainee(stage, where=where),
        clips if clips is not None else ClipsInMemory(frames=2, side=4),
        ModelInputs(image_model()),
        settings(**changes),
        processes or OneProcess(),
    )
    return Run(loss, folder) if watch is None else Run(loss, folder, watch)


def weights(run: Run[Any]) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in run.parameters.items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(t, b[name]) for name, t in a.items())
