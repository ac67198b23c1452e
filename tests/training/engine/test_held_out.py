"""Clips are held out by their names, and their loss is measured the same at every look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from adk_tests.training import small
from animatediff_kit.training.data.camera_axes import CameraAxes
from animatediff_kit.training.data.image_clips import ImageClips, StillClips
from animatediff_kit.training.data.joined_clips import joined
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.held_out import chosen_by, parted, place_of
from animatediff_kit.training.engine.held_out_loss import PARTS, held_out_loss
from animatediff_kit.training.models import stages

from ..clips import ClipsInMemory


@dataclass
class Named(ClipsInMemory):
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        return self.names[index]


def videos(count: int) -> Named:
    """Two cuts of each, and each mirrored."""
    ends = (" #1", " #2", " #1 (mirrored)", " #2 (mirrored)")
    return Named(names=tuple(f"{i}.mp4{end}" for i in range(count) for end in ends))


def held_names(clips: Named, share: float, seed: int) -> set[str]:
    return {clips.name(i) for i in parted(clips, share, seed)[1]}


def test_all_clips_of_a_video_are_held_out_together_about_as_many_as_asked() -> None:
    clips = videos(400)
    shown, held = parted(clips, 0.25, 0)
    assert sorted([*shown, *held]) == list(range(1600))
    files = {clips.name(i).split(" ")[0] for i in held}
    assert len(held) == 4 * len(files) and 75 < len(files) < 125
    assert not files & {clips.name(i).split(" ")[0] for i in shown}


def test_a_clip_more_moves_no_other_and_the_seed_chooses() -> None:
    few, many = held_names(videos(50), 0.2, 0), held_names(videos(60), 0.2, 0)
    assert few == {name for name in many if int(name.split(".")[0]) < 50}
    assert few != held_names(videos(50), 0.2, 1)
    assert parted(videos(3), 0.0, 0) == (list(range(12)), [])


def cuts_of_pictures(count: int) -> Named:
    """Of 20 pictures, as Train Camera Move makes them."""
    clips = CameraAxes(StillClips(torch.rand(20, 64, 64, 3), "a", 2, 64, 64), ("zoom",), count, 0)
    return Named(names=tuple(map(clips.name, range(count))))


def parts_of_batches(count: int) -> Named:
    """Of 20 batches of frames, as Make Training Clips makes them."""
    batches = [
        ImageClips(torch.rand(count // 10, 64, 64, 3), "a", 1, 2, batch=n) for n in range(20)
    ]
    clips = batches[0]
    for batch in batches[1:]:
        clips = joined(clips, batch)
    return Named(names=tuple(map(clips.name, range(len(clips)))))


def picture_of(name: str) -> str:
    return name.split(",")[0]


def batch_of(name: str) -> str:
    return name.split(" of ")[1]


@pytest.mark.parametrize(
    "clips, source",
    [(cuts_of_pictures(80), picture_of), (parts_of_batches(80), batch_of)],
    ids=["pictures", "batches"],
)
def test_a_held_out_clip_shows_nothing_that_is_trained_on(
    clips: Named, source: Callable[[str], str]
) -> None:
    """Else its loss falls with what is learned by heart."""
    shown, held = ({source(clips.name(i)) for i in some} for some in parted(clips, 0.3, 0))
    assert len(shown) + len(held) == 20 and not shown & held and 2 < len(held) < 12


@pytest.mark.parametrize("clips", [cuts_of_pictures(20), parts_of_batches(20), videos(20)])
def test_where_a_source_has_one_clip_the_choice_is_that_of_earlier_versions(clips: Named) -> None:
    """So that a run goes on with the clips that it began with."""
    chosen = [i for i in range(len(clips)) if place_of(clips.name(i), 3) < 0.3]
    assert parted(clips, 0.3, 3)[1] == chosen and chosen_by(clips, 0.3) == {}


def test_parts_of_one_batch_are_held_out_one_by_one() -> None:
    """Together none could be, or all."""
    parts = ImageClips(torch.rand(80, 64, 64, 3), "a", 1, 2)
    clips = Named(names=tuple(map(parts.name, range(40))))
    shown, held = parted(clips, 0.3, 0)
    assert held == [i for i in range(40) if place_of(clips.name(i), 0) < 0.3]
    assert len(held) in range(4, 20) and len(shown) + len(held) == 40
    assert chosen_by(clips, 0.3) == {}, "a run of an earlier version goes on"


def test_images_alone_are_held_out_one_by_one() -> None:
    singles = ImageClips(torch.rand(40, 64, 64, 3), "a", 1, 1)
    shown, held = parted(Named(names=tuple(map(singles.name, range(40)))), 0.3, 0)
    assert len(held) in range(4, 20) and len(shown) == 40 - len(held)


def test_a_run_of_a_version_that_chose_single_clips_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = Named(frames=2, side=4, names=cuts_of_pictures(40).names)
    old = small.run(tmp_path, clips=clips, held_out=0.3, steps=1)
    known = {k: v for k, v in old.identity().items() if k != "held_out_by"}
    with monkeypatch.context() as then:
        then.setattr(old, "identity", lambda: known)
        old.train()
    run = small.run(tmp_path, clips=clips, held_out=0.3, steps=2)
    run.resume(found(tmp_path)[-1])
    told = (
        "checkpoint-00000001.safetensors is of a version that held out single clips of a file; now "
        "all clips of a file are held out together. So the run has trained on some of them, and "
        "their loss says less than that of a new run."
    )
    assert run.changes == [told] and told in caplog.messages
    run.train()
    again = small.run(tmp_path, clips=clips, held_out=0.3, steps=2)
    again.resume(found(tmp_path)[-1])
    assert again.changes == []
    other = small.run(tmp_path, clips=clips, held_out=0.5, steps=3, resume_changes="held_out")
    other.resume(found(tmp_path)[-1])
    assert len(other.changes) == 1 and "had held_out 0.3" in other.changes[0]


def test_a_share_that_leaves_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Of 4 clips none are held out at a share of 1e-06"):
        parted(videos(1), 1e-6, 0)
    with pytest.raises(ValueError, match=r"Of 4 clips all are held out at a share of 0\.9"):
        parted(videos(1), 0.9, 0)


@pytest.mark.parametrize("stage", [stages.DOMAIN_ADAPTER, stages.MOTION_LORA])
def test_held_out_clips_are_not_trained_on_and_their_loss_is_repeatable(
    stage: str, tmp_path: Path
) -> None:
    clips = ClipsInMemory(count=12, frames=2, side=4)
    run = small.run(tmp_path, stage, clips=clips, held_out=0.3, steps=12, save_every=0)
    held = run.loss.held_out
    first = held_out_loss(run.loss)
    assert 0 < len(held) < 12 and len(first) == PARTS
    assert len({round(part, 6) for part in first}) == PARTS
    assert held_out_loss(run.loss) == first
    clips.was_read.clear()
    run.train()
    assert {*clips.was_read} == {*range(12)} - {*held}
    assert held_out_loss(run.loss) != first
    with torch.no_grad():
        for parameter in run.parameters.values():
            parameter.zero_()
    assert all(map(torch.isfinite, map(torch.tensor, held_out_loss(run.loss))))


def test_a_run_without_held_out_clips_is_as_it_was(tmp_path: Path) -> None:
    """Its batches, and what its checkpoints are known by."""
    run = small.run(tmp_path, clips=ClipsInMemory(count=5, frames=2, side=4))
    assert run.loss.order.batch(0) and run.loss.shown == list(range(5))
    assert "held_out" not in run.identity() and held_out_loss(run.loss) == ()
    other = small.run(tmp_path, clips=ClipsInMemory(12, 2, 4), held_out=0.3)
    assert other.identity()["held_out"] == 0.3
