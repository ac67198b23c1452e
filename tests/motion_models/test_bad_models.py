"""Damaged or foreign files in the motion model slot: one sentence each, naming the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models.load import load_motion_model
from safetensors.torch import save_file
from torch import Tensor

WIDTHS = (32, 64, 64, 96)
STEM = "up_blocks.0.motion_modules.1.temporal_transformer."
QUERY = STEM + "transformer_blocks.0.attention_blocks.0.to_q.weight"
TABLE = STEM + "transformer_blocks.0.attention_blocks.0.pos_encoder.pe"
PAIR = {QUERY.removesuffix(".weight"): (torch.ones(96, 2), torch.ones(2, 96))}
SPATIAL = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight"
Weights = dict[str, Tensor]


@cache
def live() -> Weights:
    return spellings.with_tables(tiny.motion_weights("v3", widths=WIDTHS), 32)


def without(part: str) -> Callable[[Weights], Weights]:
    return lambda w: {key: tensor for key, tensor in w.items() if part not in key}


def replaced(key: str, value: Tensor) -> Callable[[Weights], Weights]:
    return lambda w: {**w, key: value}


UNUSABLE = "cannot be used as a motion model: "
FOREIGN = "is no motion model but "
BAD: dict[str, tuple[Callable[[Weights], Weights], str]] = {
    "missing tensor": (
        without(QUERY),
        UNUSABLE + f"1 of its 520 tensors are missing, {QUERY} for one: download it again.",
    ),
    "missing module": (
        without("up_blocks.0.motion_modules.1."),
        UNUSABLE + "26 of its 520 tensors are missing, " + STEM + "norm.weight for one: download",
    ),
    "wrong shape": (
        replaced(QUERY, torch.ones(96, 95)),
        UNUSABLE
        + f"1 of its tensors have the wrong shape, {QUERY} for one: [96, 95] instead of [96, 96].",
    ),
    "wrong table": (
        replaced(TABLE, torch.ones(1, 32, 95)),
        UNUSABLE + f"1 of its tensors have the wrong shape, {TABLE} for one: [1, 32, 95] instead",
    ),
    "two lengths": (
        replaced(TABLE, torch.ones(1, 24, 96)),
        UNUSABLE + "its position tables disagree on their length ([24, 32]).",
    ),
    "surplus": (
        replaced(STEM + "gamma", torch.ones(1)),
        UNUSABLE + f"1 of its tensors belong to no motion module known here, {STEM}gamma for one.",
    ),
    "NaN": (
        replaced(QUERY, torch.full((96, 96), float("nan"))),
        f"holds NaN or infinite weights, in {QUERY} for one. Download it again.",
    ),
    "NaN in a table": (
        replaced(TABLE, torch.full((1, 32, 96), float("nan"))),
        f"holds NaN or infinite weights, in {TABLE} for one. Download it again.",
    ),
    "all scalars": (
        lambda w: {key: torch.tensor(0.5) for key in w},
        UNUSABLE + "no complete set of down_blocks motion modules was found in it.",
    ),
    **{
        f"type {dtype}": (
            lambda w, dtype=dtype: {key: t.to(dtype) for key, t in w.items()},
            UNUSABLE + f"its weights are of type {dtype}, in ",
        )
        for dtype in (torch.bool, torch.int8, torch.uint8, torch.int64)
    },
    "absurd": (
        replaced(STEM + "norm.weight", torch.full((96,), 1e30)),
        f"holds a weight of 1e+30 in {STEM}norm.weight, and 65504, the largest number of half",
    ),
    "too large for float32": (
        replaced(QUERY, torch.full((96, 96), -1e300, dtype=torch.float64)),
        f"holds a weight of 1e+300 in {QUERY}, and 65504, the largest number of half precision",
    ),
    "no table": (
        without("pos_encoder"),
        UNUSABLE + "it holds no position table, so v1 (GroupNorm over all frames) and v3 (per fr",
    ),
    "no down blocks": (
        without("down_blocks"),
        UNUSABLE + "no complete set of down_blocks motion modules was found in it.",
    ),
    "SparseCtrl's modules": (
        without(".attention_blocks.1."),
        UNUSABLE + "its modules have one attention each, as SparseCtrl's have; a motion model has",
    ),
    "I2V": (
        replaced("img_encoder.conv_in.weight", torch.ones(8, 4, 3, 3)),
        UNUSABLE + "37 of its 38 tensors are missing, img_encoder.conv_in.bias for one: download",
    ),
    "SparseCtrl": (
        replaced("controlnet_cond_embedding.weight", torch.ones(8, 5, 3, 3)),
        FOREIGN + "a SparseCtrl model: load it with Load SparseCtrl Model.",
    ),
    "MotionLoRA": (
        lambda _: spellings.official_lora(PAIR),
        FOREIGN + "a MotionLoRA: load it with Load MotionLoRA.",
    ),
    "peft MotionLoRA": (
        lambda _: spellings.peft_lora(PAIR),
        FOREIGN + "a MotionLoRA: load it with Load MotionLoRA.",
    ),
    "domain adapter": (
        lambda _: {SPATIAL: torch.ones(2, 32)},
        FOREIGN + "a LoRA of the image model: load it with Apply Domain Adapter "
        "(v3_sd15_adapter) or Load LoRA.",
    ),
    "checkpoint": (
        lambda _: {"model.diffusion_model.input_blocks.0.0.weight": torch.ones(4, 4)},
        FOREIGN + "an image model without motion modules: load it with Load Checkpoint.",
    ),
    "something else": (
        lambda _: {"emb_params": torch.ones(4)},
        FOREIGN + "none of AnimateDiff's formats.",
    ),
}


@pytest.mark.parametrize("extension", [".safetensors", ".ckpt"])
@pytest.mark.parametrize("name", BAD)
def test_bad_motion_models(tmp_path, name, extension):
    damage, text = BAD[name]
    path = tmp_path / f"bad model{extension}"
    if extension == ".ckpt":
        torch.save({"state_dict": spellings.prefixed(damage(live()))}, path)
    else:
        save_file(damage(live()), str(path))
    with pytest.raises(ValueError, match="^" + re.escape(f"bad model{extension} {text}")) as caught:
        load_motion_model(str(path))
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_override_that_does_not_fit_names_file_and_choice(tmp_path):
    save_file(live(), str(tmp_path / "m.safetensors"))
    with pytest.raises(
        ValueError, match=r"^m.safetensors cannot be used as a motion model: .* family v2 has 4 lev"
    ):
        load_motion_model(str(tmp_path / "m.safetensors"), "v2")
