"""Operations and passes of a motion module, held at what they are (benchmarks/operations.py)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.motion_models.fast.test_forward import motion_module
from adk_tests.reference.live import live_noise
from adk_tests.support import tiny
from animatediff_kit.motion_models.fast import scratch
from animatediff_kit.motion_models.fast.forward import forward

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
FRAMES, C = 16, 64


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("operations").Operations


def counts(counter: Any, compute: Any) -> Any:
    x = live_noise(1, FRAMES, C, 16, 16).float()  # weights are small beside 4,096 rows
    module, call = motion_module(C), tiny.call(x, FRAMES)
    with torch.no_grad(), counter(x) as counted:
        compute(module, x, call)
    return counted


def reference(module: Any, x: torch.Tensor, call: Any) -> torch.Tensor:
    return module(x, call)


def test_operations_and_passes(counter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module over a map that is one part, and, in parts, its passes over what no cache holds."""
    monkeypatch.setattr(scratch, "CPU_ROWS", 10**6)
    whole, before = counts(counter, forward), counts(counter, reference)
    assert (whole.kernels, before.kernels) == (24, 28)
    assert whole.passes <= 83 < before.passes <= 91
    monkeypatch.setattr(scratch, "CPU_ROWS", 128)
    parts = counts(counter, forward)
    assert parts.far <= 7.1 and before.far > 80
    weights = parts.names.count("cat")
    assert weights == 2, "queries, keys and values are joined once for all parts"


def test_two_videos_take_no_more_operations_than_one(
    counter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "CPU_ROWS", 10**6)
    x = live_noise(1, 2 * FRAMES, C, 16, 16).float()
    module, call = motion_module(C), tiny.call(x, FRAMES)
    with torch.no_grad(), counter(x) as counted:
        forward(module, x, call)
    assert counted.kernels == 24
