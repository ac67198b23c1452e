"""ControlNets of other packs that cut their own hints, as Advanced-ControlNet's do.

They are told the window by `sub_idxs`, `full_latent_length` and `context_length`, on the object
itself: its methods may be bound to it, and it keeps count of steps.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from comfy.controlnet import ControlNet
from comfy.model_patcher import ModelPatcher
from torch import Tensor

FRAMES = windowed.FRAMES


class CutsItself(ControlNet):
    """Repeats its last hint for the frames behind it, and takes those of the window."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sub_idxs: list[int] | None = None
        self.full_latent_length = 0
        self.context_length = 0
        self.get_control = self.get_control_of_window
        self.told: list[tuple[list[int], int, int]] = []

    def get_control_of_window(self, *args: Any) -> Any:
        if self.sub_idxs is None:
            return ControlNet.get_control(self, *args)
        self.told.append((list(self.sub_idxs), self.full_latent_length, self.context_length))
        hints = self.cond_hint_original
        missing = max(0, self.full_latent_length - len(hints))
        self.cond_hint = None
        self.cond_hint_original = torch.cat([hints, hints[-1:].repeat(missing, 1, 1, 1)])[
            self.sub_idxs
        ]
        try:
            return ControlNet.get_control(self, *args)
        finally:
            self.cond_hint_original = hints


def hinted(kind: type[ControlNet], hints: Tensor, seed: int = 21) -> Any:
    return windowed.control_net(seed, kind).set_cond_hint(hints, strength=0.7)


def sample(model: ModelPatcher, control: ControlNet) -> Tensor:
    entries = dict(control=control, control_apply_to_uncond=True)
    positive = windowed.with_entries(windowed.frame_prompts(11), **entries)
    return tiny.sample(model, FRAMES, positive=positive)


def longer(hints: Tensor) -> Tensor:
    return torch.cat([hints, hints[-1:].repeat(FRAMES - len(hints), 1, 1, 1)])


HINTS = windowed.random(FRAMES - 2, 3, 64, 64)
BEFORE = windowed.random(FRAMES, 3, 64, 64, seed=6)


def test_it_is_told_the_window_the_video_and_the_windows_length(still: ModelPatcher) -> None:
    control = hinted(CutsItself, HINTS)
    sample(windowed.windowed(still, schedule="batched", overlap=0), control)
    windows = [[0, 1, 2, 3], [4, 5, 6]]
    assert control.told == 2 * [(window, FRAMES, 4) for window in windows]


def test_frames_get_their_own_hints(still: ModelPatcher) -> None:
    frames = sample(windowed.windowed(still), hinted(CutsItself, HINTS))
    whole = sample(still, hinted(ControlNet, longer(HINTS)))
    assert by_hand.relative(frames, whole) < windowed.ROUNDING
    assert by_hand.relative(frames, sample(still, hinted(ControlNet, BEFORE))) > 0.01


@pytest.mark.parametrize("kinds", [(ControlNet, CutsItself), (CutsItself, ControlNet)])
def test_chained_with_cores(still: ModelPatcher, kinds: tuple[Any, Any]) -> None:
    def chained(first: type[ControlNet], last: type[ControlNet], hints: Tensor) -> ControlNet:
        return hinted(last, hints, 22).set_previous_controlnet(hinted(first, BEFORE))

    frames = sample(
        windowed.windowed(still),
        chained(*kinds, HINTS if kinds[1] is CutsItself else longer(HINTS)),
    )
    whole = sample(still, chained(ControlNet, ControlNet, longer(HINTS)))
    assert by_hand.relative(frames, whole) < windowed.ROUNDING
    assert by_hand.relative(frames, sample(still, hinted(ControlNet, longer(HINTS), 22))) > 0.01


def test_it_forgets_the_window_after_the_run(still: ModelPatcher) -> None:
    control, before = hinted(CutsItself, HINTS), hinted(ControlNet, BEFORE)
    control.set_previous_controlnet(before)
    sample(windowed.windowed(still), control)
    told = (control.sub_idxs, control.full_latent_length, control.context_length)
    assert told == (None, 0, 0)
    assert control.previous_controlnet is before
    assert control.cond_hint_original is HINTS and before.cond_hint_original is BEFORE
