"""A sampling run tells step, window and the time that is left, and changes nothing by it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.progress_text import OPTION, Line, add_progress_text, minutes
from animatediff_kit.sampling.windows import WindowSettings


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_holds_step_window_and_time_left() -> None:
    told: list[str] = []
    clock = Clock()
    line = Line(told.append, 4, clock=clock)
    for now, call in (
        (10.0, lambda: line.window(0, 1, 2)),
        (10.4, lambda: line.window(0, 2, 2)),  # half a second has not passed
        (20.0, lambda: line.step(0, None, None, 4)),
        (75.0, lambda: line.window(3, 1, 2)),
        (80.0, lambda: line.step(3, None, None, 4)),  # the last: nothing is left
    ):
        clock.now = now
        call()
    line.end()
    assert told == [
        "Step 1 of 4, window 1 of 2, 1:10 left",
        "Step 1 of 4, 1:00 left",
        "Step 4 of 4, window 1 of 2, 0:11 left",
        "4 steps in 1:20",
    ]


def test_the_line_of_several_passes_goes_on() -> None:
    """FreeInit's callback counts over all of them."""
    told: list[str] = []
    clock = Clock()
    line = Line(told.append, 2, clock=clock)
    for now, call in (
        (10.0, lambda: line.step(0, None, None, 4)),
        (20.0, lambda: line.step(1, None, None, 4)),
        (25.0, lambda: line.window(0, 1, 2)),
        (30.0, lambda: line.step(2, None, None, 4)),
        (35.0, lambda: line.window(1, 1, 2)),
    ):
        clock.now = now
        call()
    line.end()
    assert told == [
        "Step 1 of 4, 0:30 left",
        "Step 2 of 4, 0:20 left",
        "Step 3 of 4, window 1 of 2, 0:15 left",
        "Step 3 of 4, 0:10 left",
        "Step 4 of 4, window 1 of 2, 0:05 left",
        "4 steps in 0:35",
    ]


@pytest.mark.parametrize("seconds, text", [(0.2, "0:00"), (90, "1:30"), (3725, "62:05")])
def test_minutes(seconds: float, text: str) -> None:
    assert minutes(seconds) == text


def test_a_run_is_told_and_its_frames_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("animatediff_kit.sampling.progress_text.SECONDS", 0.0)
    told: list[str] = []
    base = apply_motion_model(tiny.image_model(), tiny.motion_patcher("v3"))
    base = apply_context_windows(base, WindowSettings(4, 2))
    expected = tiny.sample(base, frames=8)
    followed = add_progress_text(base, lambda: told.append)
    assert torch.equal(tiny.sample(followed, frames=8), expected)
    windows = [line for line in told if "window" in line]
    assert windows[0].startswith("Step 1 of ") and ", window 1 of 3, " in windows[0]
    assert any(", window 3 of 3, " in line for line in windows)
    assert told[-1].endswith(" steps in 0:00") or " steps in 0:" in told[-1]
    assert OPTION not in followed.model_options.get("transformer_options", {})
    told.clear()
    unread: Any = add_progress_text(followed, lambda: None)
    assert torch.equal(tiny.sample(unread, frames=8), expected) and not told
