"""Single images among clips: for a domain adapter, not for what learns motion."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from animatediff_kit.training.engine.moving_clips import SomeClips, moving_clips
from animatediff_kit.training.models import stages


class Mixed(ClipsInMemory):
    """Images at even numbers."""

    def shape(self, index: int) -> tuple[int, ...]:
        return (1 if index % 2 == 0 else 2, 4, 4, 4)


def test_images_are_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    clips = Mixed(count=5)
    with caplog.at_level(logging.INFO):
        moving = moving_clips(clips)
    assert isinstance(moving, SomeClips) and len(moving) == 2
    assert [moving.name(i) for i in range(2)] == ["clip 1", "clip 3"]
    assert (moving.caption(1), moving.captions(1)) == ("caption 3", ("caption 3",))
    assert torch.equal(moving.latents(1), clips.latents(3))
    assert torch.equal(moving.frame(0, 1), clips.frame(1, 1)) and moving.shape(0) == (2, 4, 4, 4)
    assert torch.equal(moving.text("x").embedding, clips.text("x").embedding)
    assert moving.fingerprint == clips.fingerprint
    assert caplog.messages == [
        "3 of 5 clips are single images, which show no motion; it is trained without them."
    ]


def test_clips_alone_and_images_alone_stay() -> None:
    clips = ClipsInMemory(count=3)
    assert moving_clips(clips) is clips
    images = ClipsInMemory(count=3, frames=1)
    assert moving_clips(images) is images


@pytest.mark.parametrize("stage", [stages.DOMAIN_ADAPTER, stages.MOTION_LORA])
def test_the_stages_take_what_is_theirs(stage: str, tmp_path: Path) -> None:
    """A domain adapter sees every picture, in batches of one shape; motion the clips alone."""
    clips = Mixed(count=6)
    small.run(tmp_path, stage, clips=clips, steps=4).train()
    seen = set(clips.was_read)
    assert seen == (set(range(6)) if stage == stages.DOMAIN_ADAPTER else {1, 3, 5})
    with pytest.raises(ValueError, match="^The clip clip 0 has 1 frames; training .* needs from 2"):
        small.run(tmp_path, stages.MOTION_LORA, clips=ClipsInMemory(count=2, frames=1))
