"""Renders clips with the small world's models, through ComfyUI's sampler and the pack's own
functions. A clip is rendered once: it is kept under what it was made of, the weights included."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.sample
import comfyui_version
import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...motion_models.domain_adapter import apply_domain_adapter
from ...motion_models.inject import apply_motion_model
from ...motion_models.load import load_motion_model, motion_model
from ...motion_models.lora import apply_motion_lora
from ...sampling.apply_windows import apply_context_windows
from ...sampling.betas import AUTOMATIC, apply_beta_schedule
from ...sampling.free_noise import FreeNoise
from ...sampling.windows import WindowSettings
from ...small_world import files
from ...small_world.motions import FRAMES, SIDE
from ...small_world.temporal_convolution import load_convolutions

STEPS, GUIDANCE, SAMPLER, SCHEDULER = 20, 6.0, "euler", "normal"

STILL, TRANSFORMER, CONVOLUTION = "still", "transformer", "convolution"
"""Without a motion module: pictures that have nothing to do with each other; the shipped one; the
one of claim 5, whose file is given to the studio."""

MOTION = files.MOTION_MODELS / files.MOTION_MODEL

OWN_FILES = {
    files.BASE: (),
    files.OUTLINED: (files.CHECKPOINTS / "outlined.safetensors",),
    files.NEON: (files.LORAS / files.NEON_LORA,),
}
"""Of each image model, beside the base's."""


@dataclass(frozen=True)
class Shot:
    """All that a clip is made of. moves: MotionLoRA files and strengths; free_noise: noise that
    repeats over the windows; steps: of the sampler."""

    caption: str
    seed: int
    model: str = files.BASE
    motion: str = TRANSFORMER
    adapter: float = 0.0
    moves: tuple[tuple[Path, float], ...] = ()
    frames: int = FRAMES
    windows: WindowSettings | None = None
    free_noise: bool = False
    steps: int = STEPS


def shipped_move(move: str, strength: float = 1.0) -> tuple[Path, float]:
    return files.MOTION_LORAS / files.motion_lora(move), strength


def short_hash(content: bytes, length: int = 16) -> str:
    return hashlib.sha256(content).hexdigest()[:length]


@cache
def digest(path: Path) -> str:
    return short_hash(path.read_bytes())


@cache
def code_digest() -> str:
    """Of the pack's code that a clip goes through, and of ComfyUI's version."""
    root = files.WEIGHTS.parents[1]
    parts = ("sampling/*.py", "motion_models/*.py", "small_world/models.py", "small_world/auto*.py")
    paths = sorted(path for part in parts for path in root.glob(part))
    told = [comfyui_version.__version__, *map(digest, paths)]
    return short_hash(" ".join(told).encode())


loaded: Callable[[str], Any] = cache(files.load)
transformer = cache(lambda path: load_motion_model(str(path)))
convolutions = cache(lambda path: load_convolutions(path, loaded(files.BASE)[0]))


class Studio:
    """folder: keeps the clips;   convolution: the weights of claim 5's modules"""

    def __init__(self, folder: Path, convolution: Path | None = None) -> None:
        self.folder, self.convolution = folder, convolution

    def weights(self, shot: Shot) -> list[Path]:
        """The files that a clip is made with."""
        used = [files.CHECKPOINTS / "base.safetensors", *OWN_FILES[shot.model]]
        if shot.adapter:
            used.append(files.LORAS / files.ADAPTER)
        if shot.motion != STILL:
            used += [self.motion_file(shot.motion), *(path for path, _ in shot.moves)]
        return used

    def motion_file(self, kind: str) -> Path:
        """Raises ValueError where it was not trained yet."""
        if kind == TRANSFORMER:
            return MOTION
        if self.convolution is None or not self.convolution.is_file():
            raise ValueError(
                f"The weights of the temporal convolution, {self.convolution}, are missing. Train "
                "them by `python small_world convolution`."
            )
        return self.convolution

    def file(self, shot: Shot) -> Path:
        """Where the clip is kept; the same wherever its weights lie."""
        moves = tuple((path.name, strength) for path, strength in shot.moves)
        weights = [digest(path) for path in self.weights(shot)]
        how = (GUIDANCE, SAMPLER, SCHEDULER, str(comfy.model_management.get_torch_device()))
        told = repr((replace(shot, moves=moves), weights, how, code_digest()))
        return self.folder / f"{short_hash(told.encode(), 24)}.npz"

    def render(self, shot: Shot) -> Tensor:
        """f h w 3 in 0..1, in steps of 1/255"""
        path = self.file(shot)
        if not path.is_file():
            frames = (self.decode(shot, self.sample(shot)) * 255).round().byte()
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            with partial.open("wb") as file:
                np.savez_compressed(file, frames=frames.numpy())
            partial.replace(path)
        return torch.from_numpy(np.load(path)["frames"]).float() / 255

    def sample(self, shot: Shot) -> Tensor:
        """-> f 4 h w"""
        empty = torch.zeros((shot.frames, 4, SIDE // 8, SIDE // 8))
        clip = loaded(shot.model)[1]
        with torch.inference_mode():
            return comfy.sample.sample(
                self.model(shot), noise_of(shot, empty), shot.steps, GUIDANCE, SAMPLER, SCHEDULER,
                encoded(clip, shot.caption), encoded(clip, ""), empty,
                disable_pbar=True, seed=shot.seed,
            )  # fmt: skip

    def decode(self, shot: Shot, latents: Tensor) -> Tensor:
        with torch.inference_mode():
            return loaded(shot.model)[2].decode(latents).float().cpu().clamp(0, 1)

    def through_autoencoder(self, frames: Tensor) -> Tensor:
        """What is left of real frames after encoding and decoding: the best that a generated clip
        can be.   f h w 3 -> f h w 3"""
        vae = loaded(files.BASE)[2]
        with torch.inference_mode():
            return vae.decode(vae.encode(frames)).float().cpu().clamp(0, 1).clone()

    def model(self, shot: Shot) -> ModelPatcher:
        model = loaded(shot.model)[0]
        if shot.adapter:
            adapter = files.weights_of(files.LORAS / files.ADAPTER)
            model = apply_domain_adapter(model, adapter, shot.adapter, files.ADAPTER)
        if shot.motion == STILL:
            return model
        motion = self.motion(shot)
        model = apply_motion_model(model, motion)
        model = apply_beta_schedule(model, AUTOMATIC, motion_model(motion).spec.family)
        return model if shot.windows is None else apply_context_windows(model, shot.windows)

    def motion(self, shot: Shot) -> ModelPatcher:
        load = convolutions if shot.motion == CONVOLUTION else transformer
        motion = load(self.motion_file(shot.motion))
        for file, strength in shot.moves:
            motion = apply_motion_lora(motion, files.weights_of(file), strength, file.name)
        return motion


def encoded(clip: Any, text: str) -> list[Any]:
    found = clip.encode_from_tokens(clip.tokenize(text), return_pooled=True, return_dict=True)
    return [[found.pop("cond"), found]]


def noise_of(shot: Shot, empty: Tensor) -> Any:
    if not shot.free_noise:
        return comfy.sample.prepare_noise(empty, shot.seed, None)
    assert shot.windows is not None
    noise = FreeNoise(shot.seed, shot.windows.length, shot.windows.overlap)
    return noise.generate_noise({"samples": empty})
