"""Prompts are blended as the value of their frame says."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from adk_tests.support import tiny
from adk_tests.support.windowed import frame_prompts
from animatediff_kit.sampling.values.blend import blend_prompts
from animatediff_kit.sampling.values.over_time import value_over_time

VALUES = [0.0, 0.25, 1.0, 1.5]


def blended(first: Any, second: Any, frames: int = 4) -> Any:
    [[text, others]] = blend_prompts(first, second, value_over_time(numbers=VALUES), frames)
    return text, others


def test_each_frame_lies_on_the_line_through_both() -> None:
    first, second = tiny.prompt(1, base="SDXL"), tiny.prompt(2, base="SDXL")
    text, others = blended(first, second)
    for frame, value in enumerate(VALUES):
        expected = first[0][0][0] + value * (second[0][0][0] - first[0][0][0])
        torch.testing.assert_close(text[frame], expected)
        pooled = [prompt[0][1]["pooled_output"][0] for prompt in (first, second)]
        torch.testing.assert_close(
            others["pooled_output"][frame], pooled[0] + value * (pooled[1] - pooled[0])
        )
    assert torch.equal(text[0], first[0][0][0]) and torch.equal(text[2], second[0][0][0])
    assert first[0][1]["pooled_output"].shape[0] == 1


def test_prompts_of_other_lengths_and_one_a_frame() -> None:
    first, second = tiny.prompt(1, tokens=6), frame_prompts(5, frames=3, tokens=3)
    text, _ = blended(first, second)
    assert text.shape == (4, 6, tiny.CONTEXT)
    repeated = second[0][0].repeat(1, 2, 1)
    torch.testing.assert_close(text[2], repeated[2])
    torch.testing.assert_close(text[3], first[0][0][0] + 1.5 * (repeated[2] - first[0][0][0]))


def test_other_entries_are_the_first_prompts() -> None:
    first, second = tiny.prompt(1), tiny.prompt(2)
    first[0][1]["start_percent"], second[0][1]["start_percent"] = 0.1, 0.7
    assert blended(first, second)[1]["start_percent"] == 0.1


def test_what_cannot_be_blended_is_refused() -> None:
    first, second = tiny.prompt(1), tiny.prompt(2)
    masked = value_over_time(mask=torch.ones(1, 2, 2))
    with pytest.raises(ValueError, match="^A prompt acts on whole frames"):
        blend_prompts(first, second, masked, 4)
    with pytest.raises(ValueError, match="differs by sampling step. Take per_step off"):
        blend_prompts(first, second, value_over_time(per_step="0: 1, 1: 0"), 4)
    with pytest.raises(ValueError, match="The first prompt has 1 parts and the second 2"):
        blend_prompts(first, [*second, *second], value_over_time(), 4)


@pytest.mark.parametrize("part", ["text", "pooled text"])
def test_prompts_of_two_text_encoders_are_refused(part: str) -> None:
    first, second = tiny.prompt(1, base="SDXL"), tiny.prompt(2, base="SDXL")
    text, others = second[0]
    width = (text if part == "text" else others["pooled_output"]).shape[-1]
    if part == "text":
        second = [[text.repeat(1, 1, 2), others]]
    else:
        second = [[text, {**others, "pooled_output": others["pooled_output"].repeat(1, 2)}]]
    sentence = (
        f"^The first prompt's {part} is {width} numbers wide and the second's {2 * width}; both "
        "must come from one text encoder. Connect the same CLIP to the nodes that encode them"
    )
    with pytest.raises(ValueError, match=sentence):
        blended(first, second)


def test_a_list_of_another_length_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        blended(tiny.prompt(1), tiny.prompt(2), frames=6)
    assert "its list has 4 numbers, of which the last holds on" in caplog.text
