"""Stage 2's loss on clips that it was not trained on, of any motion modules (Q1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import comfy.model_management as memory
import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...motion_models.domain_adapter import apply_domain_adapter
from ...motion_models.load import load_motion_model
from ...small_world import files
from ...small_world.draw import video
from ...training.models import stages
from ...training.models.conditioning import ModelInputs
from ...training.models.stages import DeviceAndDtype, Trainee
from .charts import curves
from .controls import shuffled_order
from .estimates import Estimate, bootstrap, mean
from .findings import Picture
from .measures.order_gain import Predict, draws_for, losses
from .scenes import REPORT, Case, noise_seed
from .sitting import Sitting
from .studio import MOTION, encoded, loaded

DRAWS = 8
MIDDLES = [(i + 0.5) / DRAWS for i in range(DRAWS)]
"""Of the parts of the schedule that the timesteps are drawn from, as t / T."""

CONDITIONS = (files.CHECKPOINTS / "base.safetensors", files.LORAS / files.ADAPTER)
"""The files of the models that stage 2 stood on."""


class Losses(NamedTuple):
    """In the true order of the frames and in another.   clips draws"""

    true: np.ndarray
    shuffled: np.ndarray


def here() -> DeviceAndDtype:
    return DeviceAndDtype(memory.get_torch_device(), torch.float32)


def adapted() -> ModelPatcher:
    """The base model with the adapter at scale 1, as stage 2 has it."""
    adapter = files.weights_of(files.LORAS / files.ADAPTER)
    return apply_domain_adapter(files.load(files.BASE)[0], adapter, 1.0, files.ADAPTER)


def module_on(model: ModelPatcher, shipped: bool = True) -> Trainee:
    """The shipped motion module, or one as stage 2 begins: the last layers are zero."""
    motion = load_motion_model(str(MOTION)) if shipped else None
    return stages.motion_module(model, motion, "v3", 0, here())


def clip_losses(
    sitting: Sitting,
    model: ModelPatcher,
    signal: Tensor,
    predictors: Mapping[str, Predict],
    count: int,
) -> dict[str, Losses]:
    """Of all of them on the same `count` clips, noises and timesteps."""
    sitting.note((MOTION, *CONDITIONS))
    found: dict[str, list[list[np.ndarray]]] = {name: [] for name in predictors}
    for number in range(count):
        case = Case(video(REPORT, number), noise_seed(REPORT, number))
        clean, text = encoded_clip(model, case)
        order = shuffled_order(len(clean), case.seed)
        draws = draws_for(case.seed, tuple(clean.shape), DRAWS, len(signal), order)
        for name, predict in predictors.items():
            both = [losses(predict, clean, text, draws, signal, wrong) for wrong in (False, True)]
            found[name].append(both)
    return {name: Losses(*np.stack(rows, axis=1)) for name, rows in found.items()}


def encoded_clip(model: ModelPatcher, case: Case) -> tuple[Tensor, Tensor]:
    """The latents that the model would be trained on, with the defect, and the caption.
    -> f 4 h w, t c"""
    _, clip, vae = loaded(files.BASE)
    with torch.inference_mode():
        latents = vae.encode(case.spoiled)
        text = encoded(clip, case.caption)[0][0][0]
    clean = ModelInputs(model).scaled(latents.clone()).float()  # no longer of inference mode
    return clean, text.clone()


def gain(worse: np.ndarray, better: np.ndarray) -> Estimate:
    """1 - better / worse, of the same clips and draws.   clips draws, clips draws"""
    return bootstrap(lambda a, b: 1 - np.mean(b) / np.mean(a), worse.mean(1), better.mean(1))


def loss_curves(path: Path, found: Mapping[str, np.ndarray]) -> Picture:
    """clips draws each"""
    lines = {name: [mean(column) for column in part.T] for name, part in found.items()}
    return curves(path, MIDDLES, lines, ("t / T", "loss"), "The loss over the timestep")
