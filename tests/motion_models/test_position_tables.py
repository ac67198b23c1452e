"""Position tables are shifted, cut and stretched, and the frames see what was made of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.position_tables import (
    PositionSettings,
    set_positions,
    settings_of,
    spec_of,
)
from comfy.model_patcher import ModelPatcher
from torch import Tensor

TABLE = torch.arange(16.0).view(1, 16, 1).repeat(1, 1, 3) * torch.tensor([1.0, 2.0, -1.0])


def rows(**settings: int) -> list[float]:
    """Which places of the table the new rows are from."""
    return PositionSettings(**settings).of(TABLE)[0, :, 0].tolist()


def test_offset_and_length() -> None:
    assert rows() == list(range(16))
    assert rows(offset=3) == list(range(3, 16))
    assert rows(offset=3, length=4) == [3, 4, 5, 6]


def test_stretched_rows_lie_evenly_between_the_ends() -> None:
    """AnimateDiff-Evolved's: (k + 0.5) * 16 / 24 - 0.5, held at the ends."""
    expected = [min(15.0, max(0.0, (k + 0.5) * 16 / 24 - 0.5)) for k in range(24)]
    assert rows(stretch_to=24) == pytest.approx(expected, abs=1e-5)
    assert rows(stretch_to=24)[:4] == pytest.approx([0, 0.5, 1.1667, 1.8333], abs=1e-3)
    assert rows(offset=4, length=4, stretch_to=8)[0] == 4.0
    assert rows(offset=4, length=4, stretch_to=8)[-1] == 7.0
    assert len(rows(stretch_to=8)) == 8
    assert PositionSettings(stretch_to=24).of(TABLE.half()).dtype == torch.float16


@pytest.mark.parametrize(
    ("settings", "left"),
    [({"offset": 16}, 0), ({"offset": 4, "length": 13}, 12), ({"length": 17}, 16)],
)
def test_rows_that_the_table_has_not(settings: dict[str, int], left: int) -> None:
    said = rf"x has 16 positions: .* there are {left}, of which .* cannot be kept\. Lower offset or"
    with pytest.raises(ValueError, match=said):
        PositionSettings(**settings).rows(16, "x")
    motion = tiny.motion_patcher("v2", positions=16)
    with pytest.raises(ValueError, match="tiny_v2 has 16 positions"):
        set_positions(motion, PositionSettings(**settings))


def by_hand_tables(positions: int, table: Any) -> ModelPatcher:
    """A motion model whose own tables were replaced for good."""
    motion = tiny.motion_patcher("v2", positions=positions)
    model: Any = motion.model
    for encoder in model.encoders().values():
        encoder.pe = table(encoder.pe)
    return motion


def test_frames_see_the_new_rows(base: ModelPatcher) -> None:
    motion = set_positions(tiny.motion_patcher("v2", positions=16), PositionSettings(5, 6, 9))

    def table(pe: Tensor) -> Tensor:
        places = torch.tensor([min(10.0, max(5.0, 5 + (k + 0.5) * 6 / 9 - 0.5)) for k in range(9)])
        low = places.floor().long().clamp(max=15)
        way = (places - low).view(1, -1, 1)
        return torch.lerp(pe[:, low], pe[:, (low + 1).clamp(max=15)], way)

    found = tiny.sample(apply_motion_model(base, motion), frames=9)
    expected = tiny.sample(apply_motion_model(base, by_hand_tables(16, table)), frames=9)
    assert by_hand.relative(found, expected) < 1e-4
    plain = apply_motion_model(base, tiny.motion_patcher("v2", positions=16))
    assert by_hand.relative(found, tiny.sample(plain, frames=9)) > 1e-3


def test_a_longer_table_takes_more_frames(base: ModelPatcher) -> None:
    motion = tiny.motion_patcher("v2", positions=8)
    stretched = set_positions(motion, PositionSettings(stretch_to=12))
    assert spec_of(stretched).positions == 12 and spec_of(motion).positions == 8
    assert tiny.sample(apply_motion_model(base, stretched), frames=12).isfinite().all()
    for model, most in ((motion, 8), (stretched, 12)):
        with pytest.raises(ValueError, match=rf"exceed the {most} positions"):
            tiny.sample(apply_motion_model(base, model), frames=13)
    views = windowed.windowed(apply_motion_model(base, stretched), 10, 2, schedule="views")
    assert windowed.sample_noise(views, windowed.noise_of(14)).isfinite().all()


def test_settings_chain_and_stay_beside_loras() -> None:
    motion = tiny.motion_patcher("v2", positions=16)
    once = set_positions(motion, PositionSettings(stretch_to=24))
    twice = set_positions(once, PositionSettings(offset=20))
    twice = apply_motion_lora(twice, tiny.motion_lora("v2", 5), 1.0, "x")
    assert [len(settings_of(p)) for p in (motion, once, twice)] == [0, 1, 2]
    assert spec_of(twice).positions == 4


def test_one_motion_model_with_two_tables(base: ModelPatcher) -> None:
    """They share weights; each application has its own table."""
    motion = tiny.motion_patcher("v2", positions=16)
    both = apply_motion_model(base, motion)
    both = apply_motion_model(both, set_positions(motion, PositionSettings(offset=6)))
    expected = apply_motion_model(base, tiny.motion_patcher("v2", positions=16))
    shifted = by_hand_tables(16, lambda pe: pe[:, 6:])
    expected = apply_motion_model(expected, shifted)
    assert by_hand.relative(tiny.sample(both), tiny.sample(expected)) < 1e-5
