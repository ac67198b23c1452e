"""ByTheWay (Bu et al., CVPR 2025, arXiv 2410.06241) on the small world: does it bring more motion
at no more flicker?

It changes temporal attention maps (over the frames of a pixel, softmaxed) in the decoder, in the
first fifth of the steps. *Self-guidance* pulls the maps of the last two levels towards those of the
level before, `a += share * (a_before - a)`; *motion enhancement* multiplies the map's frequencies
along the keys, all but the lowest, by a gain. Here a map is pulled towards that of the module and
attention of the same number. benchmarks/self_guidance.py renders and tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from ...motion_models.call import Call
from ...motion_models.inject import MotionSettings, apply_motion_model
from ...motion_models.load import load_motion_model
from ...motion_models.model import motion_model
from ...motion_models.modules import HEADS, TemporalAttention
from ...sampling.betas import AUTOMATIC, apply_beta_schedule
from ...training.files.fingerprints import digest_of
from .estimates import quotient
from .findings import Table
from .flicker import BLOCK, KINDS, figures_of
from .flicker_table import CLAIM, DOCS, PAIRED, features, ratio
from .lasting import Job, LastingStudio, Ledger, go_on
from .page import tell_in_claim
from .quality import frechet_ratio
from .scenes import DEVELOPMENT, REPORT, Case, cases
from .studio import MOTION, Shot, digest, loaded, through_autoencoder

LEVELS, FIRST = ("up_blocks.1", "up_blocks.2", "up_blocks.3"), "up_blocks.1"
STEPS = 0.2
"""Of the steps, the share in which maps are changed."""
BAND = 7
"""Frequencies either side of half the frames that the gain is for."""


@dataclass(frozen=True)
class Guidance:
    """share: of the level before in the maps, 0.6 for AnimateDiff in the paper; gain: of the
    maps' higher frequencies, at least, 1.5 there, and more where self-guidance took energy from
    them; None changes them not"""

    share: float = 0.0
    gain: float | None = None


ROWS = {
    "as claim 1": Guidance(),
    "self-guidance 0.6, gain 1.5": Guidance(0.6, 1.5),
    "self-guidance 0.6": Guidance(0.6),
    "gain 1.5": Guidance(0.0, 1.5),
}
PLAIN = next(iter(ROWS))
FIGURES = "self_guidance.json"
MEASURED_BY = [Path(__file__)]


def raised(a: Tensor, before: Tensor, least: float) -> Tensor:
    """A map with its higher frequencies multiplied, so that it has the energy that it had.

    a: ... f f, whose last axis is that of the keys; before: the same without self-guidance. Rows
    keep their sum of 1, which is frequency 0.
    """
    frames = a.shape[-1]
    numbers = torch.arange(frames)
    high = (numbers - frames / 2).abs() <= BAND
    waves = torch.fft.fft(a, dim=-1)
    parts = [torch.where(kept, waves, 0).abs().square().sum() / frames for kept in (high, ~high)]
    needed = (before.square().sum() - parts[1]) / parts[0].clamp(min=1e-12)
    gain = max(least, float(needed))
    return torch.fft.ifft(torch.where(high, gain * waves, waves), dim=-1).real


class Guided:
    """The forward of one attention, which changes its map.   maps: of the level before, by the
    module's and the attention's number, of the call that runs"""

    def __init__(
        self, layer: TemporalAttention, name: str, how: Guidance, maps: dict[str, Tensor]
    ) -> None:
        self.layer, self.how, self.maps = layer, how, maps
        self.level, self.place = name[: len(FIRST)], name[len(FIRST) :]
        self.plain: Callable[..., Tensor] = layer.forward

    def __call__(self, x: Tensor, call: Call, scale: Any = 1.0) -> Tensor:
        if call.progress >= STEPS:
            return self.plain(x, call, scale)
        layer = self.layer
        x = layer.pos_encoder(x, call.positions)
        split = "r f (h c) -> r h f c"
        q, k, v = (rearrange(to(x), split, h=HEADS) for to in (layer.to_q, layer.to_k, layer.to_v))
        a = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
        if self.level == FIRST:
            self.maps[self.place] = a
        else:
            a = self.changed(a, call.videos)
        return layer.to_out[0](rearrange(a @ v, "r h f c -> r f (h c)"))

    def changed(self, a: Tensor, videos: int) -> Tensor:
        """a: (b h w) heads f f"""
        before, guided = a, a
        if self.how.share:
            guided = a + self.how.share * (enlarged(self.maps[self.place], a, videos) - a)
        return guided if self.how.gain is None else raised(guided, before, self.how.gain)


def enlarged(a: Tensor, to: Tensor, videos: int) -> Tensor:
    """The map of a level with fewer pixels, for each pixel of one with more; both are square.
    (b h w) heads f f"""
    side, wanted = (round((len(map_) / videos) ** 0.5) for map_ in (a, to))
    planes = rearrange(a, "(b y x) h f g -> b (h f g) y x", b=videos, y=side)
    larger = functional.interpolate(planes, (wanted, wanted), mode="nearest")
    return rearrange(larger, "b (h f g) y x -> (b y x) h f g", h=a.shape[1], f=a.shape[2])


class GuidedStudio(LastingStudio):
    """Clips of claim 1's models with changed maps. The motion model is one of its own."""

    def __init__(self, folder: Path, how: Guidance) -> None:
        super().__init__(folder)
        self.how = how

    def file(self, shot: Shot) -> Path:
        plain = super().file(shot)
        if self.how == Guidance():
            return plain
        return plain.with_name(f"{digest_of([plain.stem, repr(self.how)])[:24]}.npz")

    def model(self, shot: Shot) -> ModelPatcher:
        if self.how == Guidance():
            return super().model(shot)
        motion = load_motion_model(str(MOTION))
        maps: dict[str, Tensor] = {}
        for name, layer in motion_model(motion).named_modules():
            if isinstance(layer, TemporalAttention) and name.startswith(LEVELS):
                vars(layer)["forward"] = Guided(layer, name, self.how, maps)
        # a strength that is asked for in each call has the reference compute
        settings = MotionSettings(lambda call, height, width: 1.0)
        model = apply_motion_model(loaded(shot.model)[0], motion, settings)
        return apply_beta_schedule(model, AUTOMATIC, motion_model(motion).spec.family)


