"""What the fast arithmetic takes, and that everything else is the reference's to the bit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import comfy.ops
import pytest
import torch
from adk_tests.motion_models.fast.test_forward import FRAMES, features, motion_module
from adk_tests.support import tiny
from animatediff_kit.motion_models.call import Beside, Call, Run
from animatediff_kit.motion_models.fast import agreement, fits
from animatediff_kit.motion_models.fast.fits import autocasts
from animatediff_kit.motion_models.fast.trial import steps_for
from animatediff_kit.motion_models.layers import MotionLayer
from animatediff_kit.motion_models.modules import MotionModule
from animatediff_kit.motion_models.views.windows import Views
from comfy.ldm.modules.attention import attention_basic
from torch import nn

VIEWS = Views(((0, 1, 2), (2, 3, 4)), ((1.0, 1.0, 0.5), (0.5, 1.0, 1.0)), 3)


@pytest.fixture(autouse=True)
def no_gradients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fits, "SMALLEST", 0)
    with torch.no_grad():
        yield


def over_frames(call: Call, height: int, width: int) -> torch.Tensor:
    return torch.linspace(0.0, 1.0, call.videos * call.frames).view(-1, 1, 1, 1)


CALLS: dict[str, dict[str, Any]] = {
    "strength over frames": {"strength": over_frames},
    "motion scale over frames": {"motion_scale": over_frames},
    "attention of another kind": {"attention": attention_basic},
    "views in a window": {"run": Run(FRAMES, inner=VIEWS)},
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_that_are_the_references(name: str) -> None:
    module, x = motion_module(), features()
    plain = tiny.call(x, FRAMES)
    call = replace(plain, **CALLS[name])
    assert steps_for(module, x, plain) and not steps_for(module, x, call)
    assert torch.equal(MotionLayer(module, call)(x), module(x, call))


def test_autocast_is_the_references() -> None:
    module, x = motion_module(), features()
    call = tiny.call(x, FRAMES)
    with torch.autocast("cpu", torch.bfloat16):
        assert steps_for(module, x, call) is None
        assert torch.equal(MotionLayer(module, call)(x), module(x, call))
    assert steps_for(module, x, call)


def test_autocast_is_seen_with_torch_before_2_4(monkeypatch: pytest.MonkeyPatch) -> None:
    """There `is_autocast_enabled` is that of CUDA, and takes no argument."""
    of_kind = torch.is_autocast_enabled
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda: of_kind("cuda"))
    assert not autocasts("cpu") and not autocasts("cuda")
    for kind, other in (("cpu", "cuda"), ("cuda", "cpu")):
        torch.set_autocast_enabled(kind, True)
        try:
            assert autocasts(kind) and not autocasts(other)
        finally:
            torch.set_autocast_enabled(kind, False)
    module, x = motion_module(), features()
    assert steps_for(module, x, tiny.call(x, FRAMES))


def test_changes_beside_the_layers_are_the_references() -> None:
    module, x = motion_module(), features()
    block: Any = module.temporal_transformer.transformer_blocks[0]
    pair = torch.randn(2, 64), torch.randn(64, 2)
    change = Beside(1.0, {block.attention_blocks[0].to_q: pair})
    call = tiny.call(x, FRAMES, beside=(change,))
    assert torch.equal(MotionLayer(module, call)(x), module(x, call))


class Doubled(nn.Linear):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2.0 * super().forward(input)


def replaced(module: MotionModule) -> None:
    block: Any = module.temporal_transformer.transformer_blocks[0]
    own = block.ff.net[2]
    block.ff.net[2] = Doubled(own.in_features, own.out_features)


def hooked(module: MotionModule) -> None:
    block: Any = module.temporal_transformer.transformer_blocks[0]
    block.attention_blocks[1].to_v.register_forward_hook(lambda layer, given, y: 2.0 * y)


def overridden(module: MotionModule) -> None:
    layer: Any = module.temporal_transformer.proj_in
    own = layer.forward
    layer.forward = lambda x: own(x) + 1.0


def with_a_kernel(module: MotionModule) -> None:
    layer: Any = module.temporal_transformer.proj_out
    layer.__class__ = comfy.ops.fp8_ops.Linear


@pytest.mark.parametrize("change", [replaced, hooked, overridden, with_a_kernel])
def test_layers_that_are_the_references(change: Callable[[MotionModule], None]) -> None:
    module, x = motion_module(), features()
    call = tiny.call(x, FRAMES)
    assert steps_for(module, x, call)
    change(module)
    assert not steps_for(module, x, call)
    assert torch.equal(MotionLayer(module, call)(x), module(x, call))


def test_training_small_maps_and_other_dtypes_are_the_references(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, x = motion_module(), features()
    call = tiny.call(x, FRAMES)
    assert steps_for(module, x, call)
    with torch.enable_grad():
        assert not steps_for(module, x, call)
    narrow = x[..., :2, :3]  # 10 frames of 6 pixels, 64 channels
    assert not steps_for(module, narrow, call)
    for dtype in (torch.float64, torch.float16):  # a CPU takes longer for half precision
        assert not steps_for(module, x.to(dtype), call)
    monkeypatch.setattr(fits, "SMALLEST", x.numel() + 1)
    assert not steps_for(module, x, call)


def test_a_device_that_computes_otherwise_has_the_reference(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module, x = motion_module(), features()
    monkeypatch.setitem(agreement.TOLERANCES, torch.float32, 1e-9)
    call = tiny.call(x, FRAMES)
    with caplog.at_level(logging.WARNING):
        given = [MotionLayer(module, call)(x) for _ in range(2)]
    assert all(torch.equal(y, module(x, call)) for y in given)
    assert caplog.text.count("differs from the reference by") == 1  # compared once a run


def test_compiled_it_is_one_graph_of_the_references_operations() -> None:
    module, x = motion_module(), features()
    call = tiny.call(x, FRAMES)
    layer = MotionLayer(module, call)
    assert steps_for(module, x, call)
    compiled: Any = torch.compile(layer, backend="eager", fullgraph=True)  # raises where it breaks
    assert torch.equal(compiled(x), module(x, call))
