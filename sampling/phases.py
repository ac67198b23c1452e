"""Which of several settings holds at a step of sampling: each has a part of it at which it begins.

The rule is AnimateDiff-Evolved's, for its keyframes and its context options alike.
"""

from __future__ import annotations

from collections.abc import Sequence


def active(starts: Sequence[float], least: Sequence[int], sigmas: Sequence[float]) -> int:
    """Which of the settings holds at the last of the noise levels `sigmas`, one for each step so
    far; the first holds until another begins.

    starts: the noise level at which each begins, in order; least: steps that each holds at least,
    none where it began before the first of `sigmas`.
    """
    if sigmas[-1] > sigmas[0]:  # from the picture to the noise: what holds at this level
        sigmas = sigmas[-1:]
    current, used = 0, 0
    for sigma in sigmas:
        if used >= held(current, starts, least, sigmas[0]):
            for later in range(current + 1, len(starts)):
                if starts[later] < sigma:
                    break
                current, used = later, 0
                if held(later, starts, least, sigmas[0]) > 0:
                    break
        used += 1
    return current


def held(index: int, starts: Sequence[float], least: Sequence[int], first: float) -> int:
    return 0 if starts[index] > first else least[index]
