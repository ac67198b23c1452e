"""What every claim's measurement is given, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor
from tqdm import tqdm

from .findings import Finding
from .page import TEXTS, filled
from .scenes import Case
from .studio import Shot, Studio, digest

FULL = 256
"""Clips of the largest sets; every other number is in proportion."""


@dataclass
class Sitting:
    """clips: of the largest set, FULL for what is reported;   folder: keeps clips and networks;
    pictures: docs/images/proof;   lora_files: more MotionLoRAs, for claim 4;   weights: of what
    was measured, file -> digest"""

    studio: Studio
    clips: int
    folder: Path
    pictures: Path
    lora_files: Sequence[Path] = ()
    weights: dict[str, str] = field(default_factory=dict)

    def scaled(self, count: int) -> int:
        """Of `count` clips at full size; at least 4, of which a jackknife leaves three."""
        return max(4, round(count * self.clips / FULL))

    def render(self, found: Iterable[Case], **more: Any) -> list[Tensor]:
        """The scenes' clips.   more: of each Shot, beside the caption and the seed"""
        shots = [Shot(case.caption, case.seed, **more) for case in found]
        self.note(path for shot in shots for path in self.studio.weights(shot))
        told = tqdm(shots, "clips", leave=False, delay=10, mininterval=10)
        return [self.studio.render(shot) for shot in told]

    def decoded(self, found: Iterable[Case]) -> list[Tensor]:
        """Real clips as well as the autoencoder can show them."""
        return [self.studio.through_autoencoder(case.real) for case in found]

    def note(self, paths: Iterable[Path]) -> None:
        self.weights |= {path.name: digest(path) for path in dict.fromkeys(paths)}


def measured(number: int, claim: Any, sitting: Sitting) -> Finding:
    """claim: a module whose `parts` takes a Sitting and yields figures, pictures and tables"""
    text = TEXTS[f"claim_{number}"]
    finding = Finding(number, text["title"], filled(text["method"], vars(claim)))
    sitting = replace(sitting, weights=finding.weights)
    finding.size = sitting.clips / FULL
    finding.take(claim.parts(sitting))
    return finding
