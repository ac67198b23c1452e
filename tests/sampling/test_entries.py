"""Texts, masks and hints of another number than the frames: one warning that says what holds."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.sampling.entries import count_entries, entries_of
from comfy.patcher_extension import WrappersMP
from torch import Tensor

REMEDY = "Give each frame one entry, or all of them the same."


def texts(count: int, tokens: int = 4) -> Tensor:
    shape = (count, tokens, tiny.CONTEXT)
    return torch.randn(shape, generator=torch.Generator().manual_seed(count))


def warnings(caplog: pytest.LogCaptureFixture, frames: int, **inputs: Any) -> list[str]:
    """Said when sampling twice, of the second time."""
    model = count_entries(count_entries(tiny.image_model()))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            caplog.clear()
            assert torch.isfinite(tiny.sample(model, frames=frames, **inputs)).all()
    return [r.getMessage() for r in caplog.records if r.name.endswith("sampling.entries")]


def test_a_text_that_ends_before_the_video(caplog: pytest.LogCaptureFixture) -> None:
    told = warnings(caplog, 6, positive=[[texts(4), {}]])
    assert told == [
        "6 frames are sampled, but the positive text has 4 entries: frame 4 begins again with the "
        f"first. {REMEDY}"
    ]


def test_a_text_and_a_mask_of_other_numbers_are_told_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    positive = [[texts(5), {"mask": torch.ones(2, 8, 8), "mask_strength": 1.0}]]
    told = warnings(caplog, 4, positive=positive, negative=[[texts(2), {}]])
    assert told == [
        "4 frames are sampled, but the positive text has 5 entries, of which those from 4 on are "
        "unused; the positive mask has 2 entries: frame 2 begins again with the first; the "
        f"negative text has 2 entries: frame 2 begins again with the first. {REMEDY}"
    ]


def test_a_noise_mask_of_another_number(caplog: pytest.LogCaptureFixture) -> None:
    """Newer ComfyUI repeats the mask before any wrapper sees it: nothing can be counted there."""
    mask = torch.ones(3, 8, 8)
    seen: list[int] = []

    def note(executor: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(len(args[4]))
        return executor(*args, **kwargs)

    plain = tiny.image_model()
    plain.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "note", note)
    tiny.sample(plain, frames=4, noise_mask=mask)
    told = warnings(caplog, 4, noise_mask=mask)
    sentence = (
        "4 frames are sampled, but the latent's noise mask has 3 entries: frame 3 begins again "
        f"with the first. {REMEDY}"
    )
    assert (seen, told) in (([3], [sentence]), ([4], []))


def test_one_entry_and_one_a_frame_are_right(caplog: pytest.LogCaptureFixture) -> None:
    positive = [[texts(3), {"mask": torch.ones(1, 8, 8), "mask_strength": 1.0}]]
    assert not warnings(caplog, 3, positive=positive, noise_mask=torch.ones(8, 8))


def test_hints_and_boxes_are_counted_too() -> None:
    before = SimpleNamespace(cond_hint_original=torch.ones(5, 3, 8, 8), previous_controlnet=None)
    hints = SimpleNamespace(cond_hint_original=torch.ones(7, 3, 8, 8), previous_controlnet=before)
    told = SimpleNamespace(cond_hint_original=torch.ones(9, 3, 8, 8), previous_controlnet=None)
    told.sub_idxs = None
    gligen = ("position_batched", None, [[], [], []])
    pooled = torch.ones(2, 8)
    cond = {"control": hints, "gligen": gligen, "pooled_output": pooled, "mask": torch.ones(8, 8)}
    assert list(entries_of(cond)) == [
        ("pooled text", 2),
        ("ControlNet's hint", 7),
        ("ControlNet's hint", 5),
        ("GLIGEN's boxes", 3),
    ]
    assert not list(entries_of({"control": told, "gligen": ("position", None, [])}))
