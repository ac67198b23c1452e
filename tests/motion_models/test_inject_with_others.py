"""What other nodes put on the model holds with motion in it: LoRAs, hooks, ControlNets, layers."""

from __future__ import annotations

from typing import Any

import comfy.hooks
import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.inject import apply_motion_model
from comfy.controlnet import ControlBase
from comfy.model_patcher import ModelPatcher

UPSAMPLE = "diffusion_model.output_blocks.2.1.conv.weight"
"""A layer behind a motion module: its place would move if ours had a number."""
ATTENTION = "diffusion_model.input_blocks.1.1.proj_in.weight"
LAYERS = {"upsample": (UPSAMPLE,), "attention": (ATTENTION,), "both": (UPSAMPLE, ATTENTION)}


def changes_of(base: ModelPatcher, layers: str) -> dict[str, torch.Tensor]:
    return {name: by_hand.difference(base, name, i) for i, name in enumerate(LAYERS[layers])}


@pytest.fixture(scope="module")
def expected(shared_base: ModelPatcher) -> dict[str, torch.Tensor]:
    """Frames of the UNet with v2's modules built in and the change added to its weights."""
    return {
        layers: tiny.sample(by_hand.animated("v2", changes=changes_of(shared_base, layers)))
        for layers in LAYERS
    }


@pytest.fixture
def animated(base: ModelPatcher) -> ModelPatcher:
    return apply_motion_model(base, tiny.motion_patcher("v2"))


@pytest.mark.parametrize("layers", LAYERS)
def test_lora_before_the_motion_model(
    base: ModelPatcher, expected: dict[str, torch.Tensor], layers: str
) -> None:
    changed = by_hand.with_change(base, changes_of(base, layers))
    model = apply_motion_model(changed, tiny.motion_patcher("v2"))
    assert by_hand.same(tiny.sample(model), expected[layers])


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("sampled_before", [False, True])
def test_lora_after_the_motion_model(
    animated: ModelPatcher, expected: dict[str, torch.Tensor], layers: str, sampled_before: bool
) -> None:
    plain = tiny.sample(animated) if sampled_before else None
    model = by_hand.with_change(animated, changes_of(animated, layers))
    frames = tiny.sample(model)
    assert by_hand.same(frames, expected[layers])
    assert plain is None or by_hand.relative(frames, plain) > 0.001


@pytest.mark.parametrize("layers", LAYERS)
def test_weight_hooks(
    animated: ModelPatcher, expected: dict[str, torch.Tensor], layers: str
) -> None:
    hook = comfy.hooks.WeightHook(strength_model=1.0)
    changes = changes_of(animated, layers)
    hook.weights = {name: ("diff", (change,)) for name, change in changes.items()}
    hook.need_weight_init = False
    group = comfy.hooks.HookGroup()
    group.add(hook)
    positive, negative = tiny.prompt(11), tiny.prompt(12)
    for prompt in (positive, negative):
        prompt[0][1]["hooks"] = group
    frames = tiny.sample(animated, positive=positive, negative=negative)
    assert by_hand.same(frames, expected[layers])


def hooked(name: str, change: torch.Tensor) -> list[Any]:
    """The positive prompt with a change of one weight that is its alone."""
    hook = comfy.hooks.WeightHook(strength_model=1.0)
    hook.weights, hook.need_weight_init = {name: ("diff", (change,))}, False
    group = comfy.hooks.HookGroup()
    group.add(hook)
    positive = tiny.prompt(11)
    positive[0][1]["hooks"] = group
    return positive


def test_a_hook_on_one_prompt_alone(base: ModelPatcher, animated: ModelPatcher) -> None:
    """The two prompts run one after the other, each with its own weights and all frames."""
    change = by_hand.difference(base, UPSAMPLE)
    frames = tiny.sample(animated, positive=hooked(UPSAMPLE, change))
    moved = UPSAMPLE.replace(".2.1.", ".2.2.")  # the built-in layer stands before it
    expected = tiny.sample(by_hand.animated("v2"), positive=hooked(moved, change))
    assert by_hand.same(frames, expected)
    assert by_hand.relative(frames, tiny.sample(animated)) > 0.001


class Taps(ControlBase):
    """A ControlNet of fixed random maps, other ones for every frame, at the middle and all 12
    skips."""

    def get_control(self, x: Any, t: Any, cond: Any, batched: int, options: Any) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(5)
        frames = x.shape[0] // batched

        def tap(channels: int, shrink: int) -> torch.Tensor:
            side = -(-x.shape[-1] // shrink)
            maps = torch.randn((frames, channels, side, side), generator=generator)
            return 0.3 * maps.repeat(batched, 1, 1, 1)

        skips = [(32, 1)] * 3 + [(32, 2)] + [(64, 2)] * 2 + [(64, 4)] + [(128, 4)] * 2
        output = [tap(*skip) for skip in (*skips, (128, 8), (128, 8), (128, 8))]
        return {"input": [], "middle": [tap(128, 8)], "output": output}

    def copy(self) -> Taps:
        copied = Taps()
        self.copy_to(copied)
        return copied


def controlled(seed: int, control: ControlBase) -> list[Any]:
    [[tokens, extra]] = tiny.prompt(seed)
    return [[tokens, {**extra, "control": control, "control_apply_to_uncond": False}]]


def test_controlnet_taps(animated: ModelPatcher) -> None:
    control = Taps()
    control.set_cond_hint(torch.zeros(1, 3, 64, 64))
    prompts = dict(positive=controlled(11, control), negative=controlled(12, control))
    frames = tiny.sample(animated, **prompts)
    assert by_hand.same(frames, tiny.sample(by_hand.animated("v2"), **prompts))
    assert by_hand.relative(frames, tiny.sample(animated)) > 0.01


def test_controlnet_on_one_prompt_alone(animated: ModelPatcher) -> None:
    control = Taps()
    control.set_cond_hint(torch.zeros(1, 3, 64, 64))
    positive = controlled(11, control)
    frames = tiny.sample(animated, positive=positive)
    assert by_hand.same(frames, tiny.sample(by_hand.animated("v2"), positive=positive))


def test_another_packs_layer_in_the_unet(base: ModelPatcher, animated: ModelPatcher) -> None:
    """A pack that inserts a numbered layer while it is applied; ours finds its place all the
    same."""

    class Doubled(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

    def run(model: ModelPatcher, position: int) -> torch.Tensor:
        block: Any = model.model.diffusion_model.output_blocks[2]
        block.insert(position, Doubled())
        try:
            return tiny.sample(model)
        finally:
            del block[position]

    # in front of the ResBlock, so that its anchor has another index than in the plain UNet
    assert by_hand.same(run(animated, 0), run(by_hand.animated("v2"), 0))


def test_another_packs_attention_is_that_of_the_image_model(animated: ModelPatcher) -> None:
    """A kernel for long sequences: it refuses as few tokens as there are frames."""
    frames, lengths = 5, set[int]()

    def kernel(chosen: Any, q: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        lengths.add(q.shape[1])
        if q.shape[1] == frames:
            raise RuntimeError(f"{frames} tokens are too few")
        return chosen(q, *args, **kwargs)

    plain, chosen = tiny.sample(animated, frames), animated.clone()
    chosen.model_options["transformer_options"]["optimized_attention_override"] = kernel
    assert by_hand.same(tiny.sample(chosen, frames), plain)
    assert lengths, "the image model was not asked"
