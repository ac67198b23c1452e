"""What the claims make of drawn clips: real ones reach the lines, and the controls are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from adk_tests.benchmarks.claims.measures.drawn import moving, straight
from animatediff_kit.benchmarks.claims import estimates
from animatediff_kit.benchmarks.claims.claim_camera import (
    beside_of,
    confusion,
    hits,
    move_of,
    rank_correlation,
)
from animatediff_kit.benchmarks.claims.claim_labels import accuracies, all_three
from animatediff_kit.benchmarks.claims.claim_windows import (
    BATCHED,
    METHODS,
    drawn,
    drawn_apart,
    seen,
)
from animatediff_kit.benchmarks.claims.controls import frozen, shuffled
from animatediff_kit.benchmarks.claims.findings import Finding
from animatediff_kit.benchmarks.claims.measures.camera import CAMERA_MOVES, signature
from animatediff_kit.benchmarks.claims.measures.label_network import truth
from animatediff_kit.benchmarks.claims.quality import (
    CLAIM,
    CONTROL,
    TOLD,
    add_frechet,
    add_identity,
    add_range,
    add_tracks,
    tracks_of,
)
from animatediff_kit.benchmarks.claims.scenes import DEVELOPMENT, camera_cases, cases
from torch import Tensor


def found() -> Finding:
    return Finding(1, "A claim", "")


def wanted(finding: Finding) -> list[bool]:
    return [figure.holds for figure in finding.figures if figure.holds is not None]


@pytest.mark.parametrize("spoil", [None, frozen, shuffled])
def test_range_and_tracks_accept_real_clips_and_refuse_spoiled_ones(spoil: object) -> None:
    real = [case.real for case in straight()]
    clips = [spoil(clip) for clip in real] if callable(spoil) else real
    as_claim, as_control, told = found(), found(), found()
    for finding, role in ((as_claim, CLAIM), (as_control, CONTROL), (told, TOLD)):
        add_range(finding, "clips", clips, real, role)
        if spoil is not frozen:  # a thing that stands still goes smoothly
            tracks, ideal = tracks_of(clips, straight()), tracks_of(real, straight())
            add_tracks(finding, "clips", tracks, ideal, straight(), role)
    assert all(wanted(as_claim)) is (spoil is None)
    assert all(wanted(as_control)) is (spoil is not None)
    assert not wanted(told)
    assert as_control.holds is (spoil is not None)


def test_things_that_vanish_or_change_are_told() -> None:
    """In nearly half of the frames: gone, half as large, or of another colour."""
    some = straight()
    real = [case.real for case in some]
    ideal = tracks_of(real, some)
    alike, gone, small, pale = found(), found(), found(), found()
    add_identity(alike, "real", tracks_of([shuffled(clip) for clip in real], some), ideal)
    assert alike.holds and len(alike.figures) == 3
    for finding, spoil in ((gone, vanishing), (small, shrinking), (pale, paling)):
        tracks = tracks_of([spoil(clip) for clip in real], some)
        add_identity(finding, "spoiled", tracks, ideal)
    assert [figure.holds for figure in gone.figures][0] is False
    assert [figure.holds for figure in small.figures][1] is False
    assert [figure.holds for figure in pale.figures][2] is False


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
    finding = found()
    add_frechet(finding, fresh, real, others, {"frozen": [frozen(clip) for clip in fresh]})
    assert finding.holds and len(finding.figures) == 4


def test_drawn_videos_have_no_seams_and_videos_drawn_in_parts_have() -> None:
    some = cases(4, DEVELOPMENT, ("orbit",))
    whole = seen([drawn(case.scene, 64) for case in some], METHODS["pyramid"])
    cut = seen([drawn_apart(case, 64) for case in some], BATCHED)
    assert whole.unseen.value > cut.unseen.value
    assert cut.effect("motion").value > 0.1 > whole.effect("motion").value


def test_reference_clips_fill_the_diagonal() -> None:
    read = {
        move: [signature(case.real) for case in camera_cases(move, 1, DEVELOPMENT)]
        for move in CAMERA_MOVES
    }
    assert all(hits(read))
    assert np.array_equal(confusion(read)[:, :8], np.eye(8))
    assert all(beside_of(part[0], move) < 0.1 for move, part in read.items())
    assert beside_of(read["pan left"][0], "tilt up") > 5


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
    scenes = [case.scene for case in moving(12)]
    right = truth(scenes)
    assert all(e.value == 1 for e in accuracies(right, right).values())
    swapped = truth([*scenes[1:], scenes[0]])
    assert all(e.value < 0.7 for e in accuracies(right, swapped).values())
    each = [estimate.value for estimate in accuracies(right, swapped).values()]
    assert all_three(right, swapped).value <= min(each)
