"""How much better noise is predicted in clips whose order a motion module can see (Q1): stage 2's
loss on clips that it was not trained on, with the same noise and timesteps in the true order of the
frames and in another. A module that learned time is worse on the last; one that merely learned the
training set's look is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import comfy.model_management as memory
import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...motion_models.load import load_motion_model
from ...small_world import files
from ...small_world.draw import video
from ...training.engine.losses import clip_errors
from ...training.models import stages
from ...training.models.conditioning import ModelInputs
from ...training.models.denoiser import Denoiser
from ...training.models.noise_schedule import diffuse
from ...training.models.stages import DeviceAndDtype, Trainee
from .estimates import Estimate, bootstrap, mean
from .findings import Picture
from .pictures import curves
from .scenes import REPORT, numbered, shuffled_order
from .studio import FULL, IMAGES, MOTION, Studio, adapted, encoded, loaded

DRAWS = 8
MIDDLES = [(i + 0.5) / DRAWS for i in range(DRAWS)]  # of the parts that the timesteps are drawn in

Predict = Callable[[Tensor, Tensor, Tensor], Tensor]
"""noisy b f 4 h w, t b, text b t c -> the noise, b f 4 h w"""


class Draws(NamedTuple):
    """t: d, one of each of d equal parts of 0..T-1;   noise: d f 4 h w;   order: f, not time's"""

    t: Tensor
    noise: Tensor
    order: Tensor


class Losses(NamedTuple):
    """In the true order of the frames and in another.   clips draws"""

    true: np.ndarray
    shuffled: np.ndarray


def draws_for(seed: int, shape: tuple[int, ...], count: int, steps: int, order: Tensor) -> Draws:
    """shape: of the clip's latents, f 4 h w"""
    generator = torch.Generator().manual_seed(seed)
    places = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    noise = torch.randn((count, *shape), generator=generator)
    return Draws((places * steps).long().clamp(max=steps - 1), noise, order)


@torch.no_grad()
def losses(
    predict: Predict, clean: Tensor, text: Tensor, draws: Draws, signal: Tensor, wrong: bool = False
) -> np.ndarray:
    """The mean squared error at each draw.   clean: f 4 h w, scaled; text: t c; signal: T; wrong:
    in the other order -> d"""
    count, noise = len(draws.t), draws.noise
    noisy = diffuse(clean.expand(count, *clean.shape), noise, signal[draws.t])
    if wrong:
        noisy, noise = noisy[:, draws.order], noise[:, draws.order]
    predicted = predict(noisy, draws.t, text.expand(count, *text.shape))
    return clip_errors(predicted, noise).double().numpy()


def predictor(denoiser: Denoiser, steps: Tensor | None = None) -> Predict:
    """steps: what the denoiser is told in place of each t;   T"""
    device = next(denoiser.parameters()).device

    def predict(noisy: Tensor, t: Tensor, text: Tensor) -> Tensor:
        told = t if steps is None else steps[t]
        clips, frames = noisy.shape[:2]
        with denoiser.animated(clips, frames):
            return denoiser(noisy.to(device), told.to(device), text.to(device), None).cpu()

    return predict


def nearest_steps(signal: Tensor, own: Tensor) -> Tensor:
    """For each step of one noise schedule the step of another that has as much noise, by the
    logarithm of the signal-to-noise ratio.   signal: T;   own: T' -> T"""
    ours, theirs = torch.logit(signal.double()), torch.logit(own.double())
    return (ours[:, None] - theirs).abs().argmin(dim=1)


def here() -> DeviceAndDtype:
    return DeviceAndDtype(memory.get_torch_device(), torch.float32)


def trained_on() -> ModelPatcher:
    """The base model with the adapter at scale 1, as stage 2 has it."""
    return adapted(files.load(files.BASE)[0], 1.0)


def module_on(model: ModelPatcher, shipped: bool = True) -> Trainee:
    """The shipped motion module, or one as stage 2 begins: the last layers are zero."""
    motion = load_motion_model(str(MOTION)) if shipped else None
    return stages.motion_module(model, motion, "v3", 0, here())


def clip_losses(
    studio: Studio, model: ModelPatcher, signal: Tensor, predictors: Mapping[str, Predict]
) -> dict[str, Losses]:
    """Of all of them on the same clips, noises and timesteps."""
    studio.note((MOTION, IMAGES, files.LORAS / files.ADAPTER))
    found: dict[str, list[list[np.ndarray]]] = {name: [] for name in predictors}
    _, clip, vae = loaded(files.BASE)
    for number in range(studio.scaled(FULL)):
        case = numbered(video(REPORT, number), REPORT, number)
        # as the model was trained, with the defect; clones are no longer of inference mode
        with torch.inference_mode():
            latents, text = vae.encode(case.spoiled), encoded(clip, case.caption)[0][0][0]
        clean, text = ModelInputs(model).scaled(latents.clone()).float(), text.clone()
        order = shuffled_order(len(clean), case.seed)
        draws = draws_for(case.seed, tuple(clean.shape), DRAWS, len(signal), order)
        for name, predict in predictors.items():
            both = [losses(predict, clean, text, draws, signal, wrong) for wrong in (False, True)]
            found[name].append(both)
    return {name: Losses(*np.stack(rows, axis=1)) for name, rows in found.items()}


def gain(worse: np.ndarray, better: np.ndarray) -> Estimate:
    """1 - better / worse, of the same clips and draws.   clips draws, clips draws"""
    return bootstrap(lambda a, b: 1 - np.mean(b) / np.mean(a), worse.mean(1), better.mean(1))


def loss_curves(path: Path, found: Mapping[str, np.ndarray]) -> Picture:
    """clips draws each"""
    lines = {name: [mean(column) for column in part.T] for name, part in found.items()}
    return curves(path, MIDDLES, lines, ("t / T", "loss"), "The loss over the timestep")
