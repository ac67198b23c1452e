"""Prompt schedules: what is read, and what is refused and where."""

from __future__ import annotations

import pytest
from animatediff_kit.sampling.prompt_travel import EXAMPLE, parse_prompts

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
