"""Prompt schedules: what is read, what is refused and where, and how the frames between blend."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.sampling.prompt_travel import (
    EASINGS,
    EXAMPLE,
    blend_at,
    check_words,
    joined,
    parse_prompts,
    same_length,
    travel,
    travel_conditionings,
)
from torch import Tensor

PLAIN = "0: a cat, spring\n16: a cat, winter"
CATS = [(0, "a cat, spring"), (16, "a cat, winter")]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"\n\n  {PLAIN}\r\n",
        "16: a cat, winter\n0: a cat, spring",
        "  0 :   a cat, spring  \r\n\t16\t:a cat, winter\t",
        '"0": "a cat, spring",\n"16": "a cat, winter"',
        '"0": "a cat, spring", "16": "a cat, winter",',
        '"0":"a cat, spring","16":"a cat, winter"',
        '"0" : "a cat, spring"\n,\n"16"\n:\n"a cat, winter"',
        '0: a cat, spring\n"16": "a cat, winter"',
        '"0": "a cat, spring",\n16: a cat, winter',
        '"16": "a cat, winter" \n 0: a cat, spring',
        "0: a cat, spring\r16: a cat, winter\r",
        "0: a cat, spring\x8516: a cat, winter\u2028",
        "\ufeff0: a cat, spring\n16: a cat, winter",
    ],
)
def test_both_ways_of_writing(text: str) -> None:
    assert parse_prompts(text) == CATS


def test_plain_prompts_keep_their_punctuation() -> None:
    text = '0: (a cat:1.2), "quoted", 3:4 \\(x\\)\n8: {a|b}, ratio 16:9,'
    assert parse_prompts(text) == [
        (0, '(a cat:1.2), "quoted", 3:4 \\(x\\)'),
        (8, "{a|b}, ratio 16:9,"),
    ]


ORDINARY = [
    "(a cat:1.2), ((a dog)), (a cow:.9)",
    "embedding:bad_hands_5:1.2, (embedding:style:0.8)",
    "ratio 16:9, 4:3, at 12:30, 7:45",
    "Terminator 2: Judgment Day; John 3:16",
    "{day|night}, [a:b:0.5]",
    'a sign "open: 24", "closed"',
    '"one" and "two"',
    "rock `n roll",
    "a <b> c, a--negative, --ar 16:9, pw_axis, xpw_a",
]


@pytest.mark.parametrize("prompt", ORDINARY)
def test_what_an_ordinary_prompt_may_hold(prompt: str) -> None:
    assert parse_prompts(f"0: {prompt}") == [(0, prompt)]
    assert parse_prompts(f'"0": {json.dumps(prompt)}') == [(0, prompt)]
    check_words("before", prompt)


FOREIGN = {
    # a prompt of another tool's -> (column in it, what is said)
    "a cat --neg blurry": (7, "'--neg': FizzNodes' --neg would put what is to be avoided into"),
    "--neg blurry": (1, "'--neg': FizzNodes'"),
    "a, (rain:`0.5*sin(t)`)": (10, "'`0.5*sin(t)`': FizzNodes' expressions in backticks are not"),
    "(rain:pw_a)": (
        7,
        "'pw_a': FizzNodes' weights pw_a to pw_d are not known here; write",
    ),
    "a <lora:foo:0.8>, b": (
        3,
        "'<lora:foo:0.8>': ComfyUI loads nothing from a text; take",
    ),
    "<LyCO:foo>": (1, "'<LyCO:foo>': ComfyUI loads nothing from a text"),
    "a <hypernet:x:1>": (3, "'<hypernet:x:1>': ComfyUI loads nothing from a text"),
    "a \ud800 cat": (3, r"'\ud800': half a character stands here"),
}


@pytest.mark.parametrize("prompt", FOREIGN)
def test_what_another_tool_means_is_not_encoded_as_words(prompt: str) -> None:
    column, reason = FOREIGN[prompt]
    for before, after in (("0: a\n 16: ", ""), ('"0": "a",\n"16":"', '"')):
        with pytest.raises(ValueError) as told:
            parse_prompts(f"{before}{prompt}{after}")
        place = len(before.split("\n")[1]) + column
        assert str(told.value).startswith(f"Prompts, line 2, column {place}: {reason}")
        str(told.value).encode()
    with pytest.raises(ValueError) as told:
        check_words("after", f"best\n{prompt}")
    assert str(told.value).startswith(f"after, line 2, column {column}: {reason}")


def test_escapes_do_not_hide_it() -> None:
    with pytest.raises(
        ValueError, match=r"^Prompts, line 1, column 6: '\\ud800': half a character"
    ):
        parse_prompts(r'"0": "a \ud800 cat"')


ONE_LINE = {
    "0: a cat, 16: a dog": (11, "frame 16 begins inside a line; begin a new line there, or put"),
    "0:(a cat), 16:(a dog)": (12, "frame 16 begins inside a line"),
    "0: a cat ;16 : 2 dogs": (11, "frame 16 begins inside a line"),
    '0: "a cat", 16: "a dog"': (13, "frame 16 begins inside a line"),
    '0: "a cat"': (4, "this prompt is in quotes, but its frame number is not; put both in quotes"),
    '0: "a \\"big\\" cat" ,  ': (4, "this prompt is in quotes"),
    '{"0": "a cat"}': (1, "braces around the prompts are not read; take them away"),
    "9999999999: a": (1, "'9999999999' is no frame that a video has; it has 10 digits"),
    "0" * 5000 + ": a": (1, f"'{'0' * 37}'... is no frame that a video has; it has 5000 digits"),
}


@pytest.mark.parametrize("text", ONE_LINE)
def test_remnants_of_another_way_of_writing(text: str) -> None:
    column, reason = ONE_LINE[text]
    with pytest.raises(ValueError) as told:
        parse_prompts(text)
    assert str(told.value).startswith(f"Prompts, line 1, column {column}: {reason}")


@pytest.mark.parametrize("text", [None, 5, ["0: a"]])
def test_what_is_no_text_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"^The prompts are .*, which is no text. Write one"):
        parse_prompts(text)


LONG = {
    # texts of about n characters on which a careless reader takes n * n steps
    "spaces before a colon that is not there": lambda n: "0" + " " * n + "x",
    "spaces in a prompt": lambda n: "0: a" + " " * n + "b",
    "spaces behind quotes": lambda n: '"0"' + " " * n + "x",
    "quotes": lambda n: '"' * n,
    "quotes in a prompt": lambda n: "0: " + '"' * n,
    "backslashes": lambda n: '"0": "' + "\\" * n,
    "escapes": lambda n: '"0": "' + "\\\\" * (n // 2) + '"',
    "digits": lambda n: "1" * n,
    "a long number": lambda n: "1" * n + ": a",
    "digits in a prompt": lambda n: "0: a, " + "1" * n,
    "commas": lambda n: "0: " + "a, 1 " * (n // 5),
    "line breaks": lambda n: '"' + "\n" * n,
    "lines": lambda n: "".join(f"{i}: a cat\n" for i in range(n // 12)),
    "quoted lines": lambda n: "".join(f'"{i}": "a cat",\n' for i in range(n // 18)),
    "backticks": lambda n: "0: " + "` " * (n // 2),
    "tags": lambda n: "0: " + "<lora:" * (n // 6),
    "colons": lambda n: "0" + ":" * n,
}


def seconds(text: str) -> float:
    """Of the processor, which other processes do not lengthen; the least of three."""
    spent = []
    for _ in range(3):
        start = time.process_time()
        with contextlib.suppress(ValueError):
            parse_prompts(text)
        spent.append(time.process_time() - start)
    return min(spent)


@pytest.mark.parametrize("kind", LONG)
def test_reading_takes_time_in_proportion_to_the_text(kind: str) -> None:
    """Of 8 times the text far from 64 times the time; then of 200,000 characters."""
    short, long = (seconds(LONG[kind](n)) for n in (4_000, 32_000))
    assert long < 24 * short + 0.05
    assert seconds(LONG[kind](200_000)) < 150 * short + 0.2


def test_a_prompt_may_be_empty() -> None:
    assert parse_prompts('0:\n"8": ""') == [(0, ""), (8, "")]


def test_quoted_prompts_may_run_over_lines() -> None:
    text = '"0": "a cat,\nin spring: 12",\n"8": "a dog"'
    assert parse_prompts(text) == [(0, "a cat,\nin spring: 12"), (8, "a dog")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a\nb", "a\nb"),
        (r"a\tb", "a\tb"),
        (r"say \"hi\"", 'say "hi"'),
        (r"\\(cat\\)", r"\(cat\)"),
        (r"a\/b", "a/b"),
        (r"caf\u00e9", "café"),
        (r"\ud83d\ude00", "\N{GRINNING FACE}"),
        (r"ends in \\", "ends in \\"),
    ],
)
def test_escapes_in_quotes_are_jsons(written: str, meant: str) -> None:
    assert parse_prompts(f'"0": "{written}", "8": "x"') == [(0, meant), (8, "x")]


MALFORMED = {
    # text -> (line, column, what is said)
    r'"0": "a \x b"': (1, 9, r"\x is no escape of JSON; write \\ for a backslash, \" for a quote"),
    '"0": "a",\n "8": "line\nbreak \\(b\\)"': (3, 7, r"\( is no escape of JSON"),
    r'"0": "caf\u00g9"': (1, 10, r"\u is no escape of JSON"),
    "0: a\nspring": (2, 1, "no frame number with a prompt behind a colon stands here"),
    "spring": (1, 1, "no frame number with a prompt behind a colon stands here"),
    '"0": "a" spring': (1, 10, "no frame number with a prompt"),
    '0: a\n  "8": "unclosed': (2, 3, "no frame number with a prompt"),
    '"0": "a",\n"8" "b"': (2, 1, "no frame number with a prompt"),
    "0: a\n  -1: b": (2, 3, "'-1' is no frame number; frames are whole numbers from 0 on"),
    '"0": "a",\n "-8": "b"': (2, 3, "'-8' is no frame number"),
    "0: a\n1.5: b": (2, 1, "'1.5' is no frame number"),
    "0: a\n: b": (2, 1, "'' is no frame number"),
    "zero: a": (1, 1, "'zero' is no frame number"),
    "0: a\n8: b\n8: c": (3, 1, "frame 8 has a prompt already"),
    '0: a\n8: b\n"08": "c"': (3, 2, "frame 8 has a prompt already"),
}


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_text_is_refused_where_it_stands(text: str) -> None:
    line, column, reason = MALFORMED[text]
    with pytest.raises(ValueError) as caught:
        parse_prompts(text)
    message = str(caught.value)
    assert message.startswith(f"Prompts, line {line}, column {column}: {reason}")
    assert message.endswith(f". {EXAMPLE}.")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("8: a\n4: b", "the first is at frame 4"),
        ('"1": "a"', "the first is at frame 1"),
        ("", "there are none"),
        (" ,\n", "there are none"),
    ],
)
def test_frame_0_needs_a_prompt(text: str, first: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_prompts(text)
    assert str(caught.value) == f"The prompts give frame 0 nothing to show; {first}. {EXAMPLE}."


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


def embedding(seed: int, tokens: int = 5, width: int = tiny.CONTEXT) -> Tensor:
    return torch.randn((1, tokens, width), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("how", EASINGS)
def test_travel_blends_the_embeddings(how: str) -> None:
    texts = [embedding(1), embedding(2), embedding(3)]
    rows = travel(texts, [0, 4, 6], 9, how)
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
    short, long = travel(texts, [0, 8], 3, "linear"), travel(texts, [0, 8], 12, "linear")
    assert torch.equal(short, long[:3])


def test_pooled_outputs_travel_alike() -> None:
    """SDXL's: one vector a prompt, without tokens."""
    pooled = [embedding(seed, 1, 1280)[0] for seed in (1, 2)]
    rows = travel(pooled, [0, 2], 3, "linear")
    assert rows.shape == (3, 1280)
    torch.testing.assert_close(rows[1], (pooled[0][0] + pooled[1][0]) / 2)


