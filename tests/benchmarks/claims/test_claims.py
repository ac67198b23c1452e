"""What the claims make of drawn clips: real ones reach the lines, and the controls are refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from adk_tests.benchmarks.claims.drawn import flickering, moving, straight
from animatediff_kit.benchmarks.claims import estimates
from animatediff_kit.benchmarks.claims.claim_camera import (
    CAMERA_MOVES,
    Read,
    confusion,
    move_of,
    of_move,
    pair_figures,
    rank_correlation,
    read,
    shown,
)
from animatediff_kit.benchmarks.claims.claim_labels import accuracies, all_three
from animatediff_kit.benchmarks.claims.claim_windows import (
    BATCHED,
    METHODS,
    drawn_apart,
    effect,
    seen,
    unseen,
)
from animatediff_kit.benchmarks.claims.findings import Figure
from animatediff_kit.benchmarks.claims.judges import truth
from animatediff_kit.benchmarks.claims.quality import (
    CLAIM,
    CONTROL,
    TOLD,
    Shown,
    flow_and_error,
    frechet_figures,
    identity_figures,
    motion_figures,
    track_figures,
)
from animatediff_kit.benchmarks.claims.scenes import (
    DEVELOPMENT,
    camera_cases,
    cases,
    frozen,
    shuffled,
)
from animatediff_kit.small_world.draw import clip_frames
from torch import Tensor


def verdicts(figures: Iterable[Figure]) -> list[bool]:
    return [figure.holds for figure in figures if figure.holds is not None]


@pytest.mark.parametrize("spoil", [None, frozen, shuffled, flickering])
def test_motion_and_tracks_accept_real_clips_and_refuse_spoiled_ones(spoil: object) -> None:
    real = Shown([case.real for case in straight()], straight())
    shown = real.spoiled(spoil) if callable(spoil) else real
    measures = [motion_figures, track_figures]
    if spoil in (frozen, flickering):  # a thing that stands still goes smoothly, a bright one too
        measures = [motion_figures]
    for figures in measures:
        assert all(verdicts(figures("clips", shown, real, CLAIM))) is (spoil is None)
        assert all(verdicts(figures("clips", shown, real, CONTROL))) is (spoil is not None)
        assert not verdicts(figures("clips", shown, real, TOLD))


def test_neither_flow_nor_warp_error_tells_anything_alone() -> None:
    real, still, mixed, bright = (
        np.median([flow_and_error(spoil(case.real)) for case in moving()], axis=0)
        for spoil in (lambda clip: clip, frozen, shuffled, flickering)
    )
    assert (still < 0.1 * real).all()  # can be followed perfectly
    assert mixed[1] > 2 * real[1] and bright[1] > 2 * real[1]


def test_real_clips_of_other_scenes_move_alike() -> None:
    real, others = ([case.real for case in moving(24, seed)] for seed in (21, 22))
    figures = list(motion_figures("clips", Shown(others, moving()), Shown(real, moving())))
    assert len(figures) == 2 and all(verdicts(figures))


def test_things_that_vanish_or_change_are_told() -> None:
    """In nearly half of the frames: gone, half as large, or of another colour."""
    real = Shown([case.real for case in straight()], straight())
    alike = verdicts(identity_figures("real", real.spoiled(shuffled), real))
    assert all(alike) and len(alike) == 3
    for figure, spoil in enumerate((vanishing, shrinking, paling)):
        assert not verdicts(identity_figures("spoiled", real.spoiled(spoil), real))[figure]


def every_other(clip: Tensor, spoiled: Tensor) -> Tensor:
    chosen = (torch.arange(len(clip)) % 2 == 0)[:, None, None, None]
    return torch.where(chosen, spoiled, clip)


def vanishing(clip: Tensor) -> Tensor:
    return every_other(clip, clip[:, :1, :1].expand_as(clip))


def shrinking(clip: Tensor) -> Tensor:
    """To half its height and width, on the ground of the corner."""
    ground = clip[:, :1, :1].expand_as(clip).clone()
    ground[:, 16:48, 16:48] = clip[:, ::2, ::2]
    return every_other(clip, ground)


def paling(clip: Tensor) -> Tensor:
    return every_other(clip, 0.7 * clip + 0.3 * clip[:, :1, :1])


def test_frechet_figures_accept_real_clips_and_refuse_spoiled_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(estimates, "GROUPS", 2)
    real, fresh, others = ([c.real for c in moving(24, seed)] for seed in (21, 22, 23))
    controls = {"frozen": [frozen(clip) for clip in fresh]}
    found = verdicts(frechet_figures(fresh, real, others, controls))
    assert all(found) and len(found) == 4


def test_drawn_videos_have_no_seams_and_videos_drawn_in_parts_have() -> None:
    some = cases(4, DEVELOPMENT, ("orbit",))
    drawn = [torch.from_numpy(clip_frames(case.scene, 64)) for case in some]
    whole = seen(drawn, METHODS["pyramid"])
    cut = seen([drawn_apart(case, 64) for case in some], BATCHED)
    assert unseen(whole).value > unseen(cut).value
    assert effect(cut, "motion").value > 0.1 > effect(whole, "motion").value


def test_reference_clips_fill_the_diagonal() -> None:
    found = [
        one
        for move in CAMERA_MOVES
        for one in read(move, [case.real for case in camera_cases(move, 1, DEVELOPMENT)])
    ]
    assert shown(found).value == 1
    assert np.array_equal(confusion(found)[:, :8], np.eye(8))
    assert all(one.beside < 0.1 and one.amount > 0.2 for one in found)
    pan = of_move(found, "pan left")[0]
    assert Read("tilt up", pan.found).beside > 5 and not Read("tilt up", pan.found).hit


def test_two_moves_at_once_are_held_against_each_alone() -> None:
    """The clips of both are those of the first alone: the whole of it is left, of the second
    nothing; of two opposed ones far too much. Of a move that is hardly there nothing holds."""
    pans, tilts = (
        [case.real for case in camera_cases(move, 2, DEVELOPMENT)]
        for move in ("pan left", "tilt up")
    )
    full = [*read("pan left", pans), *read("zoom in", tilts)]
    kept, hardly = pair_figures(("pan left", "zoom in"), pans, full)
    (opposed,) = pair_figures(("pan left", "pan right"), pans, full)
    assert [(one.line, one.holds) for one in (kept, hardly, opposed)] == [
        ("at least 0.5", True),
        ("at least 0.5", False),
        ("at most 0.25 either way", False),
    ]
    (gone,) = pair_figures(("pan left", "pan right"), tilts, full)
    (nothing,) = pair_figures(("zoom in", "zoom out"), tilts, full)
    assert gone.holds and nothing.estimate.value < 0.25 and not nothing.holds


def test_rising_amounts_have_rank_correlation_one() -> None:
    assert rank_correlation([0.0, 0.1, 0.15, 0.4, 1.2]) == pytest.approx(1)
    assert rank_correlation([1.2, 0.4, 0.15, 0.1, 0.0]) == pytest.approx(-1)
    assert 0 < rank_correlation([0.0, 0.3, 0.1, 0.4, 1.2]) < 1
    assert rank_correlation([0.3] * 5) == 0
    assert 0 < rank_correlation([0.0, 0.0, 0.0, 0.4, 0.4]) < 1


def test_a_file_tells_its_move() -> None:
    assert move_of(Path("small_world_zoom_in_5.safetensors")) == "zoom in"
    assert move_of(Path("small_world_roll_anticlockwise.safetensors")) == "roll anticlockwise"
    with pytest.raises(ValueError, match="mine.safetensors does not tell its move"):
        move_of(Path("mine.safetensors"))


def test_answers_are_held_against_their_own_prompts() -> None:
    some = moving(12)
    right = truth([case.scene for case in some])
    assert all(e.value == 1 for e in accuracies(right, some).values())
    swapped = [*some[1:], some[0]]
    each = [estimate.value for estimate in accuracies(right, swapped).values()]
    assert all(value < 0.7 for value in each)
    assert all_three(right, swapped).value <= min(each)
