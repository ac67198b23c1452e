"""Tensors that are no plain numbers, numbers that no weight is, and what weighs them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.motion_models.lora import MOST_RANK, apply_motion_lora
from animatediff_kit.motion_models.read import read_finite, read_weights
from animatediff_kit.motion_models.sound import LARGEST, check_finite, check_number, check_plain

LAYER = "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks"
QUERY = f"{LAYER}.0.to_q"
SPATIAL = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora"
ROW = torch.ones(1, 320)

STRANGE: dict[str, Any] = {
    # what it is called -> what makes it
    "a sparse tensor": lambda: torch.eye(4).to_sparse(),
    "a sparse tensor (rows)": lambda: torch.eye(4).to_sparse_csr(),
    "a quantised tensor": lambda: torch.quantize_per_tensor(ROW, 0.1, 0, torch.qint8),
    "a tensor without numbers": lambda: torch.empty(4, 4, device="meta"),
    "a nested tensor": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "complex numbers": lambda: torch.ones(4, 4, dtype=torch.complex64),
    "a tensor of shape [2000000, 320] of which only 1,280 bytes are stored": lambda: ROW.expand(
        2_000_000, 320
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, on what is not finished
@pytest.mark.parametrize("what", STRANGE)
def test_what_is_no_plain_tensor_is_called_by_its_name(tmp_path: Path, what: str) -> None:
    path = tmp_path / "odd.ckpt"
    torch.save({"state_dict": {"good": torch.ones(2), "bad": STRANGE[what]()}}, path)
    said = re.escape(what.split(" (")[0])
    with pytest.raises(ValueError) as told:
        read_weights(str(path))
    assert re.match(
        rf"odd.ckpt (holds {said}, bad for one, where|\([\d,]+ bytes\) cannot be r|asks to run)",
        str(told.value),
    )
    assert "\n" not in str(told.value)
    with pytest.raises(ValueError, match=f"^odd.ckpt holds {said}, bad for one, where weights "):
        check_plain({"bad": STRANGE[what]()}, "odd.ckpt")


def test_views_and_tensors_that_share_are_plain(tmp_path: Path) -> None:
    table = torch.arange(12.0).reshape(3, 4)
    shared = {"a": table[1:], "b": table.T, "c": table, "d": torch.arange(7).expand(1, -1)}
    torch.save(shared, tmp_path / "shared.ckpt")
    assert read_finite(str(tmp_path / "shared.ckpt")).keys() == shared.keys()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("value", [1e30, -1e30, 65536.0])
def test_a_number_that_no_weight_is(value: float, dtype: torch.dtype) -> None:
    check_finite({"a": torch.tensor([LARGEST, -LARGEST], dtype=torch.float32)}, "m.pt")
    with pytest.raises(ValueError, match=rf"^m.pt holds a weight of .* in b, and {LARGEST:g}, "):
        check_finite({"b": torch.tensor([[0.0, value]], dtype=dtype)}, "m.pt")


def lora(rank: int = 4, **more: torch.Tensor) -> dict[str, torch.Tensor]:
    return spellings.official_lora({QUERY: (torch.ones(32, rank), torch.ones(rank, 32))}) | more


def kohya(alpha: torch.Tensor) -> dict[str, torch.Tensor]:
    pair = {QUERY: (torch.ones(32, 4), torch.ones(4, 32))}
    return {
        k: alpha if k.endswith("alpha") else t for k, t in spellings.kohya_lora(pair, 4.0).items()
    }


def test_a_rank_that_is_not_low() -> None:
    motion = tiny.motion_patcher("v3")
    assert apply_motion_lora(motion, lora(MOST_RANK), 1.0, "m.pt").patches
    with pytest.raises(
        ValueError, match=r"^m.pt has rank 1025 at .*is \[32, 32\]; 1024 is the most\. Get the file"
    ):
        apply_motion_lora(motion, lora(1025), 1.0, "m.pt")


def test_pairs_of_whole_numbers() -> None:
    whole = {key: tensor.to(torch.int32) for key, tensor in lora().items()}
    with pytest.raises(ValueError, match=r"^m.pt holds .*attent.*, which cannot be weights\. Down"):
        apply_motion_lora(tiny.motion_patcher("v3"), whole, 1.0, "m.pt")


@pytest.mark.parametrize(
    ("alpha", "said"),
    [
        (torch.ones(3, 3), r"has the shape \[3, 3\], where one number belongs\."),
        (torch.tensor(-(10**9)), r"is -1e.09, and 65504 is the most that an alpha can be\."),
    ],
)
def test_an_alpha_that_is_none(alpha: torch.Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=rf"^The MotionLoRA's lora_unet.*alpha {said}"):
        apply_motion_lora(tiny.motion_patcher("v3"), kohya(alpha), 1.0, "m.pt")
    pair = {f"{SPATIAL}.up.weight": torch.ones(32, 4), f"{SPATIAL}.down.weight": torch.ones(4, 32)}
    with pytest.raises(ValueError, match=rf"^The adapter's .*to_q_lora.alpha {said}"):
        apply_domain_adapter(tiny.image_model(), {**pair, f"{SPATIAL}.alpha": alpha}, 1.0, "a.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_strength_that_is_no_number(value: float) -> None:
    """JSON has none, but Python's reader takes NaN and Infinity, and ComfyUI's least and most let
    NaN pass."""
    said = rf"is {value}, which is no number to multiply with\. Set it to 1\.$"
    with pytest.raises(ValueError, match=f"^The MotionLoRA's strength {said}"):
        apply_motion_lora(tiny.motion_patcher("v3"), lora(), value, "m.pt")
    with pytest.raises(ValueError, match=f"^The adapter's scale {said}"):
        apply_domain_adapter(tiny.image_model(), {}, value, "a.pt")
    for name in ("strength", "motion_scale"):
        with pytest.raises(ValueError, match=f"^The motion model's {name} {said}"):
            MotionSettings(**{name: value}).check()
    check_number("x", 1.5)
    check_number("x", lambda call: 1.0)
