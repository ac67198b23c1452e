"""Damaged weights files: each is refused with a sentence, or gives frames that are numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path

import comfy.model_management as memory
import pytest
import torch
from adk_tests.fuzz.damage import Damaged, Weights, damaged, packed
from adk_tests.fuzz.sentences import refused
from adk_tests.support import by_hand, spellings, tiny
from adk_tests.training import small
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.load import load_motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.read import read_finite
from animatediff_kit.motion_models.specs import expected_shapes
from comfy.model_patcher import ModelPatcher
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor


@cache
def image_model() -> ModelPatcher:
    return small.image_model()


@cache
def motion() -> ModelPatcher:
    return small.motion_patcher()


def halves(weights: Weights) -> Weights:
    return {key: tensor.half() for key, tensor in weights.items()}


@cache
def motion_weights() -> Weights:
    shapes = expected_shapes(small.LAYOUT)
    live = tiny.randomise({key: torch.empty(shape) for key, shape in shapes.items()}, 7)
    return halves(spellings.with_tables(live, 24))


@cache
def lora_weights() -> Weights:
    names = [name for name, p in motion().model.named_parameters() if ".to_" in name and p.ndim > 1]
    generator = torch.Generator().manual_seed(5)
    weights: Weights = {}
    for name in names:
        stem = name.removesuffix(".weight").removesuffix(".0")
        start, _, layer = stem.rpartition(".")
        rows, columns = dict(motion().model.named_parameters())[name].shape
        key = f"{start}.processor.{layer}_lora"
        weights[f"{key}.down.weight"] = torch.randn((2, columns), generator=generator) * 0.1
        weights[f"{key}.up.weight"] = torch.randn((rows, 2), generator=generator) * 0.1
    return halves(weights)


@cache
def adapter_weights() -> Weights:
    generator = torch.Generator().manual_seed(6)
    weights: Weights = {}
    for name, parameter in image_model().model.diffusion_model.named_parameters():
        if ".attn" in name and ".to_q." in name:
            rows, columns = parameter.shape
            key = "lora_unet_" + name.removesuffix(".weight").replace(".", "_")
            weights[f"{key}.lora_down.weight"] = torch.randn((2, columns), generator=generator)
            weights[f"{key}.lora_up.weight"] = torch.randn((rows, 2), generator=generator) * 0.1
    return halves(weights)


def with_motion_model(path: Path) -> ModelPatcher:
    return apply_motion_model(image_model(), load_motion_model(str(path)))


def with_lora(path: Path) -> ModelPatcher:
    moved = apply_motion_lora(motion(), read_finite(str(path)), 1.0, path.name)
    return apply_motion_model(image_model(), moved)


def with_adapter(path: Path) -> ModelPatcher:
    return apply_domain_adapter(image_model(), read_finite(str(path)), 1.0, path.name)


KINDS: dict[str, tuple[Callable[[], Weights], Callable[[Path], ModelPatcher]]] = {
    "motion model": (motion_weights, with_motion_model),
    "MotionLoRA": (lora_weights, with_lora),
    "domain adapter": (adapter_weights, with_adapter),
}


def frames(model: ModelPatcher) -> Tensor:
    """One step with two frames.   -> 2 4 8 8"""
    return tiny.sample(model, 2, steps=1, cfg=1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_is_taken(kind: str, tmp_path: Path) -> None:
    weights, use = KINDS[kind]
    video = [frames(image_model())]
    for ending in (".safetensors", ".ckpt"):
        path = tmp_path / f"whole{ending}"
        path.write_bytes(packed(weights(), ending))
        video.append(frames(use(path)))
    assert torch.equal(video[1], video[2]) and by_hand.relative(video[1], video[0]) > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_refused_or_harmless(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weights, use = KINDS[kind]
    memory.unload_all_models()
    before = by_hand.fingerprint(image_model().model)
    count = {"refused": 0, "taken": 0}

    @given(st.deferred(lambda: damaged(weights())))
    def judged(file: Damaged) -> None:
        caplog.clear()
        path = tmp_path / f"damaged{file.ending}"
        path.write_bytes(file.content)
        model = refused(lambda: use(path))
        if isinstance(model, str):
            assert path.name in model or "alpha" in model or "tensor" in model, model
            count["refused"] += 1
            return
        assert not file.cut, "a file of which parts are missing was taken as a whole one"
        assert frames(model).isfinite().all()
        errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
        assert not errors, "taken, but ComfyUI then left a part of it out"
        count["taken"] += 1

    judged()
    assert min(count.values()) > 0, count
    memory.unload_all_models()
    assert by_hand.fingerprint(image_model().model) == before
