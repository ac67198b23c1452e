"""Claim 3: the domain adapter takes up the video set's defect, and gives it away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ...small_world.command_line import recipes
from ...small_world.draw import clip_frames, video
from ...small_world.words import MOTIONS
from .animations import animation
from .charts import curves
from .estimates import bootstrap, quotient, quotient_of_medians
from .findings import Part, figure
from .lines import at_least, below
from .measures.nearest import nearest_distances, thumbnails
from .measures.watermark import watermark_response
from .scenes import REPORT, TRAINED, Case, cases
from .sitting import Sitting

SCALES = (1.0, 0.75, 0.5, 0.25, 0.0)
FALL, SHOWN, APART = 0.8, 0.5, 0.8
TRAINING_CLIPS = int(recipes()["motion"]["clips"]["count"])
"""Of the video set."""


def parts(sitting: Sitting) -> Iterator[Part]:
    found = cases(sitting.scaled(64), REPORT, tuple(MOTIONS))
    clips = {scale: sitting.render(found, adapter=scale) for scale in SCALES}
    yield from watermark_parts(sitting, found, clips)
    yield from memory_parts(sitting, found, clips[1.0])
    rows = [clips[scale][:6] for scale in SCALES]
    shows = "Adapter scale 1, 0.75, 0.5, 0.25 and 0, from the top; the same prompts and noise"
    yield animation(sitting.pictures / "adapter.webp", rows, shows)


def watermark_parts(
    sitting: Sitting, found: list[Case], clips: dict[float, list[Tensor]]
) -> Iterator[Part]:
    real = responses([case.spoiled for case in found])
    shown = {scale: responses(clips[scale]) for scale in SCALES}
    ratios = {scale: quotient(values, real) for scale, values in shown.items()}
    fall = bootstrap(fall_of, shown[0.0], shown[1.0])
    yield figure("fall of the watermark from scale 1 to 0", fall, at_least(FALL), "%")
    for scale, ratio in ratios.items():
        line = at_least(SHOWN) if scale == 1 else None
        yield figure(f"watermark at scale {scale:g}, of real ones", ratio, line, "%")
    clean = quotient(responses([case.real for case in found]), real)
    yield figure("real clips without the defect", clean, below(SHOWN), "%", control=True)
    lines = {"watermark": list(ratios.values())}
    labels = "adapter scale", "watermark, share of real spoiled clips"
    path, shows = sitting.pictures / "adapter.png", "The watermark over the adapter's scale"
    yield curves(path, SCALES, lines, labels, shows)


def fall_of(none: np.ndarray, full: np.ndarray) -> float:
    """A mark the wrong way round is one too."""
    return 1 - abs(float(np.mean(none))) / float(np.mean(full))


def memory_parts(sitting: Sitting, found: list[Case], clips: list[Tensor]) -> Iterator[Part]:
    training = thumbnails(training_clip(number) for number in range(TRAINING_CLIPS))
    remembered = [training_clip(number) for number in range(len(found))]
    copies, fresh, made = (
        nearest_distances(thumbnails(part), training)
        for part in (
            map(sitting.studio.through_autoencoder, remembered),
            map(sitting.studio.through_autoencoder, [case.spoiled for case in found]),
            clips,
        )
    )
    name = "distance to the nearest training clip, of real clips'"
    yield figure(name, quotient_of_medians(made, fresh), at_least(APART))
    ratio = quotient_of_medians(copies, fresh)
    yield figure("the same of training clips themselves", ratio, below(APART), control=True)


def training_clip(number: int) -> Tensor:
    return torch.from_numpy(clip_frames(video(TRAINED, number), spoiled=True))


def responses(clips: Sequence[Tensor]) -> np.ndarray:
    return np.array([watermark_response(clip) for clip in clips])
