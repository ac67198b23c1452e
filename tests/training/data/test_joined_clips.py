"""Sets joined keep their clips, and what is encoded of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from adk_tests.support import encoders
from adk_tests.support.clip_sets import DrawnClips
from animatediff_kit.training.data.cache_identity import entry_of
from animatediff_kit.training.data.camera_moves import CameraMove
from animatediff_kit.training.data.clips import ClipSet
from animatediff_kit.training.data.fill_cache import encode_clips
from animatediff_kit.training.data.joined_clips import JoinedClips, Part, joined


def keys(clips: ClipSet) -> list[str]:
    return [entry_of(clips, index, "vae").key for index in range(len(clips))]


def test_clips_stand_one_behind_the_other_as_often_as_they_are_repeated() -> None:
    one, other = DrawnClips(2, note="one"), DrawnClips(3, length=1, width=128, note="other")
    both = joined(joined(None, one, 2), other)
    assert len(both) == 7 and isinstance(both, JoinedClips)
    assert [both.name(i) for i in range(7)] == [f"clip {i}" for i in (0, 1, 0, 1, 0, 1, 2)]
    assert [both.part(i) for i in range(7)] == [0, 0, 0, 0, 1, 1, 1]
    assert keys(both) == [*keys(one), *keys(one), *keys(other)]
    assert both.read(4).frames.shape == (1, 64, 128, 3)
    assert torch.equal(both.read(3).frames, one.read(1).frames)
    assert torch.equal(both.source(5).frames, other.source(1).frames)
    assert [both.frame_count(i) for i in (0, 6)] == [2, 1]
    assert both.captions(6) == ("a caption 2",)
    for index in (-1, 7):
        with pytest.raises(IndexError):
            both.name(index)


def test_a_set_alone_stays_as_it_is() -> None:
    one = DrawnClips(2)
    assert joined(None, one) is one
    twice = joined(None, joined(None, one, 2), 3)
    assert isinstance(twice, JoinedClips) and twice.parts == (Part(one, 6),)
    with pytest.raises(ValueError, match="^repeats is 0; set it to 1 or more.$"):
        joined(None, one, 0)


def test_a_camera_moves_over_each_part_by_itself() -> None:
    """So a clip's windows hang on its own set, and repeats are the same clip."""
    one, other = (DrawnClips(2, height=96, width=96, note=note) for note in ("one", "other"))
    both = joined(joined(None, one, 2), other)
    assert isinstance(both, JoinedClips)
    moved = both.each(lambda clips: CameraMove(clips, "pan left"))
    alone = keys(CameraMove(one, "pan left"))
    assert keys(moved) == [*alone, *alone, *keys(CameraMove(other, "pan left"))]
    with pytest.raises(NotImplementedError, match="sizes of their own"):
        both.training_size(64, 64)


def test_each_is_encoded_once(tmp_path: Path) -> None:
    """Also where sets of several shapes are joined to what is there already."""
    vae, clip = encoders.vae(), encoders.text_encoder()
    one, other = DrawnClips(3, note="one"), DrawnClips(2, length=1, width=128, note="other")
    with torch.inference_mode():
        alone = encode_clips(one, vae, clip, tmp_path)
        one.was_read.clear()
        cache = encode_clips(joined(joined(None, one, 3), other, 2), vae, clip, tmp_path)
    assert not one.was_read and sorted(other.was_read) == [0, 1]
    assert len(cache) == 13
    shapes = [cache.shape(i) for i in range(13)]
    assert shapes.count((2, 4, 8, 8)) == 9 and shapes.count((1, 4, 8, 16)) == 4
    names = [cache.name(i) for i in range(13) if cache.shape(i)[0] == 2]
    assert sorted(names) == sorted([alone.name(i) for i in range(3)] * 3)