def test_each_range_of_steps_travels_for_itself() -> None:
    """Two prompts of other lengths, two ranges; what else an entry holds is the first prompt's."""
    prompts = [
        [[embedding(10 * k + r, tokens), {"range": (k, r), "pooled_output": None}] for r in (0, 1)]
        for k, tokens in ((1, 4), (2, 6))
    ]
    travelled = travel_conditionings(prompts, [0, 2], 4, "linear")
    assert [entry[1] for entry in travelled] == [entry[1] for entry in prompts[0]]
    for place, (rows, _) in enumerate(travelled):
        texts = same_length([prompt[place][0] for prompt in prompts])
        assert torch.equal(rows, travel(texts, [0, 2], 4, "linear"))
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
    rows = travel(same_length(texts), [0, 2], 3, "linear")
    video = tiny.sample(model, frames=3, positive=[[rows, {}]])
    for frame, text in ((0, texts[0]), (2, texts[1])):
        alone = tiny.sample(model, frames=3, positive=[[text, {}]])
        assert by_hand.relative(video[frame], alone[frame]) < 1e-4
        assert by_hand.relative(video[1], alone[1]) > 0.01


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("", "a cat", ""), "a cat"),
        (("best,", " a cat ", ", at night"), "best, a cat, at night"),
        (("best", "", "night"), "best, night"),
        (("", "", ""), ""),
    ],
)
def test_before_and_after_are_joined_with_commas(parts: tuple[str, str, str], text: str) -> None:
    assert joined(*parts) == text


ORDINARY = (
    "a sign that says `hello`",
    "kaomoji (´・ω・`) and (`・ω・´)",
    "1girl, 2 :)",
    "film still, 16 : 9",
    "a clock, 12:30, embedding:good",
)


@pytest.mark.parametrize("prompt", ORDINARY)
def test_what_people_write_in_prompts_is_no_schedule(prompt: str) -> None:
    assert parse_prompts(f"0: {prompt}") == [(0, prompt)]
