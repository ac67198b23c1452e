"""Short trainings of the small world, as the training nodes run them: each step's loss, and the
previews with the steps that they are of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import numpy as np
import torch

from ...small_world import files
from ...small_world.world_clips import WorldClips
from ...training.data.fill_cache import encode_clips
from ...training.engine.clip_loss import ClipLoss
from ...training.engine.config import TrainingSettings
from ...training.engine.loop import Report, Run
from ...training.engine.previews import sample_clip
from ...training.models import stages
from ...training.models.conditioning import ModelInputs
from ...training.run.eyes import Eyes
from .kept import as_bytes, kept
from .world import image_model, models, motion_model

CLIPS = 12


@dataclass(frozen=True)
class Stage:
    """kind: of small_world.world_clips.KINDS;   make: of training.models.stages"""

    kind: str
    make: Callable[..., Any]
    settings: dict[str, Any] = field(default_factory=dict)


PLAIN: dict[str, Any] = {
    "batch_size": 1,
    "precision": "fp32",
    "gradient_checkpointing": False,
    "save_every": 0,
}
STAGES = {
    "adapter": Stage(
        "stills",
        lambda seed, target: stages.domain_adapter(image_model(files.BASE), 8, seed, target),
        {"steps": 60, "batch_size": 8, "learning_rate": 0.002, "preview_every": 20},
    ),
    "lora": Stage(
        "pan left",
        lambda seed, target: stages.motion_lora(image_model(), motion_model(), 8, seed, target),
        {
            "steps": 60,
            "learning_rate": 0.005,
            "min_timestep": 700,
            "snr_gamma": 0.003,
            "debias": 1.0,
            "preview_every": 20,
        },
    ),
    "module": Stage(
        "clean",
        lambda seed, target: stages.motion_module(image_model(), None, "v3", seed, target),
        {"steps": 60, "learning_rate": 0.001, "snr_gamma": 0.1, "preview_every": 20},
    ),
}


def training(name: str, seed: int) -> dict[str, np.ndarray]:
    """A run of STAGES.   -> losses: s;  steps: p;  previews: p f h w 3"""
    return kept(f"train_{name}-{seed}", partial(trained, STAGES[name], seed))


def trained(stage: Stage, seed: int) -> dict[str, np.ndarray]:
    settings = TrainingSettings(**{**PLAIN, "seed": seed, **stage.settings})
    target = stages.DeviceAndDtype(memory.get_torch_device(), torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        clips = encoded(WorldClips(stage.kind, CLIPS, seed), Path(folder) / "clips")
        loss = ClipLoss(stage.make(seed, target), clips, ModelInputs(image_model()), settings)
        run = Run(loss, Path(folder) / "run")
        seen = Seen(run)
        run.watch = seen
        run.train()
    found = np.stack(seen.previews)
    return {"losses": np.array(run.losses), "steps": np.array(seen.steps), "previews": found}


@torch.inference_mode()
def encoded(clips: WorldClips, folder: Path) -> Any:
    _, clip, vae = models(files.BASE)
    return encode_clips(clips, vae, clip, folder)


class Seen:
    """Keeps the previews of a run."""

    def __init__(self, run: Run[Any]) -> None:
        self.run, self.steps, self.previews = run, list[int](), list[np.ndarray]()

    def __call__(self, report: Report) -> None:
        if report.step % self.run.settings.preview_every == 0:
            self.steps.append(report.step)
            self.previews.append(as_bytes(drawn(self.run)[:, ::4, ::4]))


def drawn(run: Run[ClipLoss]) -> torch.Tensor:
    """What the weights draw so far, in the colours of live previews.   -> f h w 3 in 0..1"""
    loss = run.loss
    latents = sample_clip(loss.trainee, loss.clips, loss.inputs, run.dtype, run.settings.seed)
    return Eyes().pixels(latents, loss.inputs.base.latent_format)
