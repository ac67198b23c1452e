"""FreeU and Perturbed-Attention Guidance, of ComfyUI's core, on an animated model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.inject import apply_motion_model
from comfy.model_patcher import ModelPatcher
from comfy_extras import nodes_freelunch, nodes_pag


def free_u(model: ModelPatcher) -> ModelPatcher:
    """It looks for maps of four and two times the model's channels."""
    model = model.clone()
    node: Any = nodes_freelunch.FreeU_V2()
    run = node.execute if hasattr(node, "execute") else node.patch
    return first(run(model, 1.3, 1.4, 0.9, 0.2))


def perturbed(model: ModelPatcher) -> ModelPatcher:
    node: Any = nodes_pag.PerturbedAttentionGuidance
    return first(node.execute(model, 3.0))


def first(output: Any) -> Any:
    return output.result[0] if hasattr(output, "result") else output[0]


@pytest.mark.parametrize("patch", [free_u, perturbed])
def test_before_and_after_the_motion_model_and_in_windows(
    patch: Callable[[ModelPatcher], ModelPatcher],
) -> None:
    model, motion = tiny.image_model(), tiny.motion_patcher("v2")
    animated = apply_motion_model(model, motion)
    noise = torch.randn((7, 4, 16, 16), generator=torch.Generator().manual_seed(1))
    plain, after, before, still, still_windows, moving_windows = (
        windowed.sample_noise(m, noise)
        for m in (
            animated,
            patch(animated),
            apply_motion_model(patch(model), motion),
            patch(model),
            windowed.windowed(patch(model)),
            windowed.windowed(patch(animated)),
        )
    )
    assert by_hand.relative(after, plain) > 1e-3
    assert by_hand.same(after, before) or by_hand.relative(after, before) < 1e-5
    assert by_hand.relative(still_windows, still) < windowed.ROUNDING
    assert by_hand.relative(still, windowed.sample_noise(model, noise)) > 1e-3
    assert torch.isfinite(moving_windows).all()
    assert by_hand.relative(moving_windows, after) > 1e-4
