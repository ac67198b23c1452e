"""The sample that steps are compared on: like the call's map, and telling whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from adk_tests.motion_models.fast.test_forward import FRAMES, features, motion_module
from adk_tests.support import tiny
from animatediff_kit.motion_models.fast import agreement
from animatediff_kit.motion_models.fast.agreement import SEVERAL, TOLERANCES, Sample
from animatediff_kit.motion_models.fast.plain import PlainSteps
from torch import Tensor

DTYPES = [torch.float32, torch.float16, torch.bfloat16]


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


class HalfAsStrong(PlainSteps):
    def leave(self, y: Tensor, before: Tensor, after: Tensor) -> None:
        super().leave(y, before, after)
        after.copy_((before + after) / 2)


class OtherPositions(PlainSteps):
    def attend(self, attention: Any, norm: Any, y: Tensor) -> None:
        table = attention.pos_encoder.pe
        table.copy_(table.flip(1))
        super().attend(attention, norm, y)
        table.copy_(table.flip(1))


class SecondVideoLikeTheFirst(PlainSteps):
    def attend(self, attention: Any, norm: Any, y: Tensor) -> None:
        super().attend(attention, norm, y)
        y[FRAMES:] = y[:FRAMES]


class LastPixelLikeTheFirst(PlainSteps):
    def enter(self, part: slice, y: Tensor) -> None:
        super().enter(part, y)
        y[:, -1] = y[:, 0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("residual", [1.0, 0.01])
def test_weights_of_any_size(residual: float, dtype: torch.dtype) -> None:
    """Where a module changes the map by a percent, its residual is compared as closely."""
    module = motion_module(dtype=dtype)
    projection: Any = module.temporal_transformer.proj_out
    projection.weight.mul_(residual)
    projection.bias.mul_(residual)
    x = features().to(dtype)
    sample = Sample.like(module, x, tiny.call(x, FRAMES))
    assert sample.agrees(PlainSteps)
    for wrong in (HalfAsStrong, OtherPositions, SecondVideoLikeTheFirst, LastPixelLikeTheFirst):
        assert not sample.agrees(wrong), wrong


def last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("layout", [Tensor.contiguous, last])
def test_it_lies_as_the_map_does(layout: Callable[[Tensor], Tensor]) -> None:
    x = layout(features(height=32, width=24))
    sample = Sample.like(motion_module(), x, tiny.call(x, FRAMES), SEVERAL).x
    assert sample.stride(1) == (1 if layout is last else 14 * 24)
    assert sample.shape == (*x.shape[:2], 14, 24) and sample.dtype == x.dtype


@pytest.mark.parametrize(
    ("height", "width", "found"),
    [
        (64, 64, (5, 64)),
        (64, 40, (8, 40)),  # 8 rows of 40 are 320
        (64, 36, (12, 36)),  # of 36, every fourth count divides by 16
        (13, 37, (9, 37)),
        (45, 80, (4, 80)),
        (33, 27, (12, 27)),  # of 27, 16 rows: but no 33 do, so none
        (8, 8, (8, 8)),
    ],
)
def test_it_has_several_blocks_and_divides_as_the_map_does(
    height: int, width: int, found: tuple[int, int]
) -> None:
    x = torch.empty(1, 1, height, width)
    assert agreement.shape_like(x, 3, SEVERAL) == (3, 1, *found)


def test_tolerances_are_of_the_residual(caplog: pytest.LogCaptureFixture) -> None:
    """One that is too far by a little is refused, and told."""

    class Away(PlainSteps):
        away = 0.0

        def leave(self, y: Tensor, before: Tensor, after: Tensor) -> None:
            super().leave(y, before, after)
            after.add_((after - before) * self.away)

    x = features()
    sample = Sample.like(motion_module(), x, tiny.call(x, FRAMES))
    Away.away = 0.5 * TOLERANCES[torch.float32]
    assert sample.agrees(Away) and not caplog.text
    Away.away = 2 * TOLERANCES[torch.float32]
    assert not sample.agrees(Away)
    assert "differs from the reference by" in caplog.text and "(Away of " in caplog.text
