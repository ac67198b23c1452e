"""FreeNoise: the first window's noise is core's, every other frame's a permutation of it."""

from __future__ import annotations

import comfy.sample
import pytest
import torch
from adk_tests.support import by_hand, windowed
from animatediff_kit.sampling.free_noise import FreeNoise, repeat_noise
from comfy.model_patcher import ModelPatcher
from torch import Tensor

SIZES = [(48, 16, 4), (40, 16, 0), (17, 16, 15), (31, 7, 3), (9, 4, 2), (100, 16, 8)]


def sources(frames: int, length: int, overlap: int, seed: int = 0) -> list[int]:
    """Which frame's noise each frame has."""
    noise = torch.arange(float(frames)).view(-1, 1, 1, 1).expand(-1, 2, 3, 3).clone()
    repeated = repeat_noise(noise, length, overlap, seed)
    assert torch.equal(repeated, repeated[:, :1, :1, :1].expand_as(repeated))
    return [int(value) for value in repeated[:, 0, 0, 0]]


@pytest.mark.parametrize(("frames", "length", "overlap"), SIZES)
def test_every_frame_has_noise_of_the_first_window(frames: int, length: int, overlap: int) -> None:
    found = sources(frames, length, overlap)
    assert found[:length] == list(range(length))
    assert set(found) == set(range(length))


@pytest.mark.parametrize(("frames", "length", "overlap"), SIZES)
def test_blocks_are_permutations_of_those_one_window_before(
    frames: int, length: int, overlap: int
) -> None:
    """Section 4.1: windows that start L - O frames apart hold the same noise."""
    found, block = sources(frames, length, overlap), length - overlap
    for start in range(0, frames - length, block):
        new = found[start + length : start + length + block]
        assert sorted(new) == sorted(found[start : start + len(new)])
    for start in range(0, frames - length + 1, block):
        assert sorted(found[start : start + length]) == list(range(length))


def test_blocks_are_shuffled_by_the_seed() -> None:
    assert sources(64, 16, 4, 1) == sources(64, 16, 4, 1) != sources(64, 16, 4, 2)
    found = sources(64, 16, 0)
    assert found[16:32] != found[:16] and found[32:48] != found[16:32]


def test_the_given_noise_is_not_changed() -> None:
    noise = windowed.noise_of(12)
    before = noise.clone()
    repeat_noise(noise, 4, 1, 0)
    assert torch.equal(noise, before)


@pytest.mark.parametrize(("length", "overlap"), [(4, 4), (4, 6), (0, 0), (4, -1)])
def test_impossible_windows_are_refused(length: int, overlap: int) -> None:
    with pytest.raises(ValueError, match=r"overlap of|hold no frames"):
        repeat_noise(windowed.noise_of(12), length, overlap, 0)


@pytest.mark.parametrize("frames", [3, 4])
def test_one_window_has_cores_noise(frames: int) -> None:
    latent = {"samples": torch.zeros(frames, 4, 8, 8)}
    core = comfy.sample.prepare_noise(latent["samples"], 5)
    assert torch.equal(FreeNoise(5, 4, 1).generate_noise(latent), core)


def test_frames_picked_from_a_batch_have_their_noise() -> None:
    """Latent From Batch leaves `batch_index`, by which core draws the noise."""
    latent = {"samples": torch.zeros(4, 4, 8, 8), "batch_index": [3, 5, 6, 8]}
    core = comfy.sample.prepare_noise(latent["samples"], 5, latent["batch_index"])
    assert torch.equal(FreeNoise(5, 4, 1).generate_noise(latent), core)


def video(model: ModelPatcher, noise: Tensor) -> Tensor:
    return windowed.sample_noise(model, noise, steps=1)


def test_frames_of_one_noise_are_one_image(still: ModelPatcher) -> None:
    """Without motion, frames that share their noise come out the same."""
    noise = FreeNoise(5, 4, 1).generate_noise({"samples": torch.zeros(7, 4, 8, 8)})
    found = sources(7, 4, 1, 5)
    frames = video(windowed.windowed(still), noise)
    assert found[4:] != [4, 5, 6]
    for frame, source in enumerate(found):
        assert by_hand.relative(frames[frame], frames[source]) < 1e-4
