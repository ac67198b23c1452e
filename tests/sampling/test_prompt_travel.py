"""How the frames between prompts blend."""

from __future__ import annotations

import logging
import math
import time

import comfy.model_management as memory
import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.sampling.easings import EASINGS
from animatediff_kit.sampling.prompt_travel import (
    Blend,
    blend_at,
    check_memory,
    plan_travel,
    same_length,
    travel,
    travel_conditionings,
    warn_of_unseen,
)
from torch import Tensor


def test_frames_between_two_keyframes() -> None:
    starts = [0, 4, 12]
    assert blend_at(0, starts, "linear") == (0, 1, 0.0)
    assert blend_at(1, starts, "linear") == (0, 1, 0.25)
    assert blend_at(4, starts, "linear") == (1, 2, 0.0)
    assert blend_at(10, starts, "linear") == (1, 2, 0.75)
    assert blend_at(12, starts, "linear") == (2, 2, 0.0)
    assert blend_at(99, starts, "linear") == (2, 2, 0.0)


def test_smooth_eases_in_and_out() -> None:
    ways = [blend_at(frame, [0, 8], "smooth")[2] for frame in range(8)]
    expected = [math.sin(math.pi * frame / 16) ** 2 for frame in range(8)]
    assert ways == pytest.approx(expected, abs=1e-12)
    assert ways[1] < 1 / 8 and ways[7] > 7 / 8


def test_step_stays_until_the_next_keyframe() -> None:
    assert [blend_at(frame, [0, 4], "step") for frame in (0, 3)] == [(0, 1, 0.0)] * 2
    assert blend_at(4, [0, 4], "step") == (1, 1, 0.0)


def test_unknown_interpolation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^'cubic' is no interpolation; choose one of linear, "):
        blend_at(0, [0], "cubic")


def blends(starts: list[int], frames: int, how: str) -> tuple[Blend, ...]:
    """Those of prompts that differ; each frame reads what lies before and behind it."""
    texts = [(start, f"text {place}") for place, start in enumerate(starts)]
    return plan_travel(texts, frames, how).blends


def test_a_text_is_encoded_once() -> None:
    plan = plan_travel([(0, "a"), (2, "b"), (4, "a"), (9, "never seen")], 5, "linear")
    assert plan.texts == ("a", "b")
    assert plan.blends == ((0, 0, 0.0), (0, 1, 0.5), (1, 1, 0.0), (1, 0, 0.5), (0, 0, 0.0))


def test_expressions_are_those_of_the_frame_and_not_of_the_keyframe() -> None:
    keyframes = [(0, "(a:`t`)"), (2, "`max_f`, `pw_a`")]
    plan = plan_travel(keyframes, 4, "linear", {"pw_a": [0.1, 0.2]})
    assert plan.texts == ("(a:0)", "(a:1)", "3, 0.2")
    assert plan.blends == ((0, 0, 0.0), (1, 2, 0.5), (2, 2, 0.0), (2, 2, 0.0))


def test_an_expression_without_a_value_names_the_frame() -> None:
    with pytest.raises(
        ValueError, match=r"^The expression `1 / \(t - 2\)` has no value at frame 2"
    ):
        plan_travel([(0, "(a:`1 / (t - 2)`)")], 4, "linear")


@pytest.mark.parametrize(
    "starts, frames, how, unseen",
    [
        ([0, 16], 16, "linear", ""),  # the frames before it are on their way to it
        ([0, 16], 16, "step", "16"),
        ([0, 15, 16], 16, "linear", "16"),
        ([0, 8, 40, 400], 16, "smooth", "400"),
        ([0, 40, 400], 1, "linear", "40, 400"),
        ([0], 1, "linear", ""),
    ],
)
def test_prompts_that_no_frame_sees_are_told(
    starts: list[int], frames: int, how: str, unseen: str, caplog: pytest.LogCaptureFixture
) -> None:
    keyframes = [(start, str(start)) for start in starts]
    warn_of_unseen(keyframes, frames, how)
    told = (
        f"The prompts at frame {unseen} are not seen: the video has {frames} frames, 0 to "
        f"{frames - 1}. Raise frames to the batch_size of the latent, or move these prompts "
        "forward."
    )
    assert caplog.messages == ([told] if unseen else [])
    seen = {place for blend in plan_travel(keyframes, frames, how).blends for place in blend[:2]}
    assert len(seen) == len(starts) - len(unseen.split(", ") if unseen else [])


