"""Claim 3: the domain adapter takes up the video set's defect, and gives it away."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...small_world.command_line import recipes
from ...small_world.draw import clip_frames, video
from ...small_world.words import MOTIONS
from .animations import grid, save_animation
from .charts import curves
from .estimates import Estimate, bootstrap, quotient
from .findings import Finding, Picture
from .measures.nearest import nearest_distances, thumbnails
from .measures.watermark import watermark_response
from .scenes import REPORT, TRAINED, Case, cases
from .sitting import Sitting
from .studio import Shot

SCALES = (1.0, 0.75, 0.5, 0.25, 0.0)
FALL, SHOWN, APART = 0.8, 0.5, 0.8
TRAINING_CLIPS = int(recipes()["motion"]["clips"]["count"])
"""Of the video set."""

METHOD = f"""\
The video set carries a watermark and a blur that the picture set lacks. The same prompts and noise
are rendered with the domain adapter at five scales. A matched filter on the high-passed frames says
how much of the watermark is there; 100 % is what real clips of the same scenes have that were
spoiled like the video set. Against memorising: the distance of a generated clip to the nearest of
the {TRAINING_CLIPS:,} training clips (means of 4 x 4 pixels of all frames), beside that of real
clips of the same scenes, none of them in the training set, both with the defect; training clips
themselves, through the autoencoder, are the control."""


def measure(sitting: Sitting) -> Finding:
    finding = Finding(3, "The adapter takes up the defect", METHOD)
    found = cases(sitting.scaled(64), REPORT, tuple(MOTIONS))
    clips = {
        scale: sitting.render(finding, [Shot(c.caption, c.seed, adapter=scale) for c in found])
        for scale in SCALES
    }
    measure_watermark(finding, sitting, found, clips)
    measure_memory(finding, sitting, found, clips[1.0])
    some = slice(0, 6)
    rows = [clips[scale][some] for scale in SCALES]
    save_animation(sitting.pictures / "adapter.webp", grid(rows))
    shows = "Adapter scale 1, 0.75, 0.5, 0.25 and 0, from the top; the same prompts and noise"
    finding.pictures.append(Picture("adapter.webp", shows))
    return finding


def measure_watermark(
    finding: Finding, sitting: Sitting, found: list[Case], clips: dict[float, list[Tensor]]
) -> None:
    real = responses([case.spoiled for case in found])
    shown = {scale: responses(clips[scale]) for scale in SCALES}
    ratios = {scale: quotient(values, real) for scale, values in shown.items()}
    fall = bootstrap(fall_of, shown[0.0], shown[1.0])
    line = f"at least {FALL:.0%}"
    finding.add("fall of the watermark from scale 1 to 0", fall, line, fall.value >= FALL, "%")
    ratio = ratios[1.0]
    line = f"at least {SHOWN:.0%}"
    finding.add("watermark at scale 1, of real ones", ratio, line, ratio.value >= SHOWN, "%")
    for scale in SCALES[1:]:
        finding.add(f"watermark at scale {scale:g}, of real ones", ratios[scale], unit="%")
    clean = quotient(responses([case.real for case in found]), real)
    name, refused = "real clips without the defect", clean.value < SHOWN
    finding.add(name, clean, f"below {SHOWN:.0%}", refused, "%", control=True)
    lines = {"watermark": [ratios[scale] for scale in SCALES]}
    labels = "adapter scale", "watermark, share of real spoiled clips"
    curves(sitting.pictures / "adapter.png", SCALES, lines, labels)
    finding.pictures.append(Picture("adapter.png", "The watermark over the adapter's scale"))


def fall_of(none: np.ndarray, full: np.ndarray) -> float:
    """A mark the wrong way round is one too."""
    return 1 - abs(float(np.mean(none))) / float(np.mean(full))


def measure_memory(
    finding: Finding, sitting: Sitting, found: list[Case], clips: list[Tensor]
) -> None:
    training = thumbnails(training_clip(number) for number in range(TRAINING_CLIPS))
    decoded = [sitting.studio.through_autoencoder(case.spoiled) for case in found]
    fresh = nearest_distances(thumbnails(decoded), training)
    made = nearest_distances(thumbnails(clips), training)
    ratio = ratio_of_medians(made, fresh)
    line, name = f"at least {APART:g}", "distance to the nearest training clip, of real clips'"
    finding.add(name, ratio, line, ratio.value >= APART)
    copies = [sitting.studio.through_autoencoder(training_clip(n)) for n in range(len(found))]
    remembered = ratio_of_medians(nearest_distances(thumbnails(copies), training), fresh)
    name, refused = "the same of training clips themselves", remembered.value < APART
    finding.add(name, remembered, f"below {APART:g}", refused, control=True)


def ratio_of_medians(above: np.ndarray, below: np.ndarray) -> Estimate:
    return bootstrap(lambda a, b: np.median(a) / np.median(b), above, below)


def training_clip(number: int) -> Tensor:
    return torch.from_numpy(clip_frames(video(TRAINED, number), spoiled=True))


def responses(clips: list[Tensor]) -> np.ndarray:
    return np.array([watermark_response(clip) for clip in clips])
