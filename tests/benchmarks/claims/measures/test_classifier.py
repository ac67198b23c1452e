"""The judging networks: they learn, a stopped training goes on as if it had not been, and their
drawn labels are true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from adk_tests.benchmarks.claims.measures.drawn import moving
from animatediff_kit.benchmarks.claims.measures import label_network, style_network
from animatediff_kit.benchmarks.claims.measures.classifier import Batch, Classifier, Recipe, train
from animatediff_kit.benchmarks.claims.measures.worn import worn
from torch import nn


def toy() -> Classifier:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Flatten(), nn.Linear(12, 16), nn.SiLU())
    return Classifier(body, 16, {"brightest": ("red", "green", "blue")})


def batch(step: int, size: int) -> Batch:
    generator = torch.Generator().manual_seed(step)
    pictures = torch.rand((size, 3, 2, 2), generator=generator)
    return pictures, {"brightest": pictures.mean((2, 3)).argmax(1)}


def test_a_network_learns_and_names(tmp_path: Path) -> None:
    network = train(toy(), batch, Recipe(steps=300, rate=1e-2), tmp_path / "toy.ckpt")
    pictures, right = batch(999, 200)
    told = network.told(pictures)["brightest"]
    known = [network.names["brightest"][i] for i in right["brightest"].tolist()]
    assert np.mean([a == b for a, b in zip(told, known, strict=True)]) > 0.9
    chances = network.probabilities(pictures, "brightest")
    assert torch.allclose(chances.sum(1), torch.ones(200))


def test_a_stopped_training_goes_on_as_if_undisturbed(tmp_path: Path) -> None:
    recipe = Recipe(steps=8, save_every=3)
    whole = train(toy(), batch, recipe, tmp_path / "whole.ckpt")

    def failing(step: int, size: int) -> Batch:
        if step == 5:
            raise KeyboardInterrupt
        return batch(step, size)

    with pytest.raises(KeyboardInterrupt):
        train(toy(), failing, recipe, tmp_path / "stopped.ckpt")
    rest = train(toy(), batch, recipe, tmp_path / "stopped.ckpt")
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, rest.state_dict()[name])
    again = train(toy(), failing, recipe, tmp_path / "stopped.ckpt")  # finished: read alone
    assert torch.equal(again.heads["brightest"].weight, rest.heads["brightest"].weight)


def test_labels_are_what_moves_not_what_the_trail_says() -> None:
    drawn = [label_network.labelled(5, number) for number in range(60)]
    kinds = {"true": 0, "still": 0, "other": 0}
    for clip in drawn:
        moves = not np.array_equal(clip.frames[0], clip.frames[-1])
        if clip.motion == "still":
            assert all(np.array_equal(clip.frames[0], frame) for frame in clip.frames)
            kinds["still"] += clip.scene.motion != "still"
        elif clip.motion == label_network.OTHER:
            kinds["other"] += 1
        elif clip.motion == clip.scene.motion:
            kinds["true"] += 1
        if clip.scene.motion in ("left", "right") and clip.motion in ("left", "right"):
            assert moves
    assert all(count >= 3 for count in kinds.values())


def test_batches_are_the_same_for_the_same_step() -> None:
    first, again = (label_network.batch_of(1, 2, 3) for _ in range(2))
    assert first[0].shape == (3, 8, 3, 64, 64) and torch.equal(first[0], again[0])
    assert not torch.equal(first[0], label_network.batch_of(1, 3, 3)[0])
    pictures, right = style_network.batch_of(1, 0, 12)
    assert pictures.shape == (12, 3, 64, 64) and len(set(right["style"].tolist())) > 1


def test_a_clip_is_looked_at_as_it_was_trained_on() -> None:
    """Every second frame, and one answer of each kind a clip."""
    clips = [case.real for case in moving(3)]
    assert torch.equal(label_network.for_network(clips)[1, 3], clips[1][6].movedim(-1, 0))
    told = label_network.named(label_network.label_network(), clips, size=2)
    assert {kind: len(names) for kind, names in told.items()} == dict.fromkeys(told, 3)
    shares = style_network.share_of_style(style_network.style_network(), clips, "neon")
    assert shares.shape == (3,)


def test_wear_is_small_and_keeps_motion() -> None:
    for number, case in enumerate(moving(6)):
        frames = case.real.numpy()
        result = worn(frames, np.random.default_rng(number))
        assert result.shape == frames.shape and result.dtype == np.float32
        assert 0 <= result.min() and result.max() <= 1
        assert 0.001 < np.abs(result - frames).mean() < 0.15
