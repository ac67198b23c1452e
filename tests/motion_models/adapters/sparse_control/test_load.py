"""SparseCtrl files in every spelling, and those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from adk_tests.support import by_hand, sparse, spellings, tiny
from animatediff_kit.motion_models.adapters.sparse_control.load import load_sparse_control
from animatediff_kit.motion_models.layouts import to_diffusers
from animatediff_kit.motion_models.load import load_motion_model
from safetensors.torch import save_file

KINDS = ["rgb", "scribble"]


def with_tables(weights: dict[str, torch.Tensor], rows: int = 32) -> dict[str, torch.Tensor]:
    """A position table for each attention, as the authors' files have."""
    tables = {
        key.replace("to_q.weight", "pos_encoder.pe"): sinusoids(rows, len(weight))
        for key, weight in weights.items()
        if ".attention_blocks.0.to_q" in key
    }
    return {**weights, **tables}


def sinusoids(rows: int, width: int) -> torch.Tensor:
    angle = torch.arange(rows)[:, None] * 10000.0 ** (-torch.arange(0, width, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[None]


def test_the_format_has_the_published_sizes() -> None:
    sizes = {
        kind: (len(shapes), sum(torch.Size(shape).numel() for shape in shapes.values()))
        for kind, shapes in ((kind, sparse.shapes(kind)) for kind in KINDS)
    }
    assert sizes == {"rgb": (478, 496_730_880), "scribble": (492, 497_802_784)}


def in_diffusers(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    renamed = {to_diffusers(key) if "motion" in key else key: w for key, w in weights.items()}
    return {str(key): weight for key, weight in renamed.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_spelling_gives_the_same_control(kind: str, tmp_path: Path) -> None:
    weights = with_tables(sparse.weights(kind))
    torch.save({"controlnet": {**weights, "animatediff_config": {"a": 1}}}, tmp_path / "a.ckpt")
    prefixed = {f"module.{key}": weight for key, weight in weights.items()}
    torch.save({"epoch": 1, "state_dict": prefixed}, tmp_path / "b.ckpt")
    save_file(in_diffusers(weights), str(tmp_path / "c.safetensors"))
    save_file(sparse.weights(kind), str(tmp_path / "d.safetensors"))
    loaded = [load_sparse_control(str(path)) for path in sorted(tmp_path.iterdir())]
    networks = [control.control_model for control in loaded]
    assert len({by_hand.fingerprint(network) for network in networks}) == 1
    for control in loaded:
        assert control.spec.latents is (kind == "rgb")
        assert control.spec.motion.positions == 32


def test_a_table_of_another_length_is_kept(tmp_path: Path) -> None:
    save_file(with_tables(sparse.weights("rgb"), 48), str(tmp_path / "long.safetensors"))
    control = load_sparse_control(str(tmp_path / "long.safetensors"))
    assert control.spec.motion.positions == 48


def without(part: str) -> dict[str, torch.Tensor]:
    return {key: weight for key, weight in sparse.weights("rgb").items() if part not in key}


STEM = "down_blocks.1.motion_modules.0.temporal_transformer.proj_out.bias"
BAD = {
    "a tensor is missing": (
        without("down_blocks.1.resnets.0.conv1.bias"),
        "^bad.safetensors cannot be used as a SparseCtrl model: 1 of its 478 tensors are missing, "
        "down_blocks.1.resnets.0.conv1.bias for one: download it again.$",
    ),
    "a motion tensor is missing": (without(STEM), f"1 of its 478 tensors are missing, {STEM} for"),
    "no hint": (
        without("controlnet_cond_embedding"),
        "the tensor that takes hints is missing in it: download it again.$",
    ),
    "no text": (without("attn2.to_k"), "the tensor that takes text is missing in it: download it"),
    "a level is missing": (
        without("down_blocks.2.motion_modules"),
        "no complete set of down_blocks motion modules was found in it.$",
    ),
    "a wrong shape": (
        {**sparse.weights("rgb"), "conv_in.bias": torch.ones(31)},
        r"1 of its tensors have the wrong shape, conv_in.bias for one: \[31\] instead of \[32\].$",
    ),
    "a tensor too many": (
        {**sparse.weights("rgb"), "gamma": torch.ones(3)},
        "1 of its tensors belong to no SparseCtrl model known here, gamma for one.$",
    ),
    "not finite": (
        {**sparse.weights("rgb"), "conv_in.bias": torch.full((32,), torch.nan)},
        "^bad.safetensors holds NaN or infinite weights, in conv_in.bias for one.",
    ),
    "a motion model": (
        spellings.with_tables(tiny.motion_weights("v3"), 32),
        "^bad.safetensors is no SparseCtrl model but a motion model: load it with Load Motion",
    ),
    "a ControlNet": (
        {"controlnet_cond_embedding.conv_in.weight": torch.ones(16, 3, 3, 3)},
        "^bad.safetensors is no SparseCtrl model but a ControlNet of single pictures: load it "
        "with Load ControlNet Model.$",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_sparse_control(case: str, tmp_path: Path) -> None:
    weights, sentence = BAD[case]
    save_file(weights, str(tmp_path / "bad.safetensors"))
    with pytest.raises(ValueError, match=sentence):
        load_sparse_control(str(tmp_path / "bad.safetensors"))


def test_the_motion_loader_names_the_node_that_takes_it(tmp_path: Path) -> None:
    path = sparse.write(tmp_path / "sparse.safetensors", "scribble")
    with pytest.raises(
        ValueError,
        match="^sparse.safetensors is no motion model but a SparseCtrl model: load it with Load "
        "SparseCtrl Model.$",
    ):
        load_motion_model(str(path))
