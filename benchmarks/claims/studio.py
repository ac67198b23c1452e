"""Renders clips with the small world's models, through ComfyUI's sampler and the pack's own
functions. A clip is rendered once: it is kept under what it was made of, the weights included."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
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
from tqdm import tqdm

from ...motion_models.domain_adapter import apply_domain_adapter
from ...motion_models.inject import apply_motion_model
from ...motion_models.layers import MotionSettings
from ...motion_models.load import load_motion_model, motion_model
from ...motion_models.lora import apply_motion_lora
from ...motion_models.read import read_weights
from ...motion_models.strength import Strength
from ...sampling.apply_windows import apply_context_windows
from ...sampling.betas import AUTOMATIC, apply_beta_schedule
from ...sampling.free_noise import FreeNoise
from ...sampling.guidance import end_guidance
from ...sampling.windows import WindowSettings
from ...small_world import files
from ...small_world.motions import FRAMES, SIDE
from ...small_world.temporal_convolution import load_convolutions
from ...training.files.fingerprints import digest_of
from .scenes import Case

ROOT = Path(__file__).resolve().parents[2]
WORLD = ROOT / ".comfy" / "small_world"
FULL = 256  # clips of the largest sets; every other number is in proportion
STEPS, GUIDANCE, SAMPLER, SCHEDULER = 20, 6.0, "euler", "normal"

# without a motion module, pictures that have nothing to do with each other; the shipped one; the
# one of claim 5
STILL, TRANSFORMER, CONVOLUTION = "still", "transformer", "convolution"
MOTION = files.MOTION_MODELS / files.MOTION_MODEL
IMAGES = files.CHECKPOINTS / "base.safetensors"
OWN_FILES = {
    # of each image model, beside the base's
    files.BASE: (),
    files.OUTLINED: (files.CHECKPOINTS / "outlined.safetensors",),
    files.NEON: (files.LORAS / files.NEON_LORA,),
}
# the pack's code that a clip goes through
CODE = ("sampling/*.py", "motion_models/*.py", "small_world/models.py", "small_world/auto*.py")


@dataclass(frozen=True)
class Shot:
    """All that a clip is made of. moves: MotionLoRA files and strengths; free_noise: noise that
    repeats over the windows; steps: of the sampler; guided_above: the noise level at which
    guidance ends; motion_every: of so many steps one is sampled with the motion module."""

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
    scheduler: str = SCHEDULER
    guided_above: float = 0.0
    motion_every: int = 1


def shipped_move(move: str, strength: float = 1.0) -> tuple[Path, float]:
    return files.MOTION_LORAS / files.motion_lora(move), strength


@cache
def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def check_alike(path: Path, other: Path, entries: Sequence[str]) -> None:
    """Raise ValueError where two trained files may not be compared: their metadata differ in one of
    these entries, or lack it."""
    about: list[Any] = [read_weights(str(file))[1] for file in (path, other)]
    for entry in entries:
        first, second = (one.get(entry) for one in about)
        if first != second or first is None:
            raise ValueError(
                f"{path.name} and {other.name} cannot be compared: their {entry} are {first} and "
                f"{second}, and must be the same. Train the one that is out of date again."
            )


loaded: Callable[[str], Any] = cache(files.load)
transformer = cache(lambda path: load_motion_model(str(path)))
convolutions = cache(lambda path: load_convolutions(path, loaded(files.BASE)[0]))


@dataclass
class Studio:
    """folder: keeps clips and judging networks;   clips: of the largest set, FULL for what is
    reported;   pictures: docs/images/proof;   world: what `python small_world` trained that does
    not ship;   used: file -> digest of all weights so far"""

    folder: Path
    clips: int = FULL
    pictures: Path = ROOT / "docs" / "images" / "proof"
    world: Path = WORLD
    used: dict[str, str] = field(default_factory=dict)

    def scaled(self, count: int) -> int:
        """Of `count` clips at full size; at least 4, of which a jackknife leaves three."""
        return max(4, round(count * self.clips / FULL))

    def note(self, paths: Iterable[Path]) -> None:
        self.used |= {path.name: digest(path) for path in paths}

    def shoot(self, found: Iterable[Case], **more: Any) -> list[Tensor]:
        """The scenes' clips.   more: of each Shot, beside the caption and the seed"""
        shots = [Shot(case.caption, case.seed, **more) for case in found]
        self.note(path for shot in shots for path in self.weights(shot))
        told = tqdm(shots, "clips", leave=False, delay=10, mininterval=10)
        return [self.render(shot) for shot in told]

    def decoded(self, found: Iterable[Case]) -> list[Tensor]:
        """Real clips as well as the autoencoder can show them."""
        return [through_autoencoder(case.real) for case in found]

    def weights(self, shot: Shot) -> list[Path]:
        """The files that a clip is made with."""
        used = [IMAGES, *OWN_FILES[shot.model]]
        if shot.adapter:
            used.append(files.LORAS / files.ADAPTER)
        if shot.motion != STILL:
            used += [self.motion_file(shot.motion), *(path for path, _ in shot.moves)]
        return used

    def motion_file(self, kind: str) -> Path:
        """Raises ValueError where it was not trained yet."""
        path = MOTION if kind == TRANSFORMER else self.world / "convolution.safetensors"
        if not path.is_file():
            raise ValueError(
                f"The weights of the temporal convolution, {path}, are missing. Train them by "
                "`python small_world convolution`."
            )
        return path

    def file(self, shot: Shot) -> Path:
        """Where the clip is kept; the same wherever its weights lie."""
        made_by = [*map(digest, self.weights(shot)), *self.code(shot)]
        how = [comfyui_version.__version__, str(comfy.model_management.get_torch_device())]
        told = {**asdict(shot), "moves": [strength for _, strength in shot.moves]}
        name = digest_of([told, made_by, how, GUIDANCE, SAMPLER])[:24]
        return self.folder / f"{name}.npz"

    def code(self, shot: Shot) -> list[Any]:
        """What of the pack's code a clip is kept under: all that it goes through."""
        return [digest(path) for path in sorted(path for part in CODE for path in ROOT.glob(part))]

    def render(self, shot: Shot) -> Tensor:
        """f h w 3 in 0..1, in steps of 1/255"""
        path = self.file(shot)
        if not path.is_file():
            frames = (decoded(loaded(shot.model)[2], self.sample(shot)) * 255).round().byte()
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            with partial.open("wb") as file:
                np.savez_compressed(file, frames=frames.numpy())
            partial.replace(path)
        return torch.from_numpy(np.load(path)["frames"]).float() / 255

    @torch.inference_mode()
    def sample(self, shot: Shot) -> Tensor:
        """-> f 4 h w"""
        empty = torch.zeros((shot.frames, 4, SIDE // 8, SIDE // 8))
        noise: Any = comfy.sample.prepare_noise(empty, shot.seed, None)
        if shot.free_noise:
            assert shot.windows is not None
            free = FreeNoise(shot.seed, shot.windows.length, shot.windows.overlap)
            noise = free.generate_noise({"samples": empty})
        asked, nothing = (encoded(loaded(shot.model)[1], text) for text in (shot.caption, ""))
        return comfy.sample.sample(
            self.model(shot), noise, shot.steps, GUIDANCE, SAMPLER, shot.scheduler, asked,
            nothing, empty, disable_pbar=True, seed=shot.seed,
        )  # fmt: skip

    def model(self, shot: Shot) -> ModelPatcher:
        model = loaded(shot.model)[0]
        if shot.adapter:
            model = adapted(model, shot.adapter)
        if shot.motion == STILL:
            return model
        load = convolutions if shot.motion == CONVOLUTION else transformer
        motion = load(self.motion_file(shot.motion))
        for file, strength in shot.moves:
            motion = apply_motion_lora(motion, files.weights_of(file), strength, file.name)
        model = apply_motion_model(model, motion, MotionSettings(strength_of(shot)))
        model = apply_beta_schedule(model, AUTOMATIC, motion_model(motion).spec.family)
        if shot.guided_above:
            model = end_guidance(model, shot.guided_above)
        return model if shot.windows is None else apply_context_windows(model, shot.windows)


def strength_of(shot: Shot) -> Strength:
    """1, or 0 in the steps that are sampled without the motion module."""
    every, steps = shot.motion_every, shot.steps
    if every == 1:
        return 1.0
    return lambda call, height, width: float(round(call.progress * steps) % every == 0)


def adapted(model: ModelPatcher, scale: float) -> ModelPatcher:
    adapter = files.weights_of(files.LORAS / files.ADAPTER)
    return apply_domain_adapter(model, adapter, scale, files.ADAPTER)


@torch.inference_mode()
def decoded(vae: Any, latents: Tensor) -> Tensor:
    return vae.decode(latents).float().cpu().clamp(0, 1)


@torch.inference_mode()
def through_autoencoder(frames: Tensor) -> Tensor:
    """What is left of real frames after encoding and decoding: the best that a generated clip can
    be.   f h w 3 -> f h w 3"""
    vae = loaded(files.BASE)[2]
    return decoded(vae, vae.encode(frames)).clone()


def encoded(clip: Any, text: str) -> list[Any]:
    found = clip.encode_from_tokens(clip.tokenize(text), return_pooled=True, return_dict=True)
    return [[found.pop("cond"), found]]
