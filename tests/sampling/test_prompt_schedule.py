"""Prompt schedules as text: what is read, and what is refused where."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from adk_tests.support.clock import seconds
from animatediff_kit.sampling.prompt_schedule import (
    EXAMPLE,
    LONGEST,
    LONGEST_PROMPT,
    parse_prompts,
)

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
    "expressions": lambda n: "0: " + "`t` " * (n // 4),
    "an expression": lambda n: "0: `" + "t+" * (n // 2) + "t`",
    "parentheses": lambda n: "0: `" + "(" * n + "`",
    "negatives": lambda n: "0: " + "--neg " * (n // 6),
    "tags": lambda n: "0: " + "<lora:" * (n // 6),
    "colons": lambda n: "0" + ":" * n,
}


def reading(text: str) -> float:
    """Seconds of the processor."""

    def read() -> None:
        with contextlib.suppress(ValueError):
            parse_prompts(text)

    return seconds(read)


@pytest.mark.parametrize("kind", LONG)
def test_reading_takes_time_in_proportion_to_the_text(kind: str) -> None:
    """Of 8 times the text far from 64 times the time; then of 200,000 characters."""
    short, long = (reading(LONG[kind](n)) for n in (4_000, 32_000))
    assert long < 24 * short + 0.05
    assert reading(LONG[kind](200_000)) < 150 * short + 0.2


def test_texts_that_no_encoder_reads_are_refused() -> None:
    most = "0: " + "x" * LONGEST_PROMPT
    assert len(parse_prompts(most[:-1])[0][1]) == LONGEST_PROMPT - 1
    said = "^Prompts, line 2, column 3: this prompt has more than 20,000 characters; shorten it. "
    for prompt in (f"0:\n1:{'x' * (LONGEST_PROMPT + 1)}", f'0:\n"1": "{"x" * LONGEST_PROMPT}"'):
        with pytest.raises(ValueError, match=said.replace("column 3", r"column \d")):
            parse_prompts(prompt)
    with pytest.raises(ValueError, match="^The prompts have 1,000,001 characters, and 1,000,000 a"):
        parse_prompts("0: a".ljust(LONGEST + 1))
    honest = "\n".join(f"{i}: a cat, {i}" for i in range(40_000))
    assert len(parse_prompts(honest)) == 40_000


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
    ("text", "keyframes"),
    [
        ("8: a\n4: b", [(0, "b"), (4, "b"), (8, "a")]),
        ('"4": "", "36": "", "68": "x"', [(0, ""), (4, ""), (36, ""), (68, "x")]),
    ],
)
def test_the_first_prompt_holds_from_frame_0(text: str, keyframes: list[tuple[int, str]]) -> None:
    """As FizzNodes does with schedules that begin later, of which public graphs have some."""
    assert parse_prompts(text) == keyframes


@pytest.mark.parametrize("text", ["", " ,\n"])
def test_no_prompts_are_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_prompts(text)
    assert str(caught.value) == f"There are no prompts. {EXAMPLE}."
