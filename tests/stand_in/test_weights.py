"""The stand-in files have the published layouts: tensor counts, shapes, live weights."""

from __future__ import annotations

import math

import pytest
import torch
from adk_tests.stand_in import weights as stand_in

WIDTHS = (8, 16, 32, 32)


@pytest.mark.parametrize(("mid_block", "modules"), [(False, 20), (True, 21)])
def test_a_motion_model_has_every_tensor_of_its_modules(mid_block: bool, modules: int) -> None:
    state = stand_in.motion_model_state_dict(WIDTHS, mid_block, positions=None)
    assert len(state) == 26 * modules
    widths = [w for w in WIDTHS for _ in (0, 1)] + [w for w in WIDTHS for _ in (0, 1, 2)]
    widths += [WIDTHS[-1]] * mid_block
    count = sum(22 * w * w + 21 * w for w in widths)  # parameters of one module of width w
    assert sum(tensor.numel() for tensor in state.values()) == count


def test_position_tables_are_the_sinusoids_of_every_attention() -> None:
    state = stand_in.motion_model_state_dict(WIDTHS, positions=24, dtype=torch.float32)
    tables = {name: table for name, table in state.items() if name.endswith("pos_encoder.pe")}
    assert len(tables) == 40
    table = tables[
        "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0."
        "attention_blocks.1.pos_encoder.pe"
    ]
    assert table.shape == (1, 24, 8)
    angle = 5 * 10000.0 ** (-2 / 8)  # row 5, the second pair of channels
    expected = torch.tensor([math.sin(angle), math.cos(angle)])
    assert torch.allclose(table[0, 5, 2:4], expected)


def test_output_projections_are_live_and_seeds_matter() -> None:
    first = stand_in.motion_model_state_dict(WIDTHS, seed=1)
    other = stand_in.motion_model_state_dict(WIDTHS, seed=2)
    again = stand_in.motion_model_state_dict(WIDTHS, seed=1)
    names = [name for name in first if name.endswith("proj_out.weight")]
    assert len(names) == 20
    for name in names:
        assert first[name].std() > 0 and torch.equal(first[name], again[name])
        assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize(("mid_block", "modules"), [(False, 20), (True, 21)])
def test_a_motion_lora_has_a_pair_for_every_matrix(mid_block: bool, modules: int) -> None:
    state = stand_in.motion_lora_state_dict(WIDTHS, mid_block, rank=3)
    assert len(state) == modules * 2 * 4 * 2
    prefix = "up_blocks.3.motion_modules.2.temporal_transformer.transformer_blocks.0."
    prefix += "attention_blocks.1.processor.to_out_lora"
    assert state[prefix + ".down.weight"].shape == (3, WIDTHS[0])
    assert state[prefix + ".up.weight"].shape == (WIDTHS[0], 3)


def test_a_domain_adapter_covers_the_sixteen_spatial_transformers() -> None:
    state = stand_in.domain_adapter_state_dict(WIDTHS, rank=2, context=12)
    assert len(state) == 16 * 2 * 4 * 2
    blocks = {name.split(".transformer_blocks")[0] for name in state}
    assert len(blocks) == 16 and "mid_block.attentions.0" in blocks
    assert not any(name.startswith(("down_blocks.3", "up_blocks.0")) for name in blocks)
    key = "down_blocks.1.attentions.0.transformer_blocks.0.attn{}.processor.to_k_lora.down.weight"
    assert state[key.format(1)].shape == (2, WIDTHS[1])
    assert state[key.format(2)].shape == (2, 12)
