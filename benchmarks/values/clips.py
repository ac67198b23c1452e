"""Clips of the small world whose strengths follow drum tracks and keyframes."""

from __future__ import annotations

from typing import Any

import comfy.sample
import numpy as np
import torch
from torch import Tensor

from ...motion_models.inject import apply_motion_model
from ...motion_models.layers import MotionSettings
from ...motion_models.load import motion_model
from ...motion_models.lora import apply_motion_lora
from ...sampling.apply_windows import apply_context_windows
from ...sampling.betas import AUTOMATIC, apply_beta_schedule
from ...sampling.values.audio import audio_values
from ...sampling.values.over_time import inverse, value_over_time
from ...sampling.windows import WindowSettings
from ...small_world import files
from ...small_world.motions import FRAMES, SIDE
from ..claims.scenes import Case
from ..claims.studio import MOTION, decoded, encoded, loaded, shipped_move, transformer

RATE, FPS = 16_000, 8.0
STEPS, GUIDANCE, SAMPLER, SCHEDULER = 8, 6.0, "euler", "normal"
RELEASE = 0.3
"""Smoothing of the onsets: what is left of them one frame later."""

LONG, WINDOWS = 28, WindowSettings(16, 4)
"""Frames of a clip in which two MotionLoRAs cross over, in two windows."""

CROSSING = "11: 1, 16: 0"
"""Of the first of the two; the second has the inverse. They cross where the windows overlap."""


def drum_track(seed: int, frames: int = FRAMES) -> dict[str, Any]:
    """Drum hits at random frames, 3 to 5 apart, in faint noise: ComfyUI's AUDIO."""
    random = np.random.default_rng(seed)
    samples = 0.02 * random.standard_normal(round(frames / FPS * RATE))
    fade = np.exp(-np.arange(RATE // 20) / (RATE / 100))
    frame = int(random.integers(2, 4))
    while frame < frames:
        first = round((frame + random.uniform(0.1, 0.6)) / FPS * RATE)
        hit = fade * random.standard_normal(len(fade))
        samples[first : first + len(fade)] += hit[: len(samples) - first]
        frame += int(random.integers(3, 6))
    return {"waveform": torch.from_numpy(samples).float()[None, None], "sample_rate": RATE}


def onset_curve(seed: int) -> np.ndarray:
    """The strength of each frame.   -> f"""
    return np.array(audio_values(drum_track(seed), FRAMES, FPS, "onsets", RELEASE))


def with_strength(case: Case, curve: np.ndarray) -> Tensor:
    """A clip whose motion strength is the curve. Its frames share their noise, so that a strength
    of 0 is a still.   -> f h w 3"""
    strength = value_over_time(numbers=curve)
    return rendered(case, transformer(MOTION), MotionSettings(strength), shared_noise=True)


def crossing(case: Case, first: str, second: str) -> Tensor:
    """A clip in which the first camera move's MotionLoRA goes over into the second's."""
    curve = value_over_time(per_frame=CROSSING)
    motion = transformer(MOTION)
    for move, strength in ((first, curve), (second, inverse(curve))):
        file, _ = shipped_move(move)
        motion = apply_motion_lora(motion, files.weights_of(file), strength, file.name)
    return rendered(case, motion, MotionSettings(), LONG)


@torch.inference_mode()
def rendered(
    case: Case,
    motion: Any,
    settings: MotionSettings,
    frames: int = FRAMES,
    shared_noise: bool = False,
) -> Tensor:
    """-> f h w 3 in 0..1"""
    image_model, clip, vae = loaded(files.BASE)
    empty = torch.zeros((frames, 4, SIDE // 8, SIDE // 8))
    noise: Any = comfy.sample.prepare_noise(empty, case.seed, None)
    if shared_noise:
        noise = noise[:1].repeat(frames, 1, 1, 1)
    model = apply_motion_model(image_model, motion, settings)
    model = apply_beta_schedule(model, AUTOMATIC, motion_model(motion).spec.family)
    if frames > FRAMES:
        model = apply_context_windows(model, WINDOWS)
    asked, nothing = (encoded(clip, text) for text in (case.caption, ""))
    latents = comfy.sample.sample(
        model, noise, STEPS, GUIDANCE, SAMPLER, SCHEDULER, asked, nothing,
        empty, disable_pbar=True, seed=case.seed,
    )  # fmt: skip
    return decoded(vae, latents)
