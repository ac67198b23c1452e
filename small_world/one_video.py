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
from ..training.files.fingerprints import digest_of
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
        "debias": 1.0,
    }
)


def train_one_video(folder: Path, two_paths: bool) -> Path:
    """The MotionLoRA of a thing that slides to the right.   two_paths: with the spatial LoRA, or
    without and all else alike.   -> its file, made where this recipe's is not there"""
    recipe = [vars(SETTINGS), RANK, LOOK_STEPS if two_paths else 0]
    name = f"{'two_paths' if two_paths else 'one_path'}-{digest_of(recipe)[:12]}"
    path = folder / f"{name}.safetensors"
    if path.is_file():
        return path
    model, clip, vae = files.load(files.BASE)
    with torch.inference_mode():
        encode_clips(SlidingClip(WAY), vae, clip, folder / "clips")
    clips, base = EncodedClips(folder / "clips"), model
    motion = load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))
    if two_paths:
        base = with_the_look(model, clips, SETTINGS, RANK, LOOK_STEPS, placement(), folder)
    trainee = stages.motion_lora(base, motion, RANK, 0, placement())
    loss = ClipLoss(trainee, clips, ModelInputs(model), SETTINGS)
    run = trained(Run(loss, folder / name, Watch()))
    save_weights(path, as_float16(file_tensors(run)), metadata(run))
    return path
