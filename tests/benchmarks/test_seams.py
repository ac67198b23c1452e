"""The measures of seams on videos that numpy draws: each sees its own fault, none where none is."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAMES, SIZE, EVERY = 64, 64, 16


def benchmark(name: str) -> Any:
    """A script of benchmarks/, which are no package."""
    spec = importlib.util.spec_from_file_location(
        f"adk_benchmark_{name}", ROOT / "benchmarks" / f"{name}.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


measures = benchmark("seam_measures")
WINDOWS = [list(range(start, start + EVERY)) for start in range(0, FRAMES, EVERY)]
SEAMS = measures.seams_of(WINDOWS, FRAMES)


def pattern(shift: float, seed: int = 1) -> np.ndarray:
    """A texture of waves of 5 to 30 pixels, moved by `shift` pixels.   -> h w, around 128"""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    picture = np.zeros((SIZE, SIZE))
    for _ in range(24):
        length, angle, phase = draw.uniform(5, 30), draw.uniform(0, 2 * np.pi), draw.uniform(0, 7)
        along = (x - shift) * np.cos(angle) + (y - 0.5 * shift) * np.sin(angle)
        picture += np.sin(2 * np.pi * along / length + phase)
    return 128 + 12 * picture


def video(change: Callable[[int], np.ndarray]) -> np.ndarray:
    """change(t) with a little noise for every frame t.   -> n h w uint8"""
    draw = np.random.default_rng(2)
    frames = [change(t) + draw.normal(0, 1, (SIZE, SIZE)) for t in range(FRAMES)]
    return np.stack(frames).clip(0, 255).astype(np.uint8)


def moving(t: int) -> np.ndarray:
    return pattern(0.8 * t)


def jumping(t: int) -> np.ndarray:
    """2 pixels further at every seam."""
    return pattern(0.8 * t + 2 * (t // EVERY))


def flashing(t: int) -> np.ndarray:
    """4 % brighter in every other window."""
    return moving(t) * (1 + 0.04 * (t // EVERY % 2))


def blurred(t: int) -> np.ndarray:
    """Two frames beside every seam are the mean of two moments, as of windows that disagree."""
    beside = t % EVERY in (0, EVERY - 1) and 0 < t < FRAMES - 1
    return (pattern(0.8 * t - 3) + pattern(0.8 * t + 3)) / 2 if beside else moving(t)


def unrelated(t: int) -> np.ndarray:
    """Another picture in every window: batched windows of unlike noise."""
    return pattern(0.8 * t, seed=t // EVERY)


def failing(change: Callable[[int], np.ndarray]) -> set[str]:
    triple = measures.seam_triple(video(change), SEAMS)
    return {name for name, measure in triple.items() if not measure.passes}


def test_a_smooth_video_has_no_seams() -> None:
    assert failing(moving) == set()


@pytest.mark.parametrize(
    ("change", "seen_by"),
    [
        (jumping, {"motion"}),
        (flashing, {"warp"}),
        (blurred, {"sharpness"}),
        (unrelated, {"motion", "warp"}),
    ],
)
def test_each_fault_is_seen(change: Callable[[int], np.ndarray], seen_by: set[str]) -> None:
    assert failing(change) >= seen_by


def test_faults_elsewhere_are_no_seams() -> None:
    """The same jump, but not where the windows meet."""
    triple = measures.seam_triple(video(lambda t: jumping(t + 7)), SEAMS)
    assert triple["motion"].ratio < 1


def test_seams_lie_where_windows_change() -> None:
    assert SEAMS.steps == {15, 31, 47} and SEAMS.frames == {15, 16, 31, 32, 47, 48}
    overlapping = measures.seams_of([list(range(8)), list(range(6, 14))], 14)
    assert overlapping.steps == {5, 7} and overlapping.frames == {5, 6, 7, 8}
