"""The sound of ComfyUI's AUDIO, read in pieces: an hour of it is not in memory a second time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

PIECE = 2**18
"""Samples that are mixed to mono at once."""


@dataclass(frozen=True)
class Sound:
    """channels: c t, as they came;   rate: samples a second"""

    channels: Tensor
    rate: int

    @property
    def length(self) -> int:
        return self.channels.shape[1]

    @property
    def seconds(self) -> float:
        return self.length / self.rate

    def mono(self, start: int, end: int) -> np.ndarray:
        """Samples `start` to below `end`, mixed; silence before the sound and behind it."""
        first, last = (min(max(place, 0), self.length) for place in (start, end))
        mixed = np.zeros(end - start)
        if last > first:
            piece = self.channels[:, first:last].float().cpu().numpy()
            mixed[first - start : last - start] = piece.mean(0, dtype=np.float64)
        return mixed

    def pieces(self, end: int) -> Iterator[tuple[int, np.ndarray]]:
        """The mono mix up to `end`, each piece with the place of its first sample."""
        for start in range(0, end, PIECE):
            yield start, self.mono(start, min(start + PIECE, end))


def sound_of(audio: Any) -> Sound:
    """ComfyUI's AUDIO, its first entry.   waveform: b c t

    Any Mapping will do: VideoHelperSuite's loads its file when it is first read. Raises ValueError
    where there is no sound in it, or NaN.
    """
    known = audio if isinstance(audio, Mapping) else {}
    waveform: Any = known.get("waveform")
    rate: Any = known.get("sample_rate")
    is_sound = isinstance(waveform, Tensor) and waveform.ndim == 3 and 0 not in waveform.shape
    is_rate = isinstance(rate, int | float | np.integer) and 1 <= rate < np.inf
    if not is_sound or not is_rate:
        shape = list(waveform.shape) if isinstance(waveform, Tensor) else None
        raise ValueError(
            f"The audio holds no sound (its waveform: {shape}, its sample rate: {rate}). Connect "
            "Load Audio, or another node that gives AUDIO."
        )
    sound = Sound(waveform[0], int(rate))
    if not all(np.isfinite(piece).all() for _, piece in sound.pieces(sound.length)):
        raise ValueError("The audio holds NaN or infinite samples. Load or convert it again.")
    return sound
