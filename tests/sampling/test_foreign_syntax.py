"""What other tools write into prompts: what is words for ComfyUI too, and what is refused."""

from __future__ import annotations

import json

import pytest
from animatediff_kit.sampling.prompt_schedule import check_words, parse_prompts

ORDINARY = [
    "(a cat:1.2), ((a dog)), (a cow:.9)",
    "embedding:bad_hands_5:1.2, (embedding:style:0.8)",
    "ratio 16:9, 4:3, at 12:30, 7:45",
    "Terminator 2: Judgment Day; John 3:16",
    "{day|night}, [a:b:0.5]",
    'a sign "open: 24", "closed"',
    '"one" and "two"',
    "rock `n roll",
    "a sign that says `hello`",
    "kaomoji (´・ω・`) and (`・ω・´)",
    "1girl, 2 :)",
    "film still, 16 : 9",
    "a clock, 12:30, embedding:good",
    "a <b> c, a--negative, --ar 16:9, pw_axis, xpw_a",
]


@pytest.mark.parametrize("prompt", ORDINARY)
def test_what_an_ordinary_prompt_may_hold(prompt: str) -> None:
    assert parse_prompts(f"0: {prompt}") == [(0, prompt)]
    assert parse_prompts(f'"0": {json.dumps(prompt)}') == [(0, prompt)]
    check_words("before", prompt)


FOREIGN = {
    # a prompt of another tool's -> (column in it, what is said)
    "a --neg b --neg c": (11, "a second --neg stands here; a prompt has one negative half"),
    "a, (rain:`0.5*sin(u)`)": (
        10,
        "this expression in backticks is not understood: u is no name here; there are t, max_f, ",
    ),
    "(rain:`open(1)`)": (
        7,
        "this expression in backticks is not understood: open is no function here; there are ",
    ),
    "(rain:pw_a)": (7, "'pw_a': outside of backticks this is a word; write `pw_a` in backticks"),
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
