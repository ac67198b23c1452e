"""MotionLoRAs of one clip, with the path that takes up its look and without."""

from __future__ import annotations

from pathlib import Path

import torch

from ..motion_models.load import load_motion_model
from ..training.data.cache import EncodedClips
from ..training.data.fill_cache import encode_clips
from ..training.engine.clip_loss import ClipLoss
from ..training.engine.config import TrainingSettings
from ..training.engine.export import file_tensors, metadata, save_weights
from ..training.engine.loop import Run
from ..training.models import stages
from ..training.models.conditioning import ModelInputs
from ..training.run.dual_path import with_the_look
from . import files
from .retrain import PLAIN, as_float16, placement
from .runs import Watch, trained
from .sliding_clip import SlidingClip

WAY, RANK, LOOK_STEPS = "right", 8, 300
SETTINGS = TrainingSettings(
    **{
        **PLAIN,
        "steps": 300,
        "batch_size": 2,
        "learning_rate": 3e-3,
        "warmup": 20,
        "snr_gamma": 0.1,
        "timestep_draw": "even",
    }
)


def train_one_video(folder: Path, two_paths: bool) -> Path:
    """The MotionLoRA of a thing that slides to the right.   two_paths: with the spatial LoRA and
    the debiased loss; without either otherwise.   -> its file, made where it is not there"""
    name = "two_paths" if two_paths else "one_path"
    path = folder / f"{name}.safetensors"
    if path.is_file():
        return path
    model, clip, vae = files.load(files.BASE)
    with torch.inference_mode():
        encode_clips(SlidingClip(WAY), vae, clip, folder / "clips")
    clips = EncodedClips(folder / "clips")
    motion = load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))
    settings, base = TrainingSettings(**{**vars(SETTINGS), "debias": float(two_paths)}), model
    if two_paths:
        base = with_the_look(model, clips, settings, RANK, LOOK_STEPS, placement(), folder)
    trainee = stages.motion_lora(base, motion, RANK, 0, placement())
    loss = ClipLoss(trainee, clips, ModelInputs(model), settings)
    run = trained(Run(loss, folder / name, Watch()))
    save_weights(path, as_float16(file_tensors(run)), metadata(run))
    return path
