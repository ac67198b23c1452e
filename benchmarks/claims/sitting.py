"""What every claim's measurement is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from .findings import Finding
from .studio import Shot, Studio, digest

FULL = 256
"""Clips of the largest sets; every other number is in proportion."""


@dataclass
class Sitting:
    """clips: of the largest set, FULL for what is reported;   folder: keeps clips and networks;
    pictures: docs/images/proof;   lora_files: more MotionLoRAs, for claim 4"""

    studio: Studio
    clips: int
    folder: Path
    pictures: Path
    lora_files: Sequence[Path] = ()

    def scaled(self, count: int) -> int:
        """Of `count` clips at full size; at least 4, of which a jackknife leaves three."""
        return max(4, round(count * self.clips / FULL))

    def render(self, finding: Finding, shots: Sequence[Shot]) -> list[Tensor]:
        self.note_weights(finding, (path for shot in shots for path in self.studio.weights(shot)))
        return self.studio.render_all(shots, f"claim {finding.number}")

    def note_weights(self, finding: Finding, paths: Iterable[Path]) -> None:
        for path in dict.fromkeys(paths):
            finding.weights[path.name] = digest(path)
