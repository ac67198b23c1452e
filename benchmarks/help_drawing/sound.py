"""A sound to convert: four beats of a drum in two seconds, 16 frames at 8 a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

RATE, SECONDS, BEAT = 16_000, 2.0, 0.5


def beats() -> dict[str, Any]:
    """A tone of 80 Hz that dies away, every half second, as ComfyUI's AUDIO."""
    time = np.arange(int(RATE * SECONDS)) / RATE
    wave = np.sin(2 * np.pi * 80 * time) * np.exp(-9 * (time % BEAT))
    return {"waveform": torch.from_numpy(wave).float()[None, None], "sample_rate": RATE}