def clip_of(folder: Path, row: str, case: Case) -> Tensor:
    """f h w 3; rendered where it is not there yet."""
    return GuidedStudio(folder, ROWS[row]).render(Shot(case.caption, case.seed))


def jobs(folder: Path, found: Sequence[Case]) -> Iterator[Job]:
    """A clip in every row before the next."""
    for number, case in enumerate(found):
        for row in ROWS:
            clip = GuidedStudio(folder, ROWS[row]).file(Shot(case.caption, case.seed)).stem
            made_by = [clip, *map(digest, MEASURED_BY)]

            def make(row: str = row, case: Case = case) -> Any:
                return figures_of(clip_of(folder, row, case))

            yield Job(f"{row} / {number}", made_by, make)


def render(folder: Path, hours: float) -> None:
    go_on(jobs(folder, cases(BLOCK, REPORT)), Ledger(folder / FIGURES), hours)


def tell(folder: Path) -> Table:
    """Of the clips that every row has; written into claim 1 and its page."""
    ledger, found = Ledger(folder / FIGURES), cases(BLOCK, REPORT)
    kept = {one.name: ledger.get(one.name, one.made_by) for one in jobs(folder, found)}
    whole = [n for n in range(BLOCK) if all(kept[f"{row} / {n}"] is not None for row in ROWS)]
    head = [f"{KINDS[kind]}, of its plain clip's" for kind in PAIRED]
    rows = [["sampling", "clips", *head, "Frechet distance, of real clips'"]]
    others = [through_autoencoder(case.real) for case in cases(len(whole), DEVELOPMENT)]
    real = [through_autoencoder(found[n].real) for n in whole]
    target, floor = features(others), features(real)
    for row in ROWS:
        ratios = [
            quotient(*([kept[f"{name} / {n}"][kind] for n in whole] for name in (row, PLAIN)))
            for kind in PAIRED
        ]
        seen = features([clip_of(folder, row, found[n]) for n in whole])
        told = [ratio(one) for one in (*ratios, frechet_ratio(seen, floor, target))]
        rows.append([row, str(len(whole)), *told])
    table = Table("Temporal self-guidance (ByTheWay)", rows)
    tell_in_claim(CLAIM, [table], DOCS)
    return table
