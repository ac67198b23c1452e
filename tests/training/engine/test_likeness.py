"""PIA's likeness of frames to a picture, against the published function."""

from __future__ import annotations

import pytest
import torch
from adk_tests.training.clips import ClipsInMemory, seeded
from animatediff_kit.training.engine.likeness import Likeness, likeness_of
from torch import Tensor


class Sizes(ClipsInMemory):
    """Clip i has i + 1 frames, each that many times as far from the next."""

    def shape(self, index: int) -> tuple[int, ...]:
        return (index + 1, 4, 4, 4)

    def latents(self, index: int) -> Tensor:
        self.was_read.append(index)
        steps = torch.arange(index + 1.0) * (index + 1)
        return steps.view(-1, 1, 1, 1).expand(self.shape(index)).clone()


def published(scores: Tensor, picture: int, statistic: list[float]) -> list[float]:
    """prepare_mask_coef_by_score of open-mmlab/PIA, animatediff/utils/util.py, for one clip.

    scores: f;   statistic: by distance the most; the least is never above a score here
    """
    made: list[float] = []
    for frame, score in enumerate(scores.tolist()):
        most = statistic[abs(frame - picture)]
        score = most * 0.95 if score > most else score
        made.append(1 - abs(score / (most + 1e-10) * (1.0 - 0.2)))
    made[picture] = 1.0
    return made


@pytest.mark.parametrize("picture", [0, 2, 4])
def test_it_is_the_published_function_of_distances(picture: int) -> None:
    latents = torch.randn((2, 5, 4, 6, 6), generator=seeded(3)).cumsum(1)
    likeness = Likeness(torch.tensor([0.0, 0.7, 1.5, 1.2, 2.1]))
    made = likeness.affinity(latents, torch.tensor([picture, 1]))
    for clip, at in ((0, picture), (1, 1)):
        scores = (latents[clip] - latents[clip, at]).abs().mean((1, 2, 3))
        expected = published(scores, at, likeness.reached.tolist())
        assert made[clip].tolist() == pytest.approx(expected, abs=1e-6)
        assert float(made[clip, at]) == 1.0
    assert made.min() == pytest.approx(0.24, abs=1e-6)
    assert len(made.unique()) > 3


def test_a_still_clip_is_its_picture() -> None:
    still = torch.randn((1, 1, 4, 6, 6), generator=seeded(1)).expand(1, 4, -1, -1, -1)
    for likeness in (Likeness(torch.zeros(4)), Likeness(torch.arange(4.0))):
        assert likeness.affinity(still, torch.tensor([1])).tolist() == [[1.0] * 4]


def test_what_is_reached_is_of_the_clips_that_are_shown() -> None:
    """Clip 3 has 4 frames of 4 apart, so 4, 8 and 12 at distances of 1, 2 and 3."""
    clips = Sizes(count=5)
    made = likeness_of(clips, [0, 3])
    assert made.reached.tolist() == pytest.approx([0.0, 4.0, 8.0, 12.0, 12.0])
    assert clips.was_read == [3]  # that of one frame says nothing, and clip 4 is not shown
    both = likeness_of(clips, [1, 3]).reached
    assert float(both[1]) == pytest.approx(4.0) and float(both[2]) == 8.0


def test_one_cut_among_many_clips_sets_no_scale() -> None:
    class OneCut(ClipsInMemory):
        def latents(self, index: int) -> Tensor:
            step = 100.0 if index == 7 else 1.0
            frames = torch.arange(2.0) * step
            return frames.view(-1, 1, 1, 1).expand(2, 4, 4, 4).clone()

    made = likeness_of(OneCut(count=60, frames=2), range(60))
    assert float(made.reached[1]) == pytest.approx(1.0)


def test_few_of_many_clips_are_read() -> None:
    clips = ClipsInMemory(count=700, frames=2, side=2)
    likeness_of(clips, range(700))
    assert clips.was_read == list(range(0, 700, 3))
