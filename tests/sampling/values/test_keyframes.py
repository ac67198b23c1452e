"""Keyframes are read as people write them, and faults are told with line and column."""

from __future__ import annotations

import re

import pytest
from animatediff_kit.sampling.easings import EASINGS
from animatediff_kit.sampling.values.keyframes import Keyframe, parse_keyframes, value_at


def read(text: str, **more: bool) -> list[tuple[float, float, str]]:
    return [(k.place, k.value, k.easing) for k in parse_keyframes(text, "per_frame", **more)]


@pytest.mark.parametrize(
    "text",
    [
        "0: 1.0, 16: 0.2 smooth",
        "16: 0.2 smooth\n0: 1",
        "0:(1.0), 16:(.2) Smooth,",
        '\ufeff"0": 1.0;\r\n"16" : +0.2 ease',
        "\n 0 : 1e0 ,,\n\t16:0.20 ease_in_out \n",
    ],
)
def test_ways_of_writing(text: str) -> None:
    assert read(text) == [(0, 1.0, "linear"), (16, 0.2, "smooth")]


def test_nothing_is_no_keyframe() -> None:
    assert read("") == read(" \n, ") == []


def test_parts_of_sampling() -> None:
    assert read("0: 1, 50%: -2, .75: 0.5 step, 100 %: 3", over_steps=True) == [
        (0, 1, "linear"),
        (0.5, -2, "linear"),
        (0.75, 0.5, "step"),
        (1.0, 3, "linear"),
    ]


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("0: 1\n  4 0.5", "line 2, column 3", "no colon stands behind '4 0.5'"),
        ("0: 1, 4: 0,5", "line 1, column 12", "no colon stands behind '5'"),
        ("-1: 1", "line 1, column 1", "'-1' is no frame; frames are whole numbers from 0 on"),
        ("0: 1, 1.5: 2", "line 1, column 7", "'1.5' is no frame"),
        (": 1", "line 1, column 1", "'' is no frame"),
        ("9999999999: 1", "line 1, column 1", "'9999999999' is no frame"),
        ("0: one", "line 1, column 3", "'one' is no number"),
        ("0: nan", "line 1, column 3", "'nan' is no number"),
        ("0: inf", "line 1, column 3", "'inf' is no number"),
        ("0: (1", "line 1, column 3", "'(1' is no number"),
        ("0:", "line 1, column 3", "this is no number"),
        ("0: 1, 4:   ,", "line 1, column 9", "this is no number"),
        ("0: 1\n8: 2 bounce", "line 2, column 6", "'bounce' is no easing; they are linear, smooth"),
        ("0: 1, 0: 2", "line 1, column 7", "0 has a value already"),
        ("0: sin(t)", "line 1, column 3", "'sin(t)' is no number"),
        ("0: 1 \u00b2", "line 1, column 6", "is no easing"),
        ("\u0661: 1", "line 1, column 1", "is no frame"),
    ],
)
def test_faults_are_told_with_their_place(text: str, where: str, reason: str) -> None:
    with pytest.raises(
        ValueError,
        match=rf"^per_frame, {where}: .*{re.escape(reason)}.*\. Write keyframes, such as 0: 1",
    ):
        read(text)


@pytest.mark.parametrize("text", ["1.5: 1", "101%: 1", "-0.1: 1", "x: 1"])
def test_what_is_no_part_of_sampling(text: str) -> None:
    with pytest.raises(ValueError, match="is no part of sampling; parts run from 0 to 1"):
        read(text, over_steps=True)


def test_what_is_no_text() -> None:
    with pytest.raises(
        ValueError, match="^per_frame is 3, which is no text. Write keyframes, or leave it empty.$"
    ):
        parse_keyframes(3, "per_frame")  # pyright: ignore[reportArgumentType]


def test_values_between_keyframes_and_beyond_them() -> None:
    keys = (Keyframe(4, 1.0, "linear"), Keyframe(8, 3.0, "linear"), Keyframe(10, 0.0, "step"))
    expected = {0: 1.0, 4: 1.0, 5: 1.5, 7: 2.5, 8: 3.0, 9: 3.0, 10: 0.0, 99: 0.0}
    assert {place: value_at(keys, place) for place in expected} == expected


@pytest.mark.parametrize("easing", EASINGS)
def test_an_easing_belongs_to_the_keyframe_that_it_reaches(easing: str) -> None:
    keys = (Keyframe(0, 0.0, "step"), Keyframe(10, 1.0, easing), Keyframe(20, 0.0, "linear"))
    assert value_at(keys, 0) == 0.0 and value_at(keys, 10) == 1.0 and value_at(keys, 15) == 0.5
    quarter = {"linear": 0.2, "smooth": 0.0955, "step": 0.0, "ease_in": 0.04, "ease_out": 0.36}
    assert value_at(keys, 2) == pytest.approx(quarter[easing], abs=1e-4)


def test_long_texts_take_time_in_proportion() -> None:
    text = ", ".join(f"{i}: {i % 7} smooth" for i in range(5000))
    assert len(read(text)) == 5000
    with pytest.raises(ValueError, match="is no number"):
        read("0: " + "(" * 50_000)
