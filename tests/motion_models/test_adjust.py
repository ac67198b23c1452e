"""Stretched positions and scaled weights, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models import load
from animatediff_kit.motion_models.adjust import (
    GROUPS,
    Adjustment,
    PositionSteps,
    load_adjusted,
    stretched,
)
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from animatediff_kit.motion_models.read import read_weights
from safetensors.torch import save_file

FIRST = "down_blocks.0.motion_modules.0.temporal_transformer."
BLOCK = f"{FIRST}transformer_blocks.0."


def saved(folder: Path, family: str = "v3", rows: int | None = 32) -> str:
    weights = tiny.motion_weights(family)
    path = folder / f"{family}.safetensors"
    save_file(weights if rows is None else spellings.with_tables(weights, rows), str(path))
    return str(path)


def test_rows_between_rows() -> None:
    """Middles lie at one place: 4 rows over 2 stand at -0.25, 0.25, 0.75 and 1.25 of them."""
    table = torch.tensor([[[0.0], [8.0]]])
    assert stretched(table, 4).flatten().tolist() == [0, 2, 6, 8]
    assert torch.equal(stretched(table, 2), table)


def test_the_steps_in_their_order() -> None:
    table = torch.arange(8.0).view(1, 8, 1)
    assert PositionSteps(skip=2, keep=3).of(table).flatten().tolist() == [2, 3, 4]
    assert PositionSteps(keep=2, length=4, skip_after=1).of(table).flatten().tolist() == [
        0.25,
        0.75,
        1,
    ]
    assert PositionSteps(stretch=8).of(table).shape == (1, 16, 1)
    with pytest.raises(ValueError) as caught:
        PositionSteps(skip=8).of(table)
    assert str(caught.value) == (
        "No row is left of the motion model's 8 positions when the first 8 are left out. Leave "
        "out fewer."
    )


@pytest.mark.parametrize(
    "steps", [dict(length=2**31), dict(stretch=10**7), dict(stretch=-8), dict(keep=-1)]
)
def test_rows_that_no_table_can_have_are_refused(steps: dict[str, int]) -> None:
    said = r"^The motion model's 8 positions cannot be stretched by .* 4096 rows are the most\.$"
    with pytest.raises(ValueError, match=said):
        PositionSteps(**steps).of(torch.zeros(1, 8, 1))


@pytest.mark.parametrize("spelling", [spellings.diffusers, spellings.hotshot])
def test_tables_of_any_spelling(tmp_path: Path, spelling: Any) -> None:
    path = tmp_path / "spelled.safetensors"
    family = {spellings.hotshot: "HotshotXL"}.get(spelling, "v3")
    save_file(spelling(spellings.with_tables(tiny.motion_weights(family), 32)), str(path))
    plain = motion_model(load_motion_model(str(path)))
    adjusted = motion_model(load_adjusted(str(path), Adjustment((PositionSteps(keep=4),))))
    assert adjusted.spec.positions == 4
    for name, encoder in adjusted.encoders().items():
        assert torch.equal(encoder.pe, plain.encoders()[name].pe[:, :4])


def test_a_file_with_both(tmp_path: Path) -> None:
    path = saved(tmp_path)
    plain = motion_model(load_motion_model(path))
    adjustment = Adjustment((PositionSteps(keep=16, length=18),), (("all", 1.5), ("attn_q", 2.0)))
    adjusted = motion_model(load_adjusted(path, adjustment))
    assert plain.spec.positions == 32 and adjusted.spec.positions == 18
    before, after = (dict(model.named_parameters()) for model in (plain, adjusted))
    for name, weight in before.items():
        factor = 3.0 if name.endswith("to_q.weight") else 1.5
        assert torch.allclose(after[name], factor * weight, rtol=1e-6), name
    tables = zip(plain.encoders().values(), adjusted.encoders().values(), strict=True)
    for one, other in tables:
        assert torch.allclose(other.pe, 1.5 * stretched(one.pe[:, :16], 18), atol=1e-6)
    assert adjusted.source is None and bool(adjustment) and not Adjustment((PositionSteps(),))


def test_the_files_own_tensors_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With dynamic VRAM the weights are the file's pages, which cannot be written: a process that
    tries ends at once."""
    read: list[Any] = []

    def heard(path: str) -> Any:
        read.append(read_weights(path))
        return read[-1]

    monkeypatch.setattr(load, "read_weights", heard)
    monkeypatch.setattr(load, "is_dynamic", lambda patcher: True)  # as on a GPU
    adjusted = motion_model(load_adjusted(saved(tmp_path), Adjustment((), (("all", 1.5),))))
    ((tensors, _),) = read
    for name, weight in adjusted.named_parameters():
        assert torch.equal(weight, 1.5 * tensors[name]), name


def test_a_file_without_positions_keeps_the_formulas(tmp_path: Path) -> None:
    path = saved(tmp_path, "AnimateLCM", None)
    adjustment = Adjustment((PositionSteps(keep=16, length=18),), (("all", 2.0),))
    adjusted = motion_model(load_adjusted(path, adjustment))
    plain = motion_model(load_motion_model(path))
    assert adjusted.spec.positions == 64
    key = f"{FIRST}proj_in.weight"
    assert torch.allclose(adjusted.get_parameter(key), 2 * plain.get_parameter(key))
    for one, other in zip(plain.encoders().values(), adjusted.encoders().values(), strict=True):
        assert torch.equal(one.pe, other.pe)


@pytest.mark.parametrize(
    ("group", "inside", "outside"),
    [
        ("attn", f"{BLOCK}attention_blocks.0.to_out.0.bias", f"{BLOCK}norms.0.weight"),
        ("attn_k", f"{BLOCK}attention_blocks.1.to_k.weight", f"{BLOCK}attention_blocks.1.to_q.w"),
        ("attn_v", f"{BLOCK}attention_blocks.1.to_v.weight", f"{BLOCK}attention_blocks.1.to_k.w"),
        ("attn_out_weight", f"{BLOCK}attention_blocks.0.to_out.0.weight", f"{FIRST}proj_out.bias"),
        ("attn_out_bias", f"{BLOCK}attention_blocks.0.to_out.0.bias", f"{FIRST}proj_out.bias"),
        ("other", f"{BLOCK}ff.net.2.bias", f"{BLOCK}attention_blocks.0.to_q.weight"),
    ],
)
def test_groups_of_weights(group: str, inside: str, outside: str) -> None:
    assert GROUPS[group](inside) and not GROUPS[group](outside)
    assert Adjustment((), ((group, 2.0),)).factor(inside) == 2.0
    assert Adjustment((), (("pe", 2.0), ("all", 3.0))).table_factor == 6.0
