"""The measures of a clip: amounts of flow, what tells a true pan from its imitations, and a pass
that holds one pair of frames at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from animatediff_kit.measures.motion_measures import CELLS, MotionMeasures, measure_motion
from torch import Tensor

from ..support.moving import SIDE, camera, flickering, noisy, shuffled, with_square


def measured(clip: Tensor) -> tuple[float, float]:
    """Warp error and median flow, which are read together."""
    measures = measure_motion(clip)
    return float(measures.warp_error.mean()), float(np.median(measures.median_flow))


def pan() -> Tensor:
    return noisy(camera(16, pan=2), 0.01)


def test_every_figure_has_its_frames() -> None:
    measures = measure_motion(camera(5, pan=1, size=(48, 80)))
    assert len(measures) == 5 and (measures.height, measures.width) == (48, 80)
    for per_step in (measures.median_flow, measures.high_flow, measures.warp_error):
        assert per_step.shape == (4,) and np.isfinite(per_step).all()
    assert measures.cells.shape == (4, CELLS, CELLS, 2)
    assert measures.sharpness.shape == (5,)
    assert measures.camera().move == "pan left"


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.5])
def test_flow_is_the_speed(speed: float) -> None:
    measures = measure_motion(camera(4, pan=0.6 * speed, tilt=-0.8 * speed))
    assert measures.median_flow == pytest.approx(speed, abs=0.06)
    assert measures.cells[:, 2:-2, 2:-2, 0] == pytest.approx(0.6 * speed, abs=0.1)
    assert measures.cells[:, 2:-2, 2:-2, 1] == pytest.approx(-0.8 * speed, abs=0.1)


def test_a_small_thing_moves_the_90th_percentile_alone() -> None:
    """A square of a seventh of the picture."""
    still = camera(1).repeat(8, 1, 1, 1)
    measures = measure_motion(with_square(still, 48, 3))
    assert measures.median_flow == pytest.approx(0, abs=0.1)
    assert (measures.high_flow > 1).all()


def test_imitations_of_a_pan_differ_in_error_or_flow() -> None:
    """Neither figure suffices: a still clip with noise has a pan's error, and shuffling raises the
    flow so much that the error per pixel of flow falls below the pan's."""
    error, flow = measured(pan())
    assert flow == pytest.approx(2, abs=0.05)
    still_error, still_flow = measured(noisy(camera(1).repeat(16, 1, 1, 1), 0.01))
    assert still_error == pytest.approx(error, rel=0.1) and still_flow < 0.1 * flow
    shuffled_error, shuffled_flow = measured(shuffled(pan()))
    assert shuffled_error > 1.3 * error and shuffled_flow > 2 * flow
    assert shuffled_error / shuffled_flow < error / flow
    flicker_error, flicker_flow = measured(flickering(pan(), 0.04))
    assert flicker_error > 1.2 * error and flicker_flow == pytest.approx(flow, abs=0.1)


def test_sharpness_falls_with_blur() -> None:
    clip = camera(2, pan=1)
    left, right = camera(2, pan=1, jumps={0: (-2, 0, 1)}), camera(2, pan=1, jumps={0: (2, 0, 1)})
    assert (
        measure_motion((left + right) / 2).sharpness < 0.8 * measure_motion(clip).sharpness
    ).all()


def test_the_pass_can_be_followed_and_ended() -> None:
    seen: list[int] = []
    measure_motion(camera(5, size=(48, 48)), lambda: seen.append(1))
    assert len(seen) == 4

    def cancel() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        measure_motion(camera(5, size=(48, 48)), cancel)


def test_the_same_clip_has_the_same_figures_in_any_precision() -> None:
    def flat(measures: MotionMeasures) -> np.ndarray:
        return np.concatenate([measures.median_flow, measures.warp_error, measures.sharpness])

    clip = pan()[:4]
    first = flat(measure_motion(clip))
    assert np.array_equal(first, flat(measure_motion(clip.clone())))
    assert np.allclose(first, flat(measure_motion(clip.double())), rtol=1e-4)
    assert clip.shape == (4, SIDE, SIDE, 3) and clip.dtype == torch.float32
