"""How the predictions of overlapping windows become one: a weighted mean for every frame.

A fuse method is a pure function (window, frames, settings) -> one positive weight for each place in
the window. A frame's prediction is sum(weight * prediction) / sum(weight) over the windows that
hold it.
"""

from __future__ import annotations

from collections.abc import Callable

from .windows import WindowSettings, unstopped

Weights = list[float]

FAINT = 0.01
"""Weight of places that should count only where nothing else covers the frame."""


def flat(window: list[int], frames: int, settings: WindowSettings) -> Weights:
    """Every window counts the same."""
    return [1.0] * len(window)


def pyramid(window: list[int], frames: int, settings: WindowSettings) -> Weights:
    """1, 2, 3 ... 3, 2, 1: a window knows best what it sees from both sides."""
    last = len(window) - 1
    return [float(min(p, last - p) + 1) for p in range(len(window))]


def relative(window: list[int], frames: int, settings: WindowSettings) -> Weights:
    """Falls off on a straight line from the middle to nearly nothing at both ends."""
    middle = (len(window) - 1) / 2
    return [max(FAINT, 1 - abs(p - middle) / (middle + FAINT / 2)) for p in range(len(window))]


def overlap_linear(window: list[int], frames: int, settings: WindowSettings) -> Weights:
    """1 inside, a straight cross-fade in the overlap. The ends of the video have no neighbour to
    fade to, unless windows wrap round them."""
    overlap, length = settings.overlap, len(window)
    rise = settings.wraps or 0 not in window
    fall = settings.wraps or frames - 1 not in window
    weights = [1.0] * length
    for p in range(min(overlap, length)):
        ramp = (p + 1) / (overlap + 1)
        if rise:
            weights[p] = min(weights[p], ramp)
        if fall:
            weights[length - 1 - p] = min(weights[length - 1 - p], ramp)
    return weights


def overlap_ramp(window: list[int], frames: int, settings: WindowSettings) -> Weights:
    """The cross-fade of ComfyUI's core and of AnimateDiff-Evolved: it begins at nearly nothing and
    ends at 1 within the overlap, and does not fade where a window holds the first or last frame."""
    overlap, length = settings.overlap, len(window)
    ramp = [max(BARELY, p / max(overlap - 1, 1)) for p in range(overlap)]
    weights = [1.0] * length
    if min(window) > 0:
        weights[:overlap] = ramp
    if max(window) < frames - 1 and overlap:
        weights[-overlap:] = ramp[::-1]
    return weights[:length]


def delayed_reverse_sawtooth(window: list[int], frames: int, settings: WindowSettings) -> Weights:
    """Nearly nothing in the first half, then falling from the middle on: the earlier window
    leads."""
    half = (len(window) + 1) // 2
    fall = [float(value) for value in range(half, 0, -1)]
    flat_top = [float(half)] if len(window) % 2 == 0 else []
    return [FAINT] * (len(window) - len(fall) - len(flat_top)) + flat_top + fall


BARELY = 1e-30
"""Weight of a place that counts for nothing, but not for no weight at all: a prediction times it is
no number so small that a GPU's sums take it for 0, as core's 1e-37 times it is."""

FUSE_METHODS: dict[str, Callable[[list[int], int, WindowSettings], Weights]] = {
    "pyramid": pyramid,
    "relative": relative,
    "flat": flat,
    "overlap-linear": overlap_linear,
    "delayed-reverse-sawtooth": delayed_reverse_sawtooth,
    "overlap-ramp": overlap_ramp,
}


def fuse_weights(
    window: list[int], frames: int, settings: WindowSettings, step: int = 0
) -> Weights:
    """The weights of `settings.fuse` for a window. Raises ValueError for a name that is not in
    the table.

    A window that was stopped at an end of the video counts where it would lie without: else the
    first window of a moving schedule would end at the same frame in every step, and show.
    """
    if settings.fuse not in [*FUSE_METHODS]:
        raise ValueError(
            f"{settings.fuse!r} is no fuse method; choose one of {', '.join(FUSE_METHODS)}."
        )
    method = FUSE_METHODS[settings.fuse]
    whole = unstopped(window, frames, settings, step)
    if whole == [window]:
        return method(window, frames, settings)
    total = dict.fromkeys(window, BARELY)
    for places in whole:
        for frame, weight in zip(places, method(places, frames, settings), strict=True):
            if frame in total:
                total[frame] += weight
    return list(total.values())
