"""The curve reads values over frames as the node does, and writes them so that it reads them."""

from __future__ import annotations

import random

from adk_tests.web.node import needs_node, results
from animatediff_kit.sampling.easings import EASINGS
from animatediff_kit.sampling.values.keyframes import parse_keyframes, value_at

pytestmark = needs_node

PARSE = "m.parseValues(c)"
READ = [
    "0: 1.0, 16: 0.2 smooth",
    "0: 1\n16: (0.2)\n 20 : ( -3.5 ) ease_in",
    "",
    "'4': .5; \"8\": 1. EASE-IN-OUT,",
    "12: 2e1 step, 3: +0.25 ease\r\n",
    "\ufeff0:1",
]
LEFT_ALONE = [
    "5",
    "a: 1",
    "-1: 1",
    "0: one",
    "0: 1 bouncy",
    "0: 1, 0: 2",
    "0:",
    "0: 1e99",
    "1.5: 1",
]


def test_texts_are_read_as_by_the_node() -> None:
    for text, found in zip(READ, results("timeline/value_text.js", PARSE, READ), strict=True):
        expected = parse_keyframes(text, "per_frame", easing="linear")
        assert [
            (entry["frame"], entry["value"], entry["easing"] or "linear")
            for entry in found["entries"]
        ] == [(each.place, each.value, each.easing) for each in expected], text
    for text, found in zip(
        LEFT_ALONE, results("timeline/value_text.js", PARSE, LEFT_ALONE), strict=True
    ):
        assert found.get("error"), text


def test_the_line_goes_through_the_values_of_the_frames() -> None:
    places = [place / 4 for place in range(-4, 90)]
    for easing in EASINGS:
        keyframes = parse_keyframes("2: 1, 9: -0.5, 16: 2 smooth, 20: 0 step", "x", easing)
        code = (
            'm.valueAt(m.parseValues("2: 1, 9: -0.5, 16: 2 smooth, 20: 0 step").entries,'
            f' c, "{easing}")'
        )
        found = results("timeline/value_text.js", code, places)
        for place, value in zip(places, found, strict=True):
            assert abs(value - value_at(keyframes, place)) < 1e-9, (easing, place)


def test_what_is_written_is_read_again() -> None:
    draw = random.Random(7)
    curves = [
        dict(
            lines=draw.random() < 0.5,
            entries=[
                dict(frame=frame, value=draw.randint(-300, 300) / 100, easing=draw.choice(NAMES))
                for frame in draw.sample(range(99), draw.randint(0, 5))
            ],
        )
        for _ in range(100)
    ]
    for curve, text in zip(
        curves, results("timeline/value_text.js", "m.formatValues(c)", curves), strict=True
    ):
        entries = sorted(curve["entries"], key=lambda entry: entry["frame"])  # type: ignore
        expected = [(each["frame"], each["value"], each["easing"] or "linear") for each in entries]
        found = parse_keyframes(text, "per_frame")
        assert [(each.place, each.value, each.easing) for each in found] == expected
    kept = "m.formatValues(m.parseValues(c))"
    same = ["0: 1.000, 16: 0.2 smooth", "0: 1\n8: .5"]
    assert results("timeline/value_text.js", kept, same) == same


NAMES = ["", *EASINGS]
