"""How much moves, beside real clips: real ones are in range, frozen and shuffled ones are not."""

from __future__ import annotations

import functools

import pytest
from adk_tests.benchmarks.claims.measures.drawn import moving
from animatediff_kit.benchmarks.claims.controls import flickering, frozen, shuffled
from animatediff_kit.benchmarks.claims.measures.motion_range import Motion, compared, motion_of


@functools.cache
def real() -> tuple[Motion, ...]:
    return tuple(motion_of(case.real) for case in moving())


def test_real_clips_of_the_same_motions_are_in_range() -> None:
    others = [motion_of(case.real) for case in moving(24, seed=22)]
    assert compared(others, real()).holds
    same = compared(real(), real())
    assert same.flow.value == same.error.value == 1


@pytest.mark.parametrize("spoil", [frozen, shuffled, flickering])
def test_spoiled_clips_are_refused(spoil: object) -> None:
    assert callable(spoil)
    found = compared([motion_of(spoil(case.real)) for case in moving()], real())
    assert not found.holds
    if spoil is frozen:  # can be followed perfectly
        assert found.error.value < 0.1 and found.flow.value < 0.1
    else:
        assert found.error.value > 2
