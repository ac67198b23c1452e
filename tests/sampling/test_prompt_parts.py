"""What a prompt of a schedule holds beside words."""

from __future__ import annotations

import math

import pytest
from animatediff_kit.sampling.prompt_parts import at_frame, halves, with_commas, with_spaces


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
    assert with_commas(*parts) == text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("", "a cat", ""), "a cat"),
        (("best,", " a cat ", ", at night"), "best, a cat , at night"),
        (("best", "", "night"), "best night"),
        (("best", "a cat", "0"), "best a cat"),
    ],
)
def test_before_and_after_are_joined_as_fizznodes_does(
    parts: tuple[str, str, str], text: str
) -> None:
    assert with_spaces(*parts) == text


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("a cat", ("a cat", "")),
        ("a cat --neg blurry, dark", ("a cat", "blurry, dark")),
        ("--neg blurry", ("", "blurry")),
        ("a cat,--neg", ("a cat,", "")),
        ("a cat--neg, --negative", ("a cat--neg, --negative", "")),
    ],
)
def test_the_negative_half(text: str, both: tuple[str, str]) -> None:
    assert halves(text) == both


def test_expressions_are_computed_for_the_frame() -> None:
    text = "(snow:`0.5 + 0.5 * sin(t / max_f)`), `hello`, `pw_a`, (rain:`max_f - t`)"
    for t in (0, 3, 7):
        value = 0.5 + 0.5 * math.sin(t / 8)
        shown = at_frame(text, {"t": t, "max_f": 8, "pw_a": 0.25})
        assert shown == f"(snow:{value}), `hello`, 0.25, (rain:{8 - t})"
