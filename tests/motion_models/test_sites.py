"""Motion modules stand where the authors put them: checked in the UNet's structure and in a run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionLayer
from animatediff_kit.motion_models.sites import sequences, unet_sites
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

RES, SPATIAL, MOTION = "ResBlock", "SpatialTransformer", "MotionLayer"
DOWN, UP = "Downsample", "Upsample"

CHANNELS = {
    "SD1.5": [32] * 2 + [64] * 2 + [128] * 4 + [128] + [128] * 6 + [64] * 3 + [32] * 3,
    "SDXL": [32] * 2 + [64] * 2 + [128] * 2 + [128] + [128] * 3 + [64] * 3 + [32] * 3,
}

SD15_ATTENTION = [RES, SPATIAL, MOTION]
RUNS: dict[str, list[list[str]]] = {
    # what each sequential of the UNet calls, in the order of a run
    "v2": [
        ["Conv2d"],
        *[SD15_ATTENTION, SD15_ATTENTION, [DOWN]] * 3,
        [RES, MOTION],
        [RES, MOTION],
        [RES, SPATIAL, MOTION, RES],
        [RES, MOTION],
        [RES, MOTION],
        [RES, MOTION, UP],
        *[SD15_ATTENTION, SD15_ATTENTION, [RES, SPATIAL, MOTION, UP]] * 2,
        *[SD15_ATTENTION] * 3,
    ],
    "SDXL beta": [
        ["Conv2d"],
        [RES, MOTION],
        [RES, MOTION],
        [DOWN],
        *[SD15_ATTENTION] * 2,
        [DOWN],
        *[SD15_ATTENTION] * 2,
        [RES, SPATIAL, RES],
        *[SD15_ATTENTION, SD15_ATTENTION, [RES, SPATIAL, MOTION, UP]] * 2,
        *[[RES, MOTION]] * 3,
    ],
}
RUNS["v3"] = [
    [RES, SPATIAL, RES] if MOTION in run[:-1] and run[-1] == RES else run for run in RUNS["v2"]
]


class Recorder:
    """APPLY_MODEL wrapper inside the pack's: what is called in the UNet, with what it gives."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, str, torch.Tensor, torch.Tensor]] = []

    def __call__(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        handles = []
        for i, sequence in enumerate(sequences(executor.class_obj.diffusion_model)):
            for layer in sequence.children():
                handles.append(layer.register_forward_hook(self.hook(i)))
        try:
            return executor(*args, **kwargs)
        finally:
            for handle in handles:
                handle.remove()

    def hook(self, sequence: int) -> Any:
        def record(layer: Any, inputs: Any, output: torch.Tensor) -> None:
            self.calls.append((sequence, type(layer).__name__, inputs[0].clone(), output.clone()))

        return record


def record(model: ModelPatcher, base: str) -> Recorder:
    """One UNet call with 4 frames of one prompt."""
    recorder = Recorder()
    recorded = model.clone()
    recorded.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "recorder", recorder)
    tiny.sample(recorded, base=base, steps=1, cfg=1.0)
    return recorder


@pytest.mark.parametrize("base", ["SD1.5", "SDXL"])
def test_names_come_in_the_order_of_a_run(base: str) -> None:
    unet: Any = tiny.image_model(base).model.diffusion_model
    assert list(unet_sites(unet)) == list(by_hand.PLACES[base])


@pytest.mark.parametrize("base", ["SD1.5", "SDXL"])
def test_anchors_and_channels(base: str) -> None:
    unet: Any = tiny.image_model(base).model.diffusion_model
    for (name, site), channels in zip(unet_sites(unet).items(), CHANNELS[base], strict=True):
        place = by_hand.PLACES[base][name]
        sequence = by_hand.sequence_at(unet, place)
        assert site.sequence is sequence, name
        assert site.anchor == list(sequence._modules)[place[2] - 1], name
        assert site.channels == channels, name


@pytest.mark.parametrize("family", sorted(RUNS))
def test_order_in_a_real_call(family: str) -> None:
    motion = tiny.motion_patcher(family)
    base = motion.model.spec.family.base
    recorder = record(apply_motion_model(tiny.image_model(base), motion), base)
    runs: list[list[str]] = [[] for _ in RUNS[family]]
    for sequence, kind, _, _ in recorder.calls:
        runs[sequence].append(kind)
    assert runs == RUNS[family]
    assert [call[0] for call in recorder.calls] == sorted(call[0] for call in recorder.calls)


@pytest.mark.parametrize("family", ["v2", "SDXL beta"])
def test_each_module_gets_the_map_of_its_level(family: str) -> None:
    motion = tiny.motion_patcher(family)
    base = motion.model.spec.family.base
    recorder = record(apply_motion_model(tiny.image_model(base), motion), base)
    sides = {32: 8, 64: 4, 128: 2}
    for _, kind, x, y in recorder.calls:
        if kind != MOTION:
            continue
        allowed = (sides[x.shape[1]], 1) if x.shape[1] == 128 else (sides[x.shape[1]],)
        assert x.shape[0] == 4 and x.shape[2] in allowed
        assert y.shape == x.shape and not torch.equal(x, y)


def test_skip_connections_hold_the_motion() -> None:
    """Output block 10 takes up what input block 1 left, behind its own 32 channels."""
    model = apply_motion_model(tiny.image_model(), tiny.motion_patcher("v3"))
    calls = record(model, "SD1.5").calls
    left = next(y for i, kind, _, y in calls if i == 1 and kind == MOTION)
    taken = next(x for i, kind, x, _ in calls if i == 13 + 10 and kind == RES)
    assert torch.equal(taken[:, -32:], left)


def test_blocks_compiled_one_by_one_are_seen_through() -> None:
    unet: Any = tiny.image_model().model.diffusion_model
    plain = unet_sites(unet)
    unet.input_blocks[1] = torch.compile(unet.input_blocks[1], backend="eager")
    unet.output_blocks[2] = torch.compile(unet.output_blocks[2], backend="eager")
    assert unet_sites(unet) == plain


def test_no_layer_is_left_in_the_unet() -> None:
    model = tiny.image_model()
    tiny.sample(apply_motion_model(model, tiny.motion_patcher("v2")))
    assert not [m for m in model.model.modules() if isinstance(m, MotionLayer)]
