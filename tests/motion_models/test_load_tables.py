"""Position tables in files; what the loader says; what it refuses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

import pytest
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from animatediff_kit.motion_models.modules import sinusoidal_positions
from safetensors.torch import save_file
from torch import Tensor

WIDTHS = (32, 64, 64, 96)
MODULE = "down_blocks.1.motion_modules.0.temporal_transformer"
TABLE = MODULE + ".transformer_blocks.0.attention_blocks.{}.pos_encoder.pe"


def weights(family: str = "v3", positions: int | None = 32) -> dict[str, Tensor]:
    return dict(live(family, positions))


@cache
def live(family: str, positions: int | None) -> dict[str, Tensor]:
    plain = tiny.motion_weights(family, widths=WIDTHS)
    return plain if positions is None else spellings.with_tables(plain, positions)


def tables(path: str) -> list[Tensor]:
    """Tables of the first and second attention of MODULE, as loaded."""
    model = motion_model(load_motion_model(path))
    return [model.get_submodule(TABLE.format(i).removesuffix(".pe")).pe for i in (0, 1)]


def saved(tmp_path, tensors: dict[str, Tensor]) -> str:
    path = str(tmp_path / "m.safetensors")
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path)
    return path


ROUNDED = [torch.float16, torch.bfloat16, torch.float32, torch.float8_e4m3fn]


@pytest.mark.parametrize("dtype", ROUNDED, ids=str)
@pytest.mark.parametrize("spell", [dict, spellings.diffusers])
def test_a_rounded_table_becomes_the_formula(tmp_path, dtype, spell):
    file = spell({key: w.to(dtype) for key, w in weights().items()})
    for table in tables(saved(tmp_path, file)):
        assert torch.equal(table, sinusoidal_positions(32, 64))


ALTERED: dict[str, Callable[[Tensor], Tensor]] = {
    "scaled": lambda pe: pe * 0.9,
    "shifted": lambda pe: pe.roll(1, dims=1),
    "stretched": lambda pe: pe[:, torch.arange(32) // 2],
    "one entry": lambda pe: pe.index_put(
        (torch.tensor([0]), torch.tensor([31])), torch.tensor(0.5)
    ),
}


@pytest.mark.parametrize("name", ALTERED)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
def test_an_altered_table_is_kept(tmp_path, name, dtype):
    file = {key: w.to(dtype) for key, w in weights().items()}
    altered = ALTERED[name](file[TABLE.format(1)].float()).to(dtype)
    file[TABLE.format(1)] = altered
    first, second = tables(saved(tmp_path, file))
    assert torch.equal(first, sinusoidal_positions(32, 64))
    assert second.dtype == torch.float32 and torch.equal(second, altered.float())


def test_diffusers_altered_table_serves_both_attentions(tmp_path):
    file = spellings.diffusers(weights())
    key = spellings.diffusers_name(TABLE.format(0))
    file[key] = file[key] * 0.9
    for table in tables(saved(tmp_path, file)):
        assert torch.equal(table, file[key])


def test_a_kept_table_is_what_the_module_adds(tmp_path):
    file = weights()
    for i in (0, 1):
        file[TABLE.format(i)] = torch.zeros_like(file[TABLE.format(i)])
    model = motion_model(load_motion_model(saved(tmp_path, file)))
    module = model.module("down_blocks.1.motion_modules.0")
    frame = torch.randn((1, 64, 2, 2), generator=torch.Generator().manual_seed(0))
    still = frame.expand(5, -1, -1, -1).to(model.dtype)
    out = module(still, tiny.call(still, 5))
    assert torch.allclose(out[0], out[4], atol=1e-6)  # without positions, still frames stay still


def test_notes_are_logged_with_the_file_and_the_remedy(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        load_motion_model(saved(tmp_path, weights("AnimateLCM", None)))
    (record,) = [r for r in caplog.records if r.name.startswith("animatediff_kit")]
    assert record.getMessage() == (
        "m.safetensors was taken for AnimateLCM: it holds no position table, AnimateLCM's mark; a "
        "re-saved v2 would look the same. The family input overrides it."
    )


@pytest.mark.parametrize(("family", "positions"), [("v3", 32), ("v2", 32), ("v1", 24)])
def test_a_clear_file_logs_nothing(tmp_path, caplog, family, positions):
    with caplog.at_level(logging.WARNING):
        load_motion_model(saved(tmp_path, weights(family, positions)))
    assert not [r for r in caplog.records if r.name.startswith("animatediff_kit")]


def test_override_decides_the_family_and_its_positions(tmp_path):
    path = saved(tmp_path, weights("v2", None))
    spec = motion_model(load_motion_model(path, "v2")).spec
    assert (spec.family.name, spec.positions) == ("v2", 32)
    spec = motion_model(load_motion_model(path)).spec
    assert (spec.family.name, spec.positions) == ("AnimateLCM", 64)


def test_an_unknown_family_is_refused_before_the_file_is_read():
    with pytest.raises(
        ValueError, match=r"^'v9' is no family of motion models; the families are v1, v2, v3, SDXL"
    ):
        load_motion_model("/nowhere/at all.safetensors", "v9")


def test_a_table_missing_from_one_attention_is_the_formula(tmp_path):
    file = weights()
    del file[TABLE.format(0)]
    for table in tables(saved(tmp_path, file)):
        assert torch.equal(table, sinusoidal_positions(32, 64))
