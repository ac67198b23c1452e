"""Single images among clips: for a domain adapter, and for what learns motion where asked for."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from adk_tests.training.small import equal, weights
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.held_out_loss import held_out_loss
from animatediff_kit.training.engine.moving_clips import SomeClips, images_last, moving_clips
from animatediff_kit.training.models import stages

MOTION = (stages.MOTION_MODULE, stages.MOTION_LORA)


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
        "3 of 5 clips are single images, which show no motion; it is trained without them. "
        "keep_images shows them too."
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


def test_images_go_behind_the_clips() -> None:
    clips = Mixed(count=5)
    kept = images_last(clips)
    names = [kept.name(i) for i in range(5)]
    assert names == ["clip 1", "clip 3", "clip 0", "clip 2", "clip 4"]
    assert [kept.shape(i)[0] for i in range(5)] == [2, 2, 1, 1, 1]
    alone = ClipsInMemory(count=3)
    assert images_last(alone) is alone


@pytest.mark.parametrize("stage", MOTION)
def test_an_epoch_shows_every_image_and_every_clip(stage: str, tmp_path: Path) -> None:
    """4 images and 3 clips in batches of one: 7 passes, 4 of them over images."""
    clips = Mixed(count=7)
    run = small.run(tmp_path, stage, clips=clips, keep_images=True, batch_size=1, steps=7)
    run.train()
    assert sorted(clips.was_read) == list(range(7))
    assert clips.was_read != list(range(7))
    batches = [run.loss.batch(place) for place in range(7, 14)]
    frames = [batch.clean.shape[1] for batch in batches]
    assert sorted(frames) == [1, 1, 1, 1, 2, 2, 2] and frames != sorted(frames)


def test_batches_of_two_hold_frames_of_one_kind(tmp_path: Path) -> None:
    run = small.run(tmp_path, clips=Mixed(count=7), keep_images=True, batch_size=2)
    shapes = [tuple(run.loss.batch(place).clean.shape[:2]) for place in range(4)]
    assert sorted(shapes) == [(2, 1), (2, 1), (2, 2), (2, 2)]


@pytest.mark.parametrize("stage", MOTION)
def test_an_image_moves_the_weights_that_learn_motion(stage: str, tmp_path: Path) -> None:
    """Attention of a frame to itself leaves queries and keys alone, and nothing else."""
    run = small.run(tmp_path, stage, clips=Mixed(count=7), keep_images=True, batch_size=1)
    place = next(p for p in range(7) if run.loss.batch(p).clean.shape[1] == 1)
    if stage == stages.MOTION_LORA:  # the first step of a LoRA reaches `up` alone
        for name, weight in run.parameters.items():
            weight.data.normal_() if ".up." in name else None
    with run.loss.step_loss(place) as loss:
        loss.backward()
    silent = {n for n, p in run.parameters.items() if p.grad is None or not p.grad.any()}
    assert len(run.parameters) > len(silent)
    assert all(".to_q" in name or ".to_k" in name for name in silent)


@pytest.mark.parametrize("stage", MOTION)
def test_a_run_with_images_goes_on_as_if_nothing_had_been(stage: str, tmp_path: Path) -> None:
    given = dict(clips=Mixed(count=7), keep_images=True, batch_size=1)
    whole = small.run(tmp_path / "whole", stage, steps=6, **given)
    whole.train()
    small.run(tmp_path / "parts", stage, steps=3, **given).train()
    resumed = small.run(tmp_path / "parts", stage, steps=6, **given)
    resumed.resume(found(tmp_path / "parts")[-1])
    resumed.train()
    assert resumed.losses == whole.losses and equal(weights(resumed), weights(whole))
    with pytest.raises(ValueError, match="its run had keep_images True, this one has the default"):
        small.run(tmp_path / "parts", stage, clips=Mixed(count=7)).resume(
            found(tmp_path / "parts")[-1]
        )


@pytest.mark.parametrize("stage", MOTION)
def test_without_images_the_setting_changes_nothing(stage: str, tmp_path: Path) -> None:
    clips = ClipsInMemory(count=5, frames=2, side=4)
    runs = [
        small.run(tmp_path / str(keep), stage, clips=clips, keep_images=keep) for keep in (0, 1)
    ]
    for run in runs:
        run.train()
    assert runs[0].losses == runs[1].losses and equal(weights(runs[0]), weights(runs[1]))


def test_left_out_images_change_no_step(tmp_path: Path) -> None:
    """By default a set with images trains what the clips alone do, bit for bit."""

    class Moving(ClipsInMemory):
        """The clips of `Mixed` at odd numbers."""

        def name(self, index: int) -> str:
            return super().name(2 * index + 1)

        def caption(self, index: int) -> str:
            return super().caption(2 * index + 1)

        def latents(self, index: int) -> torch.Tensor:
            return super().latents(2 * index + 1)

    runs = [
        small.run(tmp_path / name, stages.MOTION_MODULE, clips=clips)
        for name, clips in (("mixed", Mixed(count=7)), ("alone", Moving(3, frames=2, side=4)))
    ]
    for run in runs:
        run.train()
    assert runs[0].losses == runs[1].losses and equal(weights(runs[0]), weights(runs[1]))
    assert "keep_images" not in runs[0].identity()


def test_held_out_images_are_measured_behind_the_clips(tmp_path: Path) -> None:
    given = dict(clips=Mixed(count=24), keep_images=True, held_out=0.5)
    run = small.run(tmp_path, stages.MOTION_MODULE, **given)
    frames = [run.loss.clips.shape(index)[0] for index in run.loss.held_out]
    assert set(frames) == {1, 2} and frames == sorted(frames, reverse=True)
    assert all(error > 0 for error in held_out_loss(run.loss))


def test_images_alone_teach_no_motion(tmp_path: Path) -> None:
    images = ClipsInMemory(count=2, frames=1)
    with pytest.raises(ValueError, match="^The clip clip 0 has 1 frames; training .* needs from 2"):
        small.run(tmp_path, stages.MOTION_LORA, clips=images, keep_images=True)
