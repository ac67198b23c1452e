"""Clips that are left out take none of the others with them."""

from __future__ import annotations

import pytest
import torch
from adk_tests.support.clip_sets import DrawnClips
from animatediff_kit.training.data.cache_identity import entry_of
from animatediff_kit.training.data.camera_moves import CameraMove
from animatediff_kit.training.data.chosen_clips import ChosenClips, Place, places, without
from animatediff_kit.training.data.joined_clips import JoinedClips, joined


def test_the_others_stay_as_they_are() -> None:
    clips = DrawnClips(4)
    rest = without(clips, {Place(0, 1)})
    assert isinstance(rest, ChosenClips) and len(rest) == 3
    entries = [entry_of(clips, index, "vae") for index in (0, 2, 3)]
    assert [entry_of(rest, index, "vae") for index in range(3)] == entries
    assert torch.equal(rest.read(1).frames, clips.read(2).frames)
    assert torch.equal(rest.source(2).frames, clips.source(3).frames)
    assert CameraMove(rest, "pan left", 0.1).training_size(96, 96) == (64, 64)
    assert without(clips, set()) is clips and rest.fps(0) == 0
    with pytest.raises(ValueError, match="^All 4 clips would be left out. Set leave_out to no"):
        without(clips, set(places(clips)))


def test_of_joined_sets_each_keeps_its_repeats() -> None:
    one, other, gone = DrawnClips(3, note="one"), DrawnClips(2, note="other"), DrawnClips(1)
    every = joined(joined(joined(None, one, 2), other), gone)
    assert len(places(every)) == 6 and len(every) == 9
    rest = without(every, {Place(0, 0), Place(2, 0)})
    assert isinstance(rest, JoinedClips) and len(rest) == 6
    assert [rest.name(i) for i in range(6)] == [f"clip {i}" for i in (1, 2, 1, 2, 0, 1)]
    assert rest.identity(0) == one.identity(1) and rest.identity(4) == other.identity(0)
