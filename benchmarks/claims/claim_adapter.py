"""Claim 3: the domain adapter takes up the video set's defect, and gives it away (Q8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from ...measures.flow import grey
from ...small_world.command_line import recipes
from ...small_world.draw import clip_frames, video
from ...small_world.styles import watermark
from ...small_world.words import MOTIONS
from .estimates import bootstrap, quotient, quotient_of_medians
from .findings import Part, at_least, below, figure
from .pictures import animation, curves
from .scenes import REPORT, TRAINED, Case, cases
from .studio import Studio, through_autoencoder

SCALES = (1.0, 0.75, 0.5, 0.25, 0.0)
FALL, SHOWN, APART = 0.8, 0.5, 0.8
TRAINING_CLIPS = int(recipes()["motion"]["clips"]["count"])  # of the video set
WIDTH = 4.0  # standard deviation of the blur that is taken away; strokes of the mark are 3 wide
CELL = 4  # pixels a side of the cells whose means are compared


def parts(studio: Studio) -> Iterator[Part]:
    found = cases(studio.scaled(64), REPORT, tuple(MOTIONS))
    clips = {scale: studio.shoot(found, adapter=scale) for scale in SCALES}
    yield from watermark_parts(studio, found, clips)
    yield from memory_parts(found, clips[1.0])
    rows = [clips[scale][:6] for scale in SCALES]
    shows = "Adapter scale 1, 0.75, 0.5, 0.25 and 0, from the top; the same prompts and noise"
    yield animation(studio.pictures / "adapter.webp", rows, shows)


def watermark_parts(
    studio: Studio, found: list[Case], clips: dict[float, list[Tensor]]
) -> Iterator[Part]:
    real = responses(case.spoiled for case in found)
    shown = {scale: responses(part) for scale, part in clips.items()}
    ratios = {scale: quotient(values, real) for scale, values in shown.items()}
    # a mark the wrong way round is one too
    fall = bootstrap(lambda a, b: 1 - abs(np.mean(a)) / np.mean(b), shown[0.0], shown[1.0])
    yield figure("fall of the watermark from scale 1 to 0", fall, at_least(FALL), "%")
    for scale, ratio in ratios.items():
        line = at_least(SHOWN) if scale == 1 else None
        yield figure(f"watermark at scale {scale:g}, of real ones", ratio, line, "%")
    clean = quotient(responses(case.real for case in found), real)
    yield figure("real clips without the defect", clean, below(SHOWN), "%", control=True)
    lines = {"watermark": list(ratios.values())}
    labels = "adapter scale", "watermark, share of real spoiled clips"
    path, shows = studio.pictures / "adapter.png", "The watermark over the adapter's scale"
    yield curves(path, SCALES, lines, labels, shows)


def responses(clips: Iterable[Tensor]) -> np.ndarray:
    return np.array([watermark_response(clip) for clip in clips])


def watermark_response(frames: Tensor) -> float:
    """The mark's contrast by least squares, the mean over the frames: 0 without it, 1 where it is
    white on black. Both are high-passed, so that neither the brightness of a ground nor its
    gradient counts; the mark's place is known.   frames: f h w 3"""
    mark, luma = (
        part - ndimage.gaussian_filter(part, WIDTH, mode="nearest", axes=(-2, -1))
        for part in (watermark().astype(float), grey(frames.float().numpy()).astype(float))
    )
    return float((luma * mark).sum(axis=(1, 2)).mean() / (mark * mark).sum())


def memory_parts(found: list[Case], clips: list[Tensor]) -> Iterator[Part]:
    """Whether clips were made or remembered: how near each is to the nearest training clip."""
    training = thumbnails(training_clip(number) for number in range(TRAINING_CLIPS))
    remembered = [training_clip(number) for number in range(len(found))]
    copies, fresh, made = (
        nearest_distances(thumbnails(part), training)
        for part in (
            map(through_autoencoder, remembered),
            map(through_autoencoder, [case.spoiled for case in found]),
            clips,
        )
    )
    name = "distance to the nearest training clip, of real clips'"
    yield figure(name, quotient_of_medians(made, fresh), at_least(APART))
    ratio = quotient_of_medians(copies, fresh)
    yield figure("the same of training clips themselves", ratio, below(APART), control=True)


def training_clip(number: int) -> Tensor:
    return torch.from_numpy(clip_frames(video(TRAINED, number), spoiled=True))


def thumbnails(clips: Iterable[Tensor]) -> Tensor:
    """The means of their cells, a row each.   each f h w 3 -> n d"""
    cells = (functional.avg_pool2d(clip.movedim(-1, 1).float(), CELL) for clip in clips)
    return torch.stack([each.flatten() for each in cells])


def nearest_distances(clips: Tensor, training: Tensor) -> np.ndarray:
    """Root mean square difference of each clip to the training clip nearest to it, in 0..1.
    n d, m d -> n"""
    found = torch.cdist(clips, training).amin(dim=1) / clips.shape[1] ** 0.5
    return found.double().numpy()
