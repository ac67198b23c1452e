"""Windows that move at every step: who computes which frame, at what cost, and at the ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from adk_tests.support import by_hand, windowed
from animatediff_kit.motion_models.call import OPTION
from animatediff_kit.sampling.fuse import FUSE_METHODS, fuse_weights
from animatediff_kit.sampling.window_picture import shares
from animatediff_kit.sampling.windows import WindowSettings, unstopped, windows_of
from comfy.model_patcher import ModelPatcher

STEPS = 20


def settings_of(overlap: int, length: int = 16, **more) -> WindowSettings:
    return WindowSettings(length, overlap, schedule="shifted", **more)


def test_windows_of_the_first_steps_by_hand() -> None:
    """L 6, O 2, so S 4: the shifts are 0, 2, 1, 3."""
    settings = settings_of(2, 6)
    starts = [[window[0] for window in windows_of(14, settings, k)] for k in range(5)]
    assert starts == [[0, 4, 8], [0, 2, 6, 8], [0, 3, 7, 8], [0, 1, 5, 8], [0, 4, 8]]
    loop = [w[0] for w in windows_of(14, settings_of(2, 6, closed_loop=True), 1)]
    assert loop == [12, 2, 6, 10], "the last overlaps the first, round the end"
    assert windows_of(14, settings_of(2, 6, closed_loop=True), 1)[3] == [10, 11, 12, 13, 0, 1]


def authors(frames: int, settings: WindowSettings, step: int) -> np.ndarray:
    """By the window that computes it, what each frame is made of.   -> w f"""
    return shares(frames, settings, step)[1]


def handover(frames: int, settings: WindowSettings, steps: int) -> np.ndarray:
    """How much of the author changes from each frame to the next, the mean over a run.   -> f-1"""
    tables = (authors(frames, settings, step) for step in range(steps))
    return np.mean([abs(np.diff(table, axis=1)).sum(0) / 2 for table in tables], axis=0)


@pytest.mark.parametrize("frames", [64, 100, 256])
def test_the_author_changes_slowly_at_the_ends_too(frames: int) -> None:
    peak = {o: handover(frames, settings_of(o), STEPS).max() for o in (0, 2, 4)}
    assert max(peak.values()) <= 0.1 + 1e-9
    assert handover(frames, WindowSettings(16, 4), STEPS).max() == pytest.approx(0.2)
    assert handover(frames, settings_of(4), 4).max() <= 0.1 + 1e-9, "in four steps too"


def cost(frames: int, settings: WindowSettings) -> float:
    return float(np.mean([len(windows_of(frames, settings, step)) for step in range(STEPS)]))


def test_what_it_costs() -> None:
    static = cost(256, WindowSettings(16, 4))
    assert cost(256, settings_of(4)) <= 1.05 * static
    assert cost(256, settings_of(0)) <= 0.82 * static


@pytest.mark.parametrize("overlap", [0, 1, 4, 11, 15])
@pytest.mark.parametrize("frames", [17, 18, 31, 64])
def test_no_window_is_computed_that_adds_no_frame(frames: int, overlap: int) -> None:
    for step in range(STEPS):
        seen: set[int] = set()
        for window in windows_of(frames, settings_of(overlap), step):
            assert not seen >= set(window), (step, window)
            seen |= set(window)
        assert seen == set(range(frames))


def test_borders_fall_on_every_frame_from_one_window_to_the_next() -> None:
    for overlap in (0, 4, 8):
        forward = 16 - overlap
        firsts = [windows_of(256, settings_of(overlap), k)[1][0] for k in range(2 * forward)]
        assert len({first % forward for first in firsts}) == forward


@pytest.mark.parametrize("fuse", FUSE_METHODS)
@pytest.mark.parametrize("overlap", [0, 2, 4, 12])
def test_stopped_windows_count_where_they_would_lie(fuse: str, overlap: int) -> None:
    """Far from both ends of a video three times as long the same lattice has no end: a frame's
    shares there are those that it has near an end, with the windows that were stopped in one."""
    settings, frames, step = settings_of(overlap, fuse=fuse), 40, 5
    windows = windows_of(frames, settings, step)
    table = authors(frames, settings, step)
    method = FUSE_METHODS[fuse]
    expected = np.zeros_like(table)
    for i, window in enumerate(windows):
        for places in unstopped(window, frames, settings, step):
            for frame, weight in zip(places, method(places, frames, settings), strict=True):
                if 0 <= frame < frames:
                    expected[i, frame] += weight
    np.testing.assert_allclose(table, expected / expected.sum(0), atol=1e-9)
    starts = sorted(w[0] for window in windows for w in unstopped(window, frames, settings, step))
    assert set(np.diff(starts)) == {16 - overlap}, "the lattice has a hole, or a window twice"


def test_weights_of_a_window_inside_are_the_methods() -> None:
    inside = windows_of(64, settings_of(4), 3)[2]
    assert fuse_weights(inside, 64, settings_of(4), 3) == fuse_weights(
        inside, 64, WindowSettings(16, 4)
    )


@pytest.mark.parametrize("schedule", ["shifted", "views_shifted"])
def test_samplers_with_sub_steps_keep_the_windows_of_their_step(
    animated: ModelPatcher, schedule: str
) -> None:
    """dpm_2 computes twice a step, the second time between two noise levels."""
    model, calls = windowed.recorded(windowed.windowed(animated, schedule=schedule), OPTION)
    windowed.sample_noise(model, windowed.noise_of(), steps=3, sampler_name="dpm_2")
    runs = [seen[OPTION] for seen in calls.seen]
    settings = WindowSettings(windowed.LENGTH, 1, 1, schedule)
    if settings.inside_motion:
        shown = [list(window) for run in runs for window in run.views.windows]
    else:
        shown = [list(run.indices) for run in runs]
    of_steps = [windows_of(windowed.FRAMES, settings, step) for step in (0, 0, 1, 1, 2)]
    assert shown == [window for windows in of_steps for window in windows]


def test_a_closed_loop_is_the_same_from_every_frame_on(animated: ModelPatcher) -> None:
    """One Euler step of a video whose frames are turned round by the distance of the windows gives
    the frames turned round."""
    length, frames = windowed.LENGTH, 2 * (windowed.LENGTH - 1)
    model = windowed.windowed(animated, length, 1, schedule="shifted", closed_loop=True)
    generator = torch.Generator().manual_seed(4)
    noise = torch.randn((frames, 4, 8, 8), generator=generator)
    plain, turned = (
        windowed.sample_noise(model, noise.roll(by, 0), steps=1) for by in (0, length - 1)
    )
    assert by_hand.relative(turned, plain.roll(length - 1, 0)) < windowed.ROUNDING
