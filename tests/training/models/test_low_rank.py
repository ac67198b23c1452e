"""LoRA layers while they are trained: W x + up(down(x)), W frozen."""

from __future__ import annotations

from typing import Any

import comfy.ops
import pytest
import torch
from animatediff_kit.motion_models.modules import TemporalAttention
from animatediff_kit.training.models.low_rank import LowRankLinear, Pairs, attach
from animatediff_kit.training.models.private_copy import PlainLayers
from comfy.ldm.modules.attention import CrossAttention
from torch import Tensor, nn

IN, OUT, RANK = 12, 20, 3


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def layer(bias: bool = True) -> LowRankLinear:
    torch.manual_seed(1)
    linear = nn.Linear(IN, OUT, bias=bias).requires_grad_(False)
    return LowRankLinear(linear, RANK, generator())


def inputs() -> Tensor:
    return torch.randn((5, IN), generator=generator(2))


@pytest.mark.parametrize("bias", [True, False])
def test_it_starts_as_the_frozen_layer_bit_for_bit(bias: bool) -> None:
    lora = layer(bias)
    assert torch.equal(lora(inputs()), lora.linear(inputs()))


def test_it_computes_the_sum_of_both_paths() -> None:
    lora = layer()
    with torch.no_grad():
        lora.up.weight.copy_(torch.randn((OUT, RANK), generator=generator(3)))
    x, w = inputs().double(), lora.linear
    merged = w.weight.double() + lora.up.weight.double() @ lora.down.weight.double()
    torch.testing.assert_close(
        lora(inputs()).double(), x @ merged.T + w.bias.double(), rtol=1e-5, atol=1e-5
    )


def test_gradients_reach_the_pair_and_not_the_frozen_layer() -> None:
    lora = layer()
    with torch.no_grad():
        lora.up.weight.fill_(0.1)
    lora(inputs()).square().sum().backward()
    assert all(p.grad is None for p in lora.linear.parameters())
    assert all(float(half.weight.grad.abs().sum()) > 0 for half in (lora.down, lora.up))


def test_down_starts_from_noise_of_deviation_one_over_the_rank_and_up_from_zero() -> None:
    lora = LowRankLinear(nn.Linear(4000, 8), 16, generator())
    assert float(lora.down.weight.detach().std()) == pytest.approx(1 / 16, rel=0.02)
    assert not lora.up.weight.any()


def test_the_same_seed_starts_from_the_same_weights() -> None:
    linear = nn.Linear(IN, OUT)
    first, again, other = (
        LowRankLinear(linear, RANK, generator(seed)).down.weight for seed in (5, 5, 6)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def attention(kind: str, dtype: torch.dtype) -> Any:
    if kind == "temporal":
        return TemporalAttention(IN * 8, 16, PlainLayers, dtype=dtype, device="cpu")
    return CrossAttention(
        IN * 8, heads=8, dim_head=IN, dtype=dtype, device="cpu", operations=comfy.ops.manual_cast
    )


@pytest.mark.parametrize("kind", ["temporal", "spatial"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_all_four_projections_get_float32_pairs_under_the_files_names(
    kind: str, dtype: torch.dtype
) -> None:
    attended = attention(kind, dtype).requires_grad_(False)
    parameters = attach(attended, "block.attn1", Pairs(RANK, generator()))
    assert set(parameters) == {
        f"block.attn1.processor.{p}_lora.{half}.weight"
        for p in ("to_q", "to_k", "to_v", "to_out")
        for half in ("down", "up")
    }
    assert {p.dtype for p in parameters.values()} == {torch.float32}
    trained = [p for p in attended.parameters() if p.requires_grad]
    assert {id(p) for p in trained} == {id(p) for p in parameters.values()}
    assert isinstance(attended.to_out[0], LowRankLinear)
    assert all(isinstance(getattr(attended, p), LowRankLinear) for p in ("to_q", "to_k", "to_v"))


def test_the_four_projections_start_from_different_noise() -> None:
    parameters = attach(attention("temporal", torch.float32), "a", Pairs(RANK, generator()))
    downs = [p for name, p in parameters.items() if ".down." in name]
    assert not any(torch.equal(a, b) for i, a in enumerate(downs) for b in downs[:i])
