"""The judging networks: they learn, are trained once, and their drawn labels are true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from adk_tests.benchmarks.claims.drawn import moving
from animatediff_kit.benchmarks.claims import judges
from animatediff_kit.benchmarks.claims.judges import Batch, Judge, JudgingNetwork, trained, worn


def batch(seed: int, step: int, size: int) -> Batch:
    """Clips of two frames in one colour, and noise."""
    generator = torch.Generator().manual_seed(1000 * seed + step)
    clips = torch.rand((size, 1, 3, 1, 1), generator=generator)
    noise = torch.rand((size, 2, 3, 4, 4), generator=generator)
    return 0.8 * clips + 0.2 * noise, {"brightest": clips.flatten(1).argmax(1)}


TOY = Judge(
    {"brightest": ("red", "green", "blue")},
    pictures=(8,),
    clips=((16, (1, 2, 2)),),
    draw=batch,
    steps=300,
    rate=1e-2,
)


def test_a_network_learns_and_names(tmp_path: Path) -> None:
    network = trained(TOY, tmp_path, 0)
    clips, right = batch(9, 0, 200)
    known = [network.names["brightest"][i] for i in right["brightest"].tolist()]
    told = network.told(clips)["brightest"]
    assert np.mean([a == b for a, b in zip(told, known, strict=True)]) > 0.9


def test_what_was_trained_is_read_and_not_trained_again(tmp_path: Path) -> None:
    def failing(seed: int, step: int, size: int) -> Batch:
        raise AssertionError("drawn again")

    judge = replace(TOY, steps=8)
    network = trained(judge, tmp_path, 0)
    again = trained(replace(judge, draw=failing), tmp_path, 0)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])
    with pytest.raises(AssertionError, match="drawn again"):
        trained(replace(judge, draw=failing), tmp_path, 1)


def test_another_judge_has_another_file(tmp_path: Path) -> None:
    others = [replace(TOY, pictures=(16,)), replace(TOY, steps=5), replace(TOY, shares=(0.5,))]
    found = {TOY.file(tmp_path, 0), TOY.file(tmp_path, 1), *(j.file(tmp_path, 0) for j in others)}
    assert len(found) == 5


def test_labels_are_what_moves_not_what_the_trail_says() -> None:
    drawn = [judges.labelled(5, number) for number in range(60)]
    kinds = {"true": 0, "still": 0, "other": 0}
    for frames, scene, motion in drawn:
        moves = not np.array_equal(frames[0], frames[-1])
        if motion == "still":
            assert all(np.array_equal(frames[0], frame) for frame in frames)
            kinds["still"] += scene.motion != "still"
        elif motion == judges.OTHER:
            kinds["other"] += 1
        elif motion == scene.motion:
            kinds["true"] += 1
        if scene.motion in ("left", "right") and motion in ("left", "right"):
            assert moves
    assert all(count >= 3 for count in kinds.values())


def test_batches_are_the_same_for_the_same_step() -> None:
    first, again = (judges.label_batch(1, 2, 3) for _ in range(2))
    assert first[0].shape == (3, 8, 3, 64, 64) and torch.equal(first[0], again[0])
    assert not torch.equal(first[0], judges.label_batch(1, 3, 3)[0])
    pictures, right = judges.style_batch(1, 0, 12)
    assert pictures.shape == (12, 1, 3, 64, 64) and len(set(right["style"].tolist())) > 1


def test_a_clip_is_looked_at_as_it_was_trained_on() -> None:
    """Every second frame, and one answer of each kind a clip."""
    clips = [case.real for case in moving(3)]
    assert torch.equal(judges.for_network(clips)[1, 3], clips[1][6].movedim(-1, 0))
    told = judges.named(JudgingNetwork(judges.LABEL_JUDGE), clips, size=2)
    assert {kind: len(names) for kind, names in told.items()} == dict.fromkeys(told, 3)
    shares = judges.share_of_style(JudgingNetwork(judges.STYLE_JUDGE), clips, "neon")
    assert shares.shape == (3,)


def test_wear_is_small_and_keeps_motion() -> None:
    for number, case in enumerate(moving(6)):
        frames = case.real.numpy()
        result = worn(frames, np.random.default_rng(number))
        assert result.shape == frames.shape and result.dtype == np.float32
        assert 0 <= result.min() and result.max() <= 1
        assert 0.001 < np.abs(result - frames).mean() < 0.15
