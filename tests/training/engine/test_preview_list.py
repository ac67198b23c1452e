"""Prompts of previews, a line each, with their seeds."""

from __future__ import annotations

import pytest
from animatediff_kit.training.engine.preview_list import Asked, parse


def test_a_line_is_a_prompt_with_a_seed_of_its_own_or_the_next() -> None:
    text = "7: a cat runs\n\n  a dog: barks  \n12:00 is noon\n"
    rest = [Asked(41, "a dog: barks"), Asked(42, "12:00 is noon")]
    assert parse(text, 40) == [Asked(7, "a cat runs"), *rest]
    assert parse("", 40) == []


def test_a_seed_without_a_prompt_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Line 2 of the prompts is '7:', a seed without a prompt"):
        parse("a cat\n7:", 0)
