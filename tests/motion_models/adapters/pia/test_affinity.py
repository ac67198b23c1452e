"""PIA's curves against the published function, and their values frame by frame."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from animatediff_kit.motion_models.adapters.pia.affinity import PRESETS, Affinity, Curve
from animatediff_kit.motion_models.call import Call, Run

# RANGE_LIST of open-mmlab/PIA, animatediff/utils/util.py, in the order of our presets
PUBLISHED = [
    [1.0, 0.9, 0.85, 0.85, 0.85, 0.8],
    [1.0, 0.8, 0.8, 0.8, 0.79, 0.78, 0.75],
    [1.0, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.6, 0.5, 0.5],
    [1.0, 0.9, 0.85, 0.85, 0.85, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.85, 0.85, 0.9, 1.0],
    [1.0, 0.8, 0.8, 0.8, 0.79, 0.78, 0.75, 0.75, 0.75, 0.75, 0.75, 0.78, 0.79, 0.8, 0.8, 1.0],
    [1.0, 0.8, 0.7, 0.7, 0.7, 0.7, 0.6, 0.5, 0.5, 0.6, 0.7, 0.7, 0.7, 0.7, 0.8, 1.0],
    [0.5, 0.4, 0.4, 0.4, 0.35, 0.3],
    [0.5, 0.4, 0.4, 0.4, 0.35, 0.35, 0.3, 0.25, 0.2],
    [0.5, 0.2],
]


def published(values: list[float], frames: int, picture: int) -> list[float]:
    """By the distance from the picture's frame; the last value fills up."""
    filled = values + [values[-1]] * (frames - len(values))
    return [filled[abs(i - picture)] for i in range(frames)]


def values(affinity: Affinity, run: Run, videos: int = 2) -> list[float]:
    frames = run.frames if run.indices is None else len(run.indices)
    made: Any = affinity(Call(videos, frames, run), 4, 6)
    assert made.shape == (videos * frames, 1, 1, 1)
    rows = made.flatten().unflatten(0, (videos, frames))
    assert torch.equal(rows[0], rows[-1])
    return [round(value, 6) for value in rows[0].tolist()]


@pytest.mark.parametrize(("name", "curve"), list(zip(PRESETS, PUBLISHED, strict=True)))
@pytest.mark.parametrize("picture", [0, 5])
def test_sixteen_frames_are_the_published_ones(name: str, curve: list[float], picture: int) -> None:
    affinity = Affinity(PRESETS[name], picture)
    assert values(affinity, Run(16)) == published(curve, 16, picture)


@pytest.mark.parametrize("name", [name for name in PRESETS if "loop" not in name])
@pytest.mark.parametrize("frames", [1, 3, 40])
def test_other_lengths_hold_the_last_value(name: str, frames: int) -> None:
    curve = PUBLISHED[list(PRESETS).index(name)]
    assert values(Affinity(PRESETS[name]), Run(frames)) == published(curve, frames, 0)


@pytest.mark.parametrize("frames", [2, 9, 31, 64])
@pytest.mark.parametrize("name", [name for name in PRESETS if "loop" in name])
def test_loops_come_back_at_the_end_of_any_video(name: str, frames: int) -> None:
    made = values(Affinity(PRESETS[name]), Run(frames))
    assert made[0] == made[-1] == 1.0
    assert made == pytest.approx(made[::-1], abs=0.06)  # small loop's 0.8 and 0.85 lie askew
    if frames > 2:
        assert min(made) < 0.9
    if frames == 31:  # every other frame is one of 16
        assert made[::2] == PUBLISHED[list(PRESETS).index(name)]


def test_frames_keep_their_values_in_windows() -> None:
    affinity = Affinity(PRESETS["large motion"], 4)
    whole = values(affinity, Run(20))
    for window in ([0, 1, 2, 3], [16, 18, 1, 4]):
        assert values(affinity, Run(20).within(window)) == [whole[i] for i in window]


def test_another_strength_multiplies_it() -> None:
    def times(call: Call, height: int, width: int) -> torch.Tensor:
        made = torch.ones(call.videos * call.frames, 1, height, width)
        made[:, :, :, 0] = 0.5
        return made

    made: Any = Affinity(Curve((1.0, 0.6)), times=times)(Call.alone(1, 2), 4, 6)
    assert made.shape == (2, 1, 4, 6)
    assert torch.allclose(made[:, 0, 0, :2], torch.tensor([[0.5, 1.0], [0.3, 0.6]]))
    assert values(Affinity(Curve((1.0, 0.6)), times=0.5), Run(2)) == [0.5, 0.3]


@pytest.mark.parametrize("frame", [16, 99])
def test_a_picture_outside_the_video_is_told(frame: int) -> None:
    with pytest.raises(
        ValueError, match=f"^The picture's frame {frame} lies outside the video, whose 16 frames"
    ):
        values(Affinity(PRESETS["small motion"], frame), Run(16))
