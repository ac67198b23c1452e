"""What a long video in views allocates, without computing it: the device holds one window."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from adk_tests.support.two_devices import HOST
from animatediff_kit.sampling.views.stream import stream_bytes
from comfy.ldm.modules.attention import attention_pytorch

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
WIDTH, LATENT, LENGTH = 64, 32, 16
TEXT = 77 * 768 * 4
"""Bytes of a frame's prompt, which ComfyUI repeats."""


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """allocations.py and sized_models.py, which are no package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("allocations"), importlib.import_module("sized_models")


def attention(_: Any, *args: Any, **keywords: Any) -> Any:
    """That of a GPU; on a CPU it depends on the free memory."""
    return attention_pytorch(*args, **keywords)


def test_the_device_holds_one_window(benchmarks: tuple[Any, Any]) -> None:
    allocations, models = benchmarks
    model = models.animated(models.sd15(WIDTH, live=False), "v1", WIDTH, live=False)
    model.model_options["transformer_options"]["optimized_attention_override"] = attention
    models.one_step(model, 1, 8)  # loads

    def peaks(frames: int, home: Any) -> tuple[int, int]:
        windowed = models.in_windows(model, "views", LENGTH, 4, home)
        device, host = allocations.PeakAllocation(), allocations.PeakAllocation(host=True)
        with allocations.ShapesOnly(), device, host:
            models.one_step(windowed, frames, LATENT)
        return device.peak, host.peak

    few, many = 16, 64
    latents = 4 * many * 4 * LATENT * LATENT * 4
    window, nothing = peaks(few, HOST)
    device, host = peaks(many, HOST)
    assert nothing == 0 and device - latents <= 1.05 * window
    # Else the maps are there; and the estimate by which they are sent away is about right.
    kept = (peaks(many, None)[0] - peaks(many // 2, None)[0]) / (many // 2)
    maps = kept - TEXT - latents / many
    estimate = stream_bytes(model.model, [1, 4, LATENT, LATENT])
    assert 0.7 * estimate < maps < estimate
    assert maps < host / many < estimate + TEXT
