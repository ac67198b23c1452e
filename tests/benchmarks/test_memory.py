"""What a call of the UNet allocates: the figures of docs/memory.md, at a small width."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
WIDTH, PIXELS, FRAMES = 64, 256, 16
MAP = FRAMES * WIDTH * (PIXELS // 8) ** 2 * 2 / 2**30
"""GiB of the feature maps of all frames at full resolution, in half precision."""
TEXT = FRAMES * 77 * 768 * (4 + 2) / 2**30
"""GiB of the prompt of all frames, as it comes and in half precision."""


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """memory.py and sized_models.py, which are no package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("memory"), importlib.import_module("sized_models")


def test_a_calls_peak(benchmarks: tuple[Any, Any]) -> None:
    """24 to 28 maps live at once, of which the feed-forward's product has 16; so it is with a video
    for each prompt, and the motion model adds nothing to it."""
    memory, models = benchmarks
    model = models.half_precision(WIDTH, "v2")
    still = models.sd15(WIDTH, live=False, dtype=model.model.get_dtype())
    still.model_options = model.model_options
    for each in (still, model):
        models.one_step(each, 1, 8)  # loads
    one, two = (memory.call_peak(model, prompts, PIXELS) for prompts in (1, 2))
    assert 24 * MAP < one - TEXT < 28 * MAP
    assert two == pytest.approx(2 * one, rel=0.03)
    assert one == pytest.approx(memory.call_peak(still, 1, PIXELS), rel=0.03)


def test_weights_and_decoding(benchmarks: tuple[Any, Any]) -> None:
    memory, _ = benchmarks
    small, large = (memory.weights(width, "v3") for width in (32, 64))
    assert large["UNet"] > 2 * small["UNet"] and large["CLIP"] == small["CLIP"]
    assert large["VAE"] == pytest.approx(83_653_863 * 2 / 2**30)
    one, four = (memory.decoding_peak(128, frames) for frames in (1, 4))
    assert four == pytest.approx(4 * one, rel=0.03)
