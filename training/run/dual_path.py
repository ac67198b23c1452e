"""Two paths (MotionDirector, Zhao et al. 2023): a spatial LoRA takes up how the clips look, so that
the temporal one need not, and is thrown away.

The published code trains both at once. Neither loss needs the other LoRA to learn, so here the
spatial one is trained first, on single frames, as the domain adapter of stage 1 is. The MotionLoRA
is then trained on the image model with it, best with the appearance-debiased loss (the setting
`debias`), and written alone.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

from comfy.model_patcher import ModelPatcher
from safetensors.torch import load_file
from torch import Tensor

from ...motion_models.domain_adapter import apply_domain_adapter
from ..engine.batches import Clips
from ..engine.checkpoints import found
from ..engine.clip_loss import ClipLoss
from ..engine.config import TrainingSettings
from ..engine.export import file_tensors
from ..engine.loop import Run
from ..files.atomic import save_tensors
from ..files.fingerprints import digest_of
from ..models.conditioning import ModelInputs
from ..models.stages import DeviceAndDtype, domain_adapter, models_digest
from .in_comfyui import cancel_if_asked

log = logging.getLogger(__name__)

NAME, LOOKS = "the look of the clips", "look-*.safetensors"
SLOWER = 0.2
"""The spatial LoRA's learning rate over the temporal one's, as in the published settings."""


def with_the_look(
    model: ModelPatcher,
    clips: Clips,
    settings: TrainingSettings,
    rank: int,
    steps: int,
    target: DeviceAndDtype,
    folder: Path,
) -> ModelPatcher:
    """A clone of `model` with a LoRA on that was trained on single frames of the clips.

    folder: keeps the LoRA, so that a run that is resumed has the same one (look_of_run.py), and its
    checkpoints until it is trained. Raises ValueError as stage 1 does.
    """
    settings = of_the_look(settings, steps)
    made_by = [models_digest(model), clips.fingerprint, rank, steps, settings.decides()]
    path = folder / LOOKS.replace("*", digest_of(made_by)[:24])
    if not path.is_file():
        tensors = trained(model, clips, settings, rank, target, path.with_suffix(""))
        save_tensors(path, tensors, {"format": "pt"})
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)
    return apply_domain_adapter(model, load_file(path), 1.0, NAME)


def of_the_look(settings: TrainingSettings, steps: int) -> TrainingSettings:
    """The MotionLoRA's settings, but for what only motion has."""
    plain = TrainingSettings()
    names = ("min_timestep", "max_timestep", "debias", "snr_gamma", "input_perturbation", "ema")
    lora = ("lora_sites", "lora_feed_forward", "lora_alpha", "lora_plus")
    return replace(
        settings,
        steps=steps,
        warmup=min(settings.warmup, steps),
        learning_rate=SLOWER * settings.learning_rate,
        preview_every=0,
        stop_rules="",
        **{name: getattr(plain, name) for name in (*names, *lora)},
    )


def trained(
    model: ModelPatcher,
    clips: Clips,
    settings: TrainingSettings,
    rank: int,
    target: DeviceAndDtype,
    folder: Path,
) -> dict[str, Tensor]:
    """The file's tensors. A function of its own, so that what the run holds is gone behind it."""
    trainee = domain_adapter(model, rank, settings.seed, target)
    try:
        run = Run(ClipLoss(trainee, clips, ModelInputs(model), settings), folder, cancel_if_asked)
        if checkpoints := found(folder):
            run.resume(checkpoints[-1])
        log.info("AnimateDiff Kit: %d steps for %s.", settings.steps, NAME)
        run.train()
        return file_tensors(run)
    finally:
        trainee.denoiser.uncheckpoint_layers()
