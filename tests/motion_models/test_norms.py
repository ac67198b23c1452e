"""Which GroupNorms see all frames of a video, chosen by hand instead of by the family."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.windows import WindowSettings
from comfy.model_patcher import ModelPatcher
from torch import Tensor
from torch.nn import functional

FRAMES = 4


def animate(base: ModelPatcher, family: str, norms: str = "automatic") -> ModelPatcher:
    return apply_motion_model(base, tiny.motion_patcher(family), MotionSettings(norms=norms))


def test_every_norm(base: ModelPatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where torch's own GroupNorm joined the frames of each video."""
    everywhere = tiny.sample(animate(base, "v2", "everywhere"))
    plain = tiny.sample(animate(base, "v2"))
    norm = functional.group_norm

    def joined(x: Tensor, *args: Any, **more: Any) -> Tensor:
        if x.shape[0] % FRAMES or x.ndim != 4:
            return norm(x, *args, **more)
        video = x.unflatten(0, (-1, FRAMES)).transpose(1, 2)
        return norm(video, *args, **more).transpose(1, 2).flatten(0, 1)

    monkeypatch.setattr(functional, "group_norm", joined)
    expected = tiny.sample(animate(base, "v2"))
    assert torch.allclose(everywhere, expected, atol=1e-5)
    assert not torch.allclose(everywhere, plain, atol=1e-2)


@pytest.mark.parametrize(("family", "norms"), [("v2", "across_frames"), ("v1", "per_frame")])
def test_the_rule_of_another_family(base: ModelPatcher, family: str, norms: str) -> None:
    """v1 and v3 have the same modules, and differ in this rule alone."""
    one, other = ("v1", "v3") if family == "v1" else ("v2", "v2")
    changed = tiny.sample(animate(base, one, norms))
    assert not torch.allclose(changed, tiny.sample(animate(base, one)), atol=1e-3)
    if family == "v1":
        assert torch.equal(changed, tiny.sample(animate(base, other)))
        back = tiny.sample(animate(base, "v3", "across_frames"))
        assert torch.equal(back, tiny.sample(animate(base, "v1")))


def test_every_norm_in_windows(base: ModelPatcher) -> None:
    """A window's norms see its own frames alone, as where it is sampled by itself."""
    model = apply_context_windows(animate(base, "v2", "everywhere"), WindowSettings(2, 0))
    frames = tiny.sample(model, frames=FRAMES)
    alone = tiny.sample(animate(base, "v2", "everywhere"), frames=2)
    assert torch.allclose(frames[:2], alone, atol=1e-5)


def test_an_unknown_rule(base: ModelPatcher) -> None:
    with pytest.raises(ValueError) as caught:
        animate(base, "v2", "some")
    assert str(caught.value) == (
        "'some' is no rule for norms; choose one of automatic, per_frame, across_frames, "
        "everywhere."
    )
