"""Fingerprints follow what decides the result, and nothing else."""

from __future__ import annotations

import comfy.model_management as memory
import pytest
import torch
from adk_tests.support import encoders
from animatediff_kit.training.files.fingerprints import differences, digest_of, weights_digest


def test_equal_weights_have_equal_digests() -> None:
    one, same, other = (weights_digest(encoders.vae(seed).patcher) for seed in (0, 0, 1))
    assert one == same != other


def test_one_weight_in_another_precision_is_another_model() -> None:
    vae = encoders.vae()
    before = weights_digest(vae.patcher)
    vae.first_stage_model.half()
    assert weights_digest(vae.patcher) != before


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_patches_count_whether_they_are_merged_or_not(strength: float) -> None:
    clip = encoders.text_encoder()
    plain = weights_digest(clip.patcher)
    key = next(k for k in clip.patcher.model.state_dict() if k.endswith("fc1.weight"))
    shape = clip.patcher.model.state_dict()[key].shape
    patched = clip.clone()
    patched.add_patches({key: (torch.full(shape, 0.01),)}, strength)
    digest = weights_digest(patched.patcher)
    assert digest != plain
    memory.load_models_gpu([patched.patcher])
    assert weights_digest(patched.patcher) == digest
    memory.unload_all_models()
    assert weights_digest(patched.patcher) == digest
    assert weights_digest(clip.patcher) == plain
    again = clip.clone()
    again.add_patches({key: (torch.full(shape, 0.01),)}, 0.75)
    assert weights_digest(again.patcher) != digest


def test_the_order_of_names_makes_no_difference() -> None:
    assert digest_of({"a": 1, "b": [2, "ä"]}) == digest_of({"b": [2, "ä"], "a": 1})
    assert digest_of([1, 2]) != digest_of([2, 1])


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"vae": "x", "clip": "y"}, {"vae": "z", "clip": "w"}, ["the VAE", "the text encoder"]),
        ({"description": {"width": 1}}, {"description": {"width": 2}}, ["width (1 then, 2 now)"]),
        ({"a": {"b": 1}}, {"a": {}}, ["a.b (1 then, none now)"]),
        ({"files": [1, 2]}, {"files": [1]}, ["files (2 then, 1 now)"]),
        (
            {"files": [{"file": "a.mp4", "bytes": 1}]},
            {"files": [{"file": "a.mp4", "bytes": 2}]},
            ["files[a.mp4].bytes (1 then, 2 now)"],
        ),
        ({"a": "x" * 99}, {"a": "y"}, [f"a ({'x' * 57}... then, y now)"]),
    ],
)
def test_differences_are_told_in_words(then: object, now: object, words: list[str]) -> None:
    assert list(differences(then, now)) == words
