"""Which clips a step sees, and with what noise: drawn from the seed and the step alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from adk_tests.training.clips import ClipsInMemory
from adk_tests.training.small import settings
from animatediff_kit.training.engine.batch_order import BatchOrder, buckets, generator_for
from animatediff_kit.training.engine.batches import (
    ALL,
    Batch,
    draw,
    noise_of,
    stack_texts,
    timesteps,
)
from animatediff_kit.training.engine.config import TrainingSettings
from torch.nn import functional

T = 1000


def drawn(
    step: int,
    clips: ClipsInMemory | None = None,
    single: bool = False,
    part: slice = ALL,
    **changes: Any,
):
    """The batch of a pass over 8 clips of 4 frames, 4 in a batch, or a part of it."""
    clips = clips or ClipsInMemory(count=8, side=4)
    s = settings(**{"batch_size": 4, **changes})
    groups = buckets([clips.shape(i) for i in range(len(clips))])
    return draw(clips, BatchOrder(groups, s.batch_size, s.seed), step, s, single, part)


def same(a: Batch, b: Batch) -> bool:
    tensors = ("clean", "noise", "t", "text", "anchor")
    return a.names == b.names and all(torch.equal(getattr(a, n), getattr(b, n)) for n in tensors)


def test_a_step_can_be_replayed_without_those_before_it():
    alone = drawn(17)
    for step in range(17):
        drawn(step)
    torch.manual_seed(99)
    assert same(drawn(17), alone)


def test_each_epoch_shows_a_clip_with_one_of_its_captions():
    """Drawn from seed and epoch alone; the numbers of clips that have one stay as they were."""

    class Several(ClipsInMemory):
        def captions(self, index: int) -> tuple[str, ...]:
            return tuple(f"caption {index}{more}" for more in ("", " x", " xx"))

    def shown(step: int, seed: int = 0) -> list[str]:
        clips = Several(count=8, side=4)
        batch = drawn(step, clips, caption_dropout=0.0, seed=seed)
        known = {
            clips.text(caption).embedding.sum().item(): caption
            for index in range(8)
            for caption in clips.captions(index)
        }
        return sorted(known[text.sum().item()] for text in batch.text)

    epochs = [shown(2 * epoch) + shown(2 * epoch + 1) for epoch in range(12)]
    assert all(
        sorted(c[:9] for c in shown) == [f"caption {i}" for i in range(8)] for shown in epochs
    )
    assert len({caption for shown in epochs for caption in shown}) == 24
    assert epochs[3] == shown(6) + shown(7) and shown(0) != shown(0, seed=1)
    one, several = drawn(3), drawn(3, Several(count=8, side=4))
    assert torch.equal(one.clean, several.clean) and torch.equal(one.noise, several.noise)


@pytest.mark.parametrize("other", [dict(step=4), dict(step=3, seed=1)])
def test_steps_and_seeds_share_no_numbers(other):
    first, second = drawn(3, caption_dropout=0.0), drawn(**other, caption_dropout=0.0)
    assert not any(torch.equal(n, m) for n in first.noise for m in second.noise)
    assert not torch.equal(first.t, second.t)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("single", [False, True])
def test_the_processes_parts_make_up_the_batch(count, single):
    """And each process reads the clips of its own alone."""
    batch = drawn(2, ClipsInMemory(count=8, side=4, pooled=6), single)
    own = [ClipsInMemory(count=8, side=4, pooled=6) for _ in range(count)]
    shares = [drawn(2, own[r], single, slice(r, None, count)) for r in range(count)]
    for clips, share in zip(own, shares, strict=True):
        assert [f"clip {i}" for i in clips.was_read] == share.names
    assert [len(share.names) for share in shares] == [4 // count] * count
    order = [i for rank in range(count) for i in range(rank, 4, count)]
    assert [name for share in shares for name in share.names] == [batch.names[i] for i in order]
    for part in ("clean", "noise", "t", "text", "pooled", "anchor"):
        joined = torch.cat([getattr(share, part) for share in shares])
        assert torch.equal(joined, getattr(batch, part)[order])


def test_a_clip_is_given_with_its_own_latents_and_text():
    clips = ClipsInMemory(count=8, side=4)
    batch = drawn(0, clips, caption_dropout=0.0)
    for row, name in enumerate(batch.names):
        index = int(name.split()[1])
        assert torch.equal(batch.clean[row], clips.latents(index))
        assert torch.equal(batch.text[row], clips.text(f"caption {index}").embedding)


def test_a_dropped_caption_is_the_empty_caption_in_all_that_the_encoder_gives():
    clips = ClipsInMemory(count=8, side=4, pooled=6)
    batch = drawn(0, clips, caption_dropout=1.0)
    empty = clips.text("")
    assert batch.pooled is not None and empty.pooled is not None
    assert torch.equal(batch.text, empty.embedding.expand_as(batch.text))
    assert torch.equal(batch.pooled, empty.pooled.expand_as(batch.pooled))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_captions_are_dropped_as_often_as_set(share):
    clips = ClipsInMemory(count=8, side=4)
    empty = clips.text("").embedding
    dropped = [
        torch.equal(text, empty)
        for step in range(300)
        for text in drawn(step, clips, caption_dropout=share).text
    ]
    rate, deviation = sum(dropped) / 1200, (share * (1 - share) / 1200) ** 0.5
    assert abs(rate - share) <= 3 * deviation


def test_a_stage_on_single_frames_gets_one_random_frame_of_each_clip():
    clips = ClipsInMemory(count=8, side=4)
    chosen: Counter[int] = Counter()
    for step in range(40):
        batch = drawn(step, clips, single=True)
        assert batch.clean.shape == (4, 1, 4, 4, 4)
        assert not batch.anchor.any()
        for row, name in enumerate(batch.names):
            frames = clips.latents(int(name.split()[1]))
            (frame,) = [f for f in range(4) if torch.equal(frames[f], batch.clean[row, 0])]
            chosen[frame] += 1
    assert all(chosen[frame] > 20 for frame in range(4))  # of 160, 40 each expected


def test_anchors_and_timesteps_take_every_value_alike():
    batches = [drawn(step) for step in range(100)]
    anchors = Counter(a for b in batches for a in b.anchor.tolist())
    assert all(70 < anchors[frame] < 130 for frame in range(4))
    t = torch.cat([b.t for b in batches]).double()
    assert 0 <= float(t.min()) < 20 and 980 < float(t.max()) <= T - 1
    assert float(t.mean()) == pytest.approx((T - 1) / 2, abs=3 * 289 / 20)


def test_noise_is_every_frames_own_and_standard_normal():
    batch = drawn(0, ClipsInMemory(count=8, frames=4, side=32))
    frames = batch.noise.flatten(0, 1).flatten(1)
    products = frames @ frames.T / frames.shape[1]
    torch.testing.assert_close(products, torch.eye(16), rtol=0, atol=0.08)


def test_the_noise_offset_is_one_number_for_a_clips_channel():
    clean = torch.zeros(3, 4, 4, 5, 5)
    plain, shifted = (noise_of(tuple(clean.shape), s, generator_for(0, 1, 2)) for s in (0.0, 0.3))
    offset = shifted - plain
    torch.testing.assert_close(offset, offset[:, :1, :, :1, :1].expand_as(offset))
    values = offset[:, 0, :, 0, 0].flatten() / 0.3
    assert len(set(values.tolist())) == 12
    assert 0.5 < float(values.std()) < 1.6


def test_texts_of_different_lengths_are_attended_to_as_they_are():
    generator = torch.Generator().manual_seed(0)
    short, long = (torch.randn((n, 8), generator=generator) for n in (7, 14))
    stacked = stack_texts([short, long])
    assert stacked.shape == (2, 14, 8)
    assert torch.equal(stacked[1], long)
    query = torch.randn((5, 8), generator=generator)
    alone = functional.scaled_dot_product_attention(query, short, short)
    repeated = functional.scaled_dot_product_attention(query, stacked[0], stacked[0])
    torch.testing.assert_close(repeated, alone)


def test_noise_levels_are_drawn_from_the_range_and_from_all_of_it():
    levels = torch.cat([drawn(s, min_timestep=800, max_timestep=804).t for s in range(25)])
    assert {*levels.tolist()} == {800, 801, 802, 803}


def test_the_range_leaves_clips_and_noise_as_they_are():
    whole, part = drawn(3), drawn(3, min_timestep=800)
    assert torch.equal(whole.noise, part.noise) and whole.names == part.names
    assert not torch.equal(whole.t, part.t)


def levels(settings: TrainingSettings, count: int, passes: int) -> torch.Tensor:
    """Those of the first forward passes, in their order."""
    return torch.cat(
        [timesteps(settings, i, count, generator_for(settings.seed, 1, i)) for i in range(passes)]
    )


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("first", [0, 7])
def test_even_levels_cover_every_stretch_of_steps(count: int, first: int) -> None:
    """Of 20 in a row, each tenth of the range gets one at least and three at most."""
    for seed in range(20):
        even = TrainingSettings(seed=seed, min_timestep=200, max_timestep=800, timestep_draw="even")
        drawn = levels(even, count, first + 40)[first : first + 20]
        counts = torch.histc((drawn.float() - 200) / 600, 10, 0, 1)
        assert counts.min() >= 1 and counts.max() <= 3
        assert 200 <= drawn.min() and drawn.max() < 800


def test_even_levels_hang_on_seed_and_place_alone() -> None:
    even = [TrainingSettings(seed=seed, timestep_draw="even") for seed in (3, 4)]
    a, b = (levels(s, 2, 50) for s in even)
    assert torch.equal(a, levels(even[0], 2, 50)) and not torch.equal(a, b)
    assert len(a.unique()) > 95, "they repeat"


def test_independent_levels_are_those_of_the_seeds_generator() -> None:
    drawn = timesteps(TrainingSettings(), 5, 3, generator_for(0, 1, 5))
    assert torch.equal(drawn, torch.randint(0, 1000, (3,), generator=generator_for(0, 1, 5)))
