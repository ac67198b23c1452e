"""The timeline reads a text as Prompt Travel does, and writes one that it reads so again."""

from __future__ import annotations

import random

from adk_tests.web.node import needs_node, results
from animatediff_kit.sampling.prompt_schedule import parse_prompts

pytestmark = needs_node

READ = [
    "0: a meadow in spring\n16: a meadow in deep snow",
    '"0": "a cat, spring",\n"16": "a cat, winter"',
    '"0" : "a \\"cat\\"\\n \\u00e9",, "7":"b"',
    "12: late\r\n3:early\x85 5:  five  \t\n",
    "0: (snow:`0.5 + 0.5 * sin(t / max_f)`) --neg blurry\n8: 16:9, at 12:30",
    "0: comma at the end,\n,8:",
    '0: plain\n"8": "in quotes\nover two lines",',
    "\ufeff7: the first holds from 0 on",
    '"0": "tab\tand \\\\ backslash"\n',
    "0: 日本の庭\n4: 雪 🎭",
]

LEFT_ALONE = [
    "",
    " \n,",
    "a cat",
    "0: a\n0: b",
    "-1: a cat",
    "1.5: a cat",
    '{"0": "a cat"}',
    '"0": "a \\q"',
    '"0": "open',
    "1234567890: far",
]


def test_texts_are_read_as_by_the_node() -> None:
    for text, found in zip(READ, results("timeline/prompt_text.js", PARSE, READ), strict=True):
        expected = parse_prompts(text)
        given = [(entry["frame"], entry["text"]) for entry in found["entries"]]
        first = given[0]  # the node lets it hold from 0 on; the timeline keeps its frame
        assert expected == ([(0, first[1])] if first[0] else []) + given, text


PARSE = "m.parsePrompts(c)"


def test_what_no_timeline_can_show_is_told() -> None:
    for text, found in zip(
        LEFT_ALONE, results("timeline/prompt_text.js", PARSE, LEFT_ALONE), strict=True
    ):
        assert found.get("error"), text


HARD = ['"in quotes"', "a, 8: b", "two\nlines", "", "  spaced  ", "ends,", "16:9", 'a "b" c', "\\"]


def drawn(seed: int) -> list[dict[str, object]]:
    """Schedules as the timeline holds them after editing, with prompts of all kinds."""
    draw = random.Random(seed)
    return [
        dict(
            quoted=draw.random() < 0.3,
            entries=[
                dict(frame=frame, text=draw.choice([*HARD, "a cat", "a dog, snow"]))
                for frame in draw.sample(range(99), draw.randint(1, 5))
            ],
        )
        for _ in range(200)
    ]


def test_what_is_written_is_read_again() -> None:
    schedules = drawn(5)
    texts = results("timeline/prompt_text.js", "m.formatPrompts(c)", schedules)
    again = results("timeline/prompt_text.js", PARSE, texts)
    for schedule, text, read in zip(schedules, texts, again, strict=True):
        entries = sorted(schedule["entries"], key=lambda entry: entry["frame"])  # type: ignore
        quoted = text.startswith('"')
        expected = [
            (entry["frame"], entry["text"] if quoted else entry["text"].strip(" \t"))
            for entry in entries
        ]
        assert [(entry["frame"], entry["text"]) for entry in read["entries"]] == expected
        first = expected[0]
        assert parse_prompts(text) == ([(0, first[1])] if first[0] else []) + expected
        assert quoted or not schedule["quoted"]
