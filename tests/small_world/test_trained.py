"""What ships does what it says: prompts move, MotionLoRAs steer the camera, the adapter brings the
videos' defect, and windows meet unseen. All of it is rendered here, from the shipped weights.

Seeds are others than those of docs/proof.md, whose measures these are; several clips of each kind,
of which most have to show it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from animatediff_kit.benchmarks.claims.claim_adapter import watermark_response
from animatediff_kit.benchmarks.claims.claim_camera import CAMERA_MOVES, read
from animatediff_kit.benchmarks.claims.claim_windows import BATCHED, LASTING, seam_triple
from animatediff_kit.benchmarks.claims.scenes import STRAIGHT, camera_cases, cases
from animatediff_kit.benchmarks.claims.studio import Shot, Studio, shipped_move
from animatediff_kit.benchmarks.claims.tracks import direction, track
from animatediff_kit.sampling.windows import WindowSettings
from animatediff_kit.small_world import files
from torch import Tensor

SEED, STEPS = 41, 12

MARKED, LEFT = 0.5, 0.2
"""Of the watermark in real clips with the defect, at least, at scale 1; of that, at most, at 0."""

LONG = 48

pytestmark = pytest.mark.skipif(
    not (files.MOTION_MODELS / files.MOTION_MODEL).is_file(),
    reason="the small world's weights are not there; `python small_world` trains them",
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("clips"))


def rendered(studio: Studio, shot: Shot) -> Tensor:
    return studio.render(replace(shot, steps=STEPS))


@pytest.mark.parametrize("motion", STRAIGHT)
def test_things_go_where_the_prompt_says(studio: Studio, motion: str) -> None:
    """By the middle of their colour, over the whole clip."""
    found = cases(3, SEED, (motion,))
    clips = [rendered(studio, Shot(case.caption, case.seed)) for case in found]
    told = [direction(track(clip, c.scene)) for clip, c in zip(clips, found, strict=True)]
    assert told.count(motion) >= 2, told


def test_each_motion_lora_moves_the_camera_its_own_way(studio: Studio) -> None:
    found = {
        move: read(
            move,
            [
                rendered(studio, Shot(c.caption, c.seed, moves=(shipped_move(move),)))
                for c in camera_cases(move, 2, SEED)
            ],
        )
        for move in CAMERA_MOVES
    }
    told = {move: [one.found.move for one in part] for move, part in found.items()}
    right = {move: names.count(move) for move, names in told.items()}
    assert all(right.values()), told
    assert sum(right.values()) >= 13, told  # of 16
    assert all(one.amount > 0 for part in found.values() for one in part), told


def test_the_adapter_brings_the_defect_and_takes_it_away(studio: Studio) -> None:
    found = cases(3, SEED)

    def marked(scale: float) -> float:
        clips = [rendered(studio, Shot(c.caption, c.seed, adapter=scale)) for c in found]
        return float(np.mean([watermark_response(clip) for clip in clips]))

    real = float(np.mean([watermark_response(case.spoiled) for case in found]))
    with_it, without = marked(1.0), marked(0.0)
    assert with_it >= MARKED * real
    assert abs(without) <= LEFT * with_it


def test_windows_meet_unseen(studio: Studio) -> None:
    """In most videos; in windows that share no frames in fewer."""
    found = cases(2, SEED, LASTING)

    def unseen(settings: WindowSettings) -> int:
        shots = [Shot(c.caption, c.seed, frames=LONG, windows=settings) for c in found]
        return sum(seam_triple(rendered(studio, shot), settings).passes for shot in shots)

    assert unseen(WindowSettings(16, 8)) > unseen(BATCHED)
