"""Clips that a camera moves over by signed amounts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from animatediff_kit.training.data.camera_axes import AXES, CameraAxes, PromptedStills
from animatediff_kit.training.data.camera_moves import MOVES
from animatediff_kit.training.data.image_clips import StillClips

PICTURES = torch.rand((3, 256, 256, 3), generator=torch.Generator().manual_seed(0))
PROMPTS = ["a street", "a lake", "a wood"]


def stills() -> PromptedStills:
    return PromptedStills(PICTURES, PROMPTS, frames=5, width=64, height=64)


def clips(*axes: str, count: int = 60, seed: int = 0) -> CameraAxes:
    return CameraAxes(stills(), axes, count, seed)


def test_amounts_lie_evenly_on_both_sides_and_one_or_two_axes_move() -> None:
    found = np.array([clips(*AXES, count=400).amounts(index) for index in range(400)])
    moving = (found != 0).sum(axis=1)
    assert set(moving) == {1, 2} and 0.3 < (moving == 1).mean() < 0.5
    for column in found.T:
        told = column[column != 0]
        assert len(told) > 100 and abs(told.mean()) < 0.12 and 0.95 < abs(told).max() <= 1
    assert all(len(clips("pan").amounts(index)) == 1 for index in range(5))


@pytest.mark.parametrize("axis", AXES)
def test_an_amount_below_0_is_the_move_back(axis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = clips(axis)
    assert set(AXES[axis]) <= set(MOVES)
    windows = {}
    for amount in (0.75, -0.75):
        monkeypatch.setattr(moved, "amounts", lambda index, amount=amount: (amount,))
        windows[amount] = moved.windows(0, 5, (256, 256))
    for there, back in zip(windows[0.75], reversed(windows[-0.75]), strict=True):
        for name in ("x", "y", "width", "height", "angle"):
            assert getattr(there, name) == pytest.approx(getattr(back, name), abs=1e-6)
    assert windows[0.75][0] != windows[0.75][-1]


def test_pictures_are_shown_in_turn_with_their_prompts() -> None:
    moved = clips("zoom", "roll", count=7)
    assert len(moved) == 7
    assert [moved.caption(index) for index in (0, 1, 2, 3)] == [*PROMPTS, "a street"]
    assert len({moved.name(index) for index in range(7)}) == 7
    clip = moved.read(4)
    assert clip.frames.shape == (5, 64, 64, 3) and not torch.equal(*clip.frames[[0, 4]])
    with pytest.raises(IndexError):
        moved.caption(7)


def test_what_decides_the_pixels_is_in_the_identity() -> None:
    one = clips("zoom")
    others = [clips("pan"), clips("zoom", seed=1), clips("zoom", "pan")]
    assert one.identity(0) == clips("zoom", count=50).identity(0)
    assert all(one.identity(0) != other.identity(0) for other in others)
    assert one.identity(0) != one.identity(3) and one.description() != others[1].description()


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="'dolly' is no axis; choose one of zoom, pan, tilt"):
        clips("dolly")
    with pytest.raises(ValueError, match="No axis is chosen; at least one is trained"):
        clips()
    with pytest.raises(ValueError, match="2 clips cannot show 3 pictures; set the number of"):
        clips("zoom", count=2)
    small = CameraAxes(StillClips(PICTURES[:, :64, :64], "a lake", 5, 64, 64), ("zoom",), 9)
    with pytest.raises(ValueError, match="image 1, clip 1 is 64 x 64, too small for zoom in"):
        small.read(1)