def embedding(seed: int, tokens: int = 5, width: int = tiny.CONTEXT) -> Tensor:
    return torch.randn((1, tokens, width), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("how", EASINGS)
def test_travel_blends_the_embeddings(how: str) -> None:
    texts = [embedding(1), embedding(2), embedding(3)]
    rows = travel(texts, blends([0, 4, 6], 9, how))
    assert rows.shape == (9, 5, tiny.CONTEXT)
    for frame, place in ((0, 0), (4, 1), (6, 2), (7, 2), (8, 2)):
        assert torch.equal(rows[frame], texts[place][0]), frame
    for frame, before, way in ((1, 0, 0.25), (2, 0, 0.5), (3, 0, 0.75), (5, 1, 0.5)):
        way = {
            "linear": way,
            "smooth": math.sin(math.pi * way / 2) ** 2,
            "step": 0.0,
            "ease_in": way**2,
            "ease_out": 1 - (1 - way) ** 2,
        }[how]
        blended = (1 - way) * texts[before][0].double() + way * texts[before + 1][0].double()
        torch.testing.assert_close(rows[frame].double(), blended, rtol=1e-5, atol=1e-6)


def test_travel_may_end_before_the_last_keyframe() -> None:
    texts = [embedding(1), embedding(2)]
    short, long = (travel(texts, blends([0, 8], frames, "linear")) for frames in (3, 12))
    assert torch.equal(short, long[:3])


def test_pooled_outputs_travel_alike() -> None:
    """SDXL's: one vector a prompt, without tokens."""
    pooled = [embedding(seed, 1, 1280)[0] for seed in (1, 2)]
    rows = travel(pooled, blends([0, 2], 3, "linear"))
    assert rows.shape == (3, 1280)
    torch.testing.assert_close(rows[1], (pooled[0][0] + pooled[1][0]) / 2)


def test_each_range_of_steps_travels_for_itself() -> None:
    """Two prompts of other lengths, two ranges; what else an entry holds is the first prompt's."""
    prompts = [
        [[embedding(10 * k + r, tokens), {"range": (k, r), "pooled_output": None}] for r in (0, 1)]
        for k, tokens in ((1, 4), (2, 6))
    ]
    travelled = travel_conditionings(prompts, blends([0, 2], 4, "linear"))
    assert [entry[1] for entry in travelled] == [entry[1] for entry in prompts[0]]
    for place, (rows, _) in enumerate(travelled):
        texts = same_length([prompt[place][0] for prompt in prompts])
        assert torch.equal(rows, travel(texts, blends([0, 2], 4, "linear")))
    assert not torch.equal(travelled[0][0], travelled[1][0])


def test_one_length_is_the_least_common_multiple() -> None:
    texts = [embedding(1, 4), embedding(2, 6), embedding(3, 12)]
    same = same_length(texts)
    assert [text.shape[1] for text in same] == [12, 12, 12]
    assert torch.equal(same[0], torch.cat([texts[0]] * 3, dim=1))
    assert torch.equal(same[2], texts[2])


CHUNKS = {
    # chunks of 77 tokens of each prompt -> chunks that every frame carries
    (1,): 1,
    (2, 2): 2,
    (1, 2, 3): 6,
    (3, 4): 12,
    (4, 5): 20,
    (3, 4, 5): 20,
    (1, 2, 3, 4, 5, 6, 7): 28,
    (7, 11): 44,
}


@pytest.mark.parametrize("chunks", CHUNKS)
def test_no_frame_carries_more_than_four_times_the_longest(
    chunks: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    texts = [embedding(n, 77 * n, 8) for n in chunks]
    with caplog.at_level(logging.WARNING):
        same = same_length(texts)
    assert {text.shape[1] for text in same} == {77 * CHUNKS[chunks]}
    exact = all(CHUNKS[chunks] % n == 0 for n in chunks)
    assert exact == (math.lcm(*chunks) <= 4 * max(chunks))
    assert len(caplog.records) == (not exact)
    for text, repeated in zip(texts, same, strict=True):
        counts = [int((repeated[0] == token).all(1).sum()) for token in text[0]]
        assert counts == sorted(counts, reverse=True)
        assert max(counts) - min(counts) == (0 if CHUNKS[chunks] * 77 % len(counts) == 0 else 1)
        assert max(counts) / min(counts) <= 1.25
        assert all(counts[i] == counts[i - i % 77] for i in range(len(counts)))


def test_prompts_without_a_common_length_are_told(caplog: pytest.LogCaptureFixture) -> None:
    same_length([embedding(n, 77 * n, 8) for n in (3, 4, 5)])
    assert caplog.messages == [
        "Prompts of 231, 308, 385 tokens have no common length of at most 4 times the longest, so "
        "parts of some count for up to 17 % more. Make the prompts about equally long."
    ]


def test_attention_over_repeated_text_is_attention_over_text() -> None:
    """Exact but for rounding: every token's weight is shared by its repetitions."""
    texts = [embedding(1, 4).double(), embedding(2, 6).double()]
    query = embedding(9, 8).double()
    for text, repeated in zip(texts, same_length(texts), strict=True):
        plain, long = (
            torch.nn.functional.scaled_dot_product_attention(query, t, t) for t in (text, repeated)
        )
        torch.testing.assert_close(long, plain, rtol=1e-13, atol=1e-13)


def test_a_model_sees_the_prompt_at_its_keyframe() -> None:
    """The frames at keyframes are those of the prompts alone, however long the other prompt is."""
    model = tiny.image_model()
    texts = [embedding(1, 4), embedding(2, 6)]
    rows = travel(same_length(texts), blends([0, 2], 3, "linear"))
    video = tiny.sample(model, frames=3, positive=[[rows, {}]])
    for frame, text in ((0, texts[0]), (2, texts[1])):
        alone = tiny.sample(model, frames=3, positive=[[text, {}]])
        assert by_hand.relative(video[frame], alone[frame]) < 1e-4
        assert by_hand.relative(video[1], alone[1]) > 0.01


def test_frames_that_do_not_fit_into_memory_are_refused() -> None:
    """Before any of it is taken: a billion frames are 237 TB."""
    text = torch.ones(1, 77, 768)
    said = r"^The prompts of 1000000000 frames need 236544.0 GB of memory, and [\d.]+ GB are free. "
    with pytest.raises(ValueError, match=said):
        check_memory(text, 10**9)


def test_a_travel_over_many_frames_ends_with_cancel_and_takes_its_memory_once() -> None:
    texts = [torch.rand(1, 2, 4) for _ in range(2000)]
    starts = list(range(0, 40_000, 20))
    begin = time.monotonic()
    way = blends(starts, 40_000, "linear")
    rows = travel(texts, way)
    assert time.monotonic() - begin < 60  # 2000 x 40,000 comparisons alone would take longer
    assert rows.shape == (40_000, 2, 4) and torch.equal(rows[20 * 1999], texts[1999][0])
    memory.interrupt_current_processing(True)
    with pytest.raises(memory.InterruptProcessingException):
        travel(texts, way)
