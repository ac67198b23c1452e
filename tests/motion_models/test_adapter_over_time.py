"""A domain adapter over time is what the merged one is, with another scale in every frame."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.motion_models.test_domain_adapter import adapter
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.adapter_over_time import BlockOverTime, LinearOverTime
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from animatediff_kit.motion_models.inject import apply_motion_model
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

FRAMES = 8
SCALES = [0.0, 0.3, 0.6, 0.9, 1.2, -0.5, 0.2, 1.0]


def by_frame(call: Call, height: int, width: int) -> Tensor:
    values = torch.tensor([SCALES[frame] for frame in call.indices])
    return values.repeat(call.videos).view(-1, 1, 1, 1)


def gentle(seed: int = 4) -> dict[str, Tensor]:
    """Changes about as large as the weights, so that rounding does not grow from layer to layer."""
    return {k: t * (0.2 if ".up." in k else 1.0) for k, t in adapter(seed=seed).items()}


def adapted(base: ModelPatcher, scale: Any, seed: int = 4) -> ModelPatcher:
    return apply_domain_adapter(base, gentle(seed), scale, "adapter")


@pytest.mark.parametrize("scale", [0.8, -0.4])
def test_one_value_is_the_merged_adapter(base: ModelPatcher, scale: float) -> None:
    found, merged = (
        tiny.sample(adapted(base, given)) for given in (lambda call, h, w: scale, scale)
    )
    assert by_hand.relative(found, merged) < 1e-5
    assert by_hand.relative(found, tiny.sample(base)) > 1e-2


def test_two_over_time_and_one_merged(base: ModelPatcher) -> None:
    def chained(*scales: Any) -> Tensor:
        model = base
        for i, scale in enumerate(scales):
            model = adapted(model, scale, seed=4 + i)
        return tiny.sample(model)

    found = chained(lambda call, h, w: 0.6, 0.4, lambda call, h, w: -0.3)
    assert by_hand.relative(found, chained(0.6, 0.4, -0.3)) < 1e-5


@pytest.mark.parametrize("schedule", ["", "batched", "standard_static", "views"])
def test_each_frame_has_its_own_scale(base: ModelPatcher, schedule: str) -> None:
    """Without motion no frame sees another: each is the run with its scale merged."""
    noise = windowed.noise_of(FRAMES)
    model = adapted(base, by_frame)
    if schedule == "views":
        motion = apply_motion_model(model, tiny.motion_patcher("v2"))
        found = windowed.sample_noise(windowed.windowed(motion, 4, 0, schedule=schedule), noise)
        batched = windowed.windowed(motion, 4, 0, schedule="batched")
        assert by_hand.relative(found, windowed.sample_noise(batched, noise)) < 1e-4
        return
    if schedule:
        model = windowed.windowed(model, 4, 2 * (schedule != "batched"), schedule=schedule)
    found = windowed.sample_noise(model, noise)
    for frame, scale in enumerate(SCALES):
        alone = windowed.sample_noise(adapted(base, scale), noise[frame : frame + 1])
        assert by_hand.relative(found[frame : frame + 1], alone) < 1e-4, frame
    assert by_hand.relative(found, windowed.sample_noise(base, noise)) > 1e-2


def test_order_with_the_motion_model_is_free(base: ModelPatcher) -> None:
    motion = tiny.motion_patcher("v2")
    first = apply_motion_model(adapted(base, by_frame), motion)
    second = adapted(apply_motion_model(base, motion), by_frame)
    noise = windowed.noise_of(FRAMES)
    for more in ({}, {"schedule": "views"}):
        one, other = (
            windowed.sample_noise(windowed.windowed(m, 4, 1, **more) if more else m, noise)
            for m in (first, second)
        )
        assert by_hand.relative(one, other) < 1e-5


def test_over_the_steps(base: ModelPatcher) -> None:
    """On in the first of two steps: its prediction is the adapter's, the second the base's."""
    seen: list[float] = []

    def early(call: Call, height: int, width: int) -> float:
        seen.append(call.progress)
        return float(call.progress < 0.5)

    found = tiny.sample(adapted(base, early), steps=2)
    assert set(seen) == {0.0, 0.5}
    for other in (base, adapted(base, 1.0)):
        assert by_hand.relative(found, tiny.sample(other, steps=2)) > 1e-4


def test_its_matrices_are_sent_to_the_device_once_a_run() -> None:
    pairs = {"to_q": (torch.randn(2, 4).double(), torch.randn(4, 2).double())}
    block = BlockOverTime(nn.Identity(), pairs, 1.0)
    x, call = torch.randn(6, 5, 4), Call.alone(1, 6)
    first, again = block.pairs_on(x, call), block.pairs_on(x + 1.0, call)
    assert all(a is b for a, b in zip(first["to_q"], again["to_q"], strict=True))
    assert first["to_q"][0].dtype == x.dtype
    assert block.pairs_on(x, Call.alone(1, 6))["to_q"][0] is not first["to_q"][0]


def test_frames_cut_into_pieces_keep_their_scale() -> None:
    """As HyperTile gives the attention tiles of every frame."""
    layer, x = nn.Linear(4, 4), torch.randn(6, 5, 4)
    pair = (torch.randn(2, 4), torch.randn(4, 2))
    values = torch.tensor([0.5, 2.0]).view(-1, 1, 1, 1)
    with torch.inference_mode():
        found = LinearOverTime(layer, pair, values)(x)
        change = x @ (pair[1] @ pair[0]).T
        scales = torch.tensor([0.5, 0.5, 0.5, 2.0, 2.0, 2.0]).view(-1, 1, 1)
        torch.testing.assert_close(found, layer(x) + scales * change)
        said = "met 5 rows where 2 frames belong: another node cuts or joins frames inside the UNet"
        with pytest.raises(ValueError, match=said):
            LinearOverTime(layer, pair, values)(x[:5])


def test_what_is_no_linear_layer_is_refused(base: ModelPatcher) -> None:
    tensors = adapter()
    key = "lora_unet_down_blocks_0_resnets_0_conv1"
    tensors = {
        **tensors,
        f"{key}.lora_up.weight": torch.randn(32, 2, 1, 1),
        f"{key}.lora_down.weight": torch.randn(2, 32, 3, 3),
    }
    apply_domain_adapter(base, tensors, 1.0, "style")
    with pytest.raises(ValueError, match="^style changes more than the linear layers .*in_layers"):
        apply_domain_adapter(base, tensors, by_frame, "style")


def test_nothing_of_the_model_fits(base: ModelPatcher) -> None:
    tensors = {f"elsewhere.{key}": tensor for key, tensor in adapter().items()}
    with pytest.raises(ValueError, match="changes no layer of this model|is no domain adapter"):
        apply_domain_adapter(base, tensors, by_frame, "x")
