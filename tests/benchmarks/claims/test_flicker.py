"""What warping leaves is split into brightness that wavers and the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from animatediff_kit.benchmarks.claims.flicker import BLOCK, REAL, ROWS, figures_of, jobs
from animatediff_kit.benchmarks.claims.lasting import LastingStudio
from animatediff_kit.benchmarks.claims.scenes import DEVELOPMENT, cases


def test_brightness_is_of_cells_and_grain_is_the_rest() -> None:
    still = cases(1, DEVELOPMENT)[0].real[:1].expand(6, -1, -1, -1).clone()
    random = np.random.default_rng(0)
    wavers = still + 0.05 * torch.from_numpy(
        np.kron(random.standard_normal((6, 8, 8, 1)), np.ones((1, 8, 8, 1)))
    )
    grain = still + 0.05 * torch.from_numpy(random.standard_normal(still.shape))
    calm, bright, rough = (figures_of(clip.float().clamp(0, 1)) for clip in (still, wavers, grain))
    assert calm["cells"] < 0.002 and calm["rest"] < 0.01
    assert bright["cells"] > 3 * bright["rest"] or bright["cells"] > 10 * calm["cells"]
    assert rough["rest"] > 3 * rough["cells"]


def test_a_block_of_clips_in_every_row_before_the_next(tmp_path: Path) -> None:
    names = [job.name for job in jobs(LastingStudio(tmp_path), cases(2 * BLOCK))]
    rows = (REAL, *ROWS)
    expected = [f"{row} / {n}" for row in rows for n in range(BLOCK)]
    assert names[: len(expected)] == expected and len(names) == 2 * len(expected)
    assert len(set(names)) == len(names)
