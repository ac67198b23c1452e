"""Which frames go through the UNet together: windows over a video of any length, for one sampling
step.

A schedule is a pure function (frames, settings, step) -> windows, a window a list of frame indices.
At stride 1 the lists are those of ComfyUI's core and of animatediff-cli, where they come from; at
larger strides, theirs name frames outside the clip, repeat frames and leave some out, and these do
not.

N frames of the video, L length of a window, O overlap, S stride, k sampling step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Windows = list[list[int]]


@dataclass(frozen=True)
class WindowSettings:
    """How a video is cut into windows; names of schedules and fuse methods are keys of the tables
    SCHEDULES and fuse.FUSE_METHODS. on_equal_length: also where all frames fit into one."""

    length: int = 16
    overlap: int = 4
    stride: int = 1
    schedule: str = "standard_static"
    fuse: str = "pyramid"
    closed_loop: bool = False
    on_equal_length: bool = False

    def check(self) -> None:
        """Raise ValueError for settings that would cover no video."""
        if self.length < 1 or self.stride < 1:
            raise ValueError(
                f"Context windows of length {self.length} and stride {self.stride} hold no frames; "
                "both must be at least 1."
            )
        if not 0 <= self.overlap < self.length:
            raise ValueError(
                f"The overlap of {self.overlap} frames leaves windows of {self.length} no step "
                "forward; it must be at least 0 and below the length. Set it to "
                f"{max(0, self.length // 4)}."
            )
        if self.schedule not in [*SCHEDULES]:
            raise ValueError(
                f"{self.schedule!r} is no schedule; choose one of {', '.join(SCHEDULES)}."
            )
        if self.closed_loop and not SCHEDULES[self.schedule].loops:
            loops = ", ".join(name for name, one in SCHEDULES.items() if one.loops)
            raise ValueError(
                f"closed_loop is on, but the schedule {self.schedule} never wraps round the end; "
                f"choose one of {loops}, or switch closed_loop off."
            )

    @property
    def inside_motion(self) -> bool:
        """Whether the windows slide inside the motion layers alone, over a call with all frames."""
        return SCHEDULES[self.schedule].inside_motion

    @property
    def wraps(self) -> bool:
        """Whether windows go from the last frame on to the first."""
        return self.schedule == LOOPED_UNIFORM or self.closed_loop

    def applies_to(self, frames: int) -> bool:
        """Whether a video of this many frames needs windows: one that fits into a single window
        does not, unless it is to close into a loop or windows are asked for."""
        equal = self.closed_loop or self.on_equal_length
        return frames > self.length or (equal and frames == self.length and frames > 1)


def windows_of(frames: int, settings: WindowSettings, step: int = 0) -> Windows:
    """The windows of a sampling step: every frame 0..N-1 in at least one, none twice in the
    same."""
    if not settings.applies_to(frames):
        return [list(range(frames))]
    return SCHEDULES[settings.schedule].windows(frames, settings, step)


def moves(frames: int, settings: WindowSettings) -> bool:
    """Whether a later step has other windows than the first."""
    first = {*map(tuple, windows_of(frames, settings))}
    return any({*map(tuple, windows_of(frames, settings, step))} != first for step in (1, 2, 3))


def ordered_halving(k: int) -> float:
    """The van der Corput sequence in base 2: 0, 1/2, 1/4, 3/4, 1/8... Spreads the windows'
    starts over the steps, so that no frame stays at a seam."""
    return int(f"{k:064b}"[::-1], 2) / 2**64


def static_standard(frames: int, settings: WindowSettings, step: int = 0) -> Windows:
    """The same windows at every step, L - O apart; the last is pulled back to end with the
    video."""
    starts = list(range(0, frames - settings.length, settings.length - settings.overlap))
    return [run(start, settings.length) for start in (*starts, frames - settings.length)]


def batched(frames: int, settings: WindowSettings, step: int = 0) -> Windows:
    """Windows side by side without overlap; the last may be shorter."""
    return [
        list(range(start, min(start + settings.length, frames)))
        for start in range(0, frames, settings.length)
    ]


def gaps(frames: int, settings: WindowSettings) -> list[int]:
    """The distances 1, 2, 4... between neighbours in a window, one for each level up to the stride.

    A level is left out where its windows would be longer than the video, and so meet themselves.
    """
    levels = min(settings.stride, math.ceil(math.log2(frames / settings.length)) + 1)
    doubled = [2**level for level in range(levels)]
    return [gap for gap in doubled if gap == 1 or (settings.length - 1) * gap < frames]


def uniform(frames: int, settings: WindowSettings, step: int, gap: int) -> Windows:
    """The windows of one level: starts L*gap - O apart from an offset that changes with the
    step, indices modulo N."""
    offset = round(frames * ordered_halving(step))
    first = offset + int(ordered_halving(step) * gap)
    end = frames + offset - (0 if settings.closed_loop else settings.overlap)
    forward = settings.length * gap - settings.overlap
    return [
        [(start + i * gap) % frames for i in range(settings.length)]
        for start in range(first, end, forward)
    ]


def uniform_looped(frames: int, settings: WindowSettings, step: int = 0) -> Windows:
    """Windows that move with the step and wrap round the end, so that the last frames see the
    first."""
    return [
        window for gap in gaps(frames, settings) for window in uniform(frames, settings, step, gap)
    ]


def uniform_standard(frames: int, settings: WindowSettings, step: int = 0) -> Windows:
    """Windows that move with the step, and stop at both ends of the video instead of wrapping."""
    return unique(
        [
            window
            for gap in gaps(frames, settings)
            for window in unrolled(uniform(frames, settings, step, gap), frames, gap)
        ]
    )


def unrolled(level: Windows, frames: int, gap: int) -> Windows:
    """A level's windows with each that wraps replaced by the last that fits; where the frames it
    had wrapped to would be lost, a dense window from the first of them follows."""
    windows, i = list(level), 0
    while i < len(windows):
        length = len(windows[i])
        wrap = next((n for n in range(1, length) if windows[i][n] < windows[i][n - 1]), None)
        if wrap is not None:
            first = windows[i][wrap]
            windows[i] = run(frames - 1 - (length - 1) * gap, length, gap)
            if first not in windows[(i + 1) % len(windows)]:
                windows.insert(i + 1, run(first, length))
        i += 1
    return windows


def shifted(frames: int, settings: WindowSettings, step: int = 0) -> Windows:
    """The static windows, moved by another part of their distance S = L - O at each step, so that
    what one step leaves at a seam lies inside a window in the next (SpotDiffusion, Frolov et al.
    2024, with the van der Corput sequence for its random shifts); any O will do, 0 too.

    Windows stop at both ends of the video, and those that add no frame there are left out; in a
    closed loop they go on round them, ceil(N / S) at every step.
    """
    forward, offset = shift_of(settings, step)
    if settings.closed_loop:
        starts = range(-offset, frames - offset, forward)
        return [[(start + i) % frames for i in range(settings.length)] for start in starts]
    last = frames - settings.length
    starts = range(-offset, last + forward, forward)
    return unique([run(min(max(start, 0), last), settings.length) for start in starts])


def shift_of(settings: WindowSettings, step: int) -> tuple[int, int]:
    """How far apart shifted windows begin, and how far they lie before the static ones."""
    forward = settings.length - settings.overlap
    return forward, round(forward * ordered_halving(step)) % forward


def unstopped(window: list[int], frames: int, settings: WindowSettings, step: int = 0) -> Windows:
    """Where a window would lie that the schedule stopped at an end of the video, frames before 0
    and after N - 1 among them; more than one where several were stopped there. Any other is
    itself."""
    stops = SCHEDULES[settings.schedule].stops and settings.applies_to(frames)
    if settings.closed_loop or not stops:
        return [window]
    forward, offset = shift_of(settings, step)
    last, start = frames - settings.length, window[0]
    lattice = range(-offset - settings.length // forward * forward, frames, forward)
    return [run(at, settings.length) for at in lattice if min(max(at, 0), last) == start]


def run(start: int, length: int, gap: int = 1) -> list[int]:
    return list(range(start, start + length * gap, gap))


def unique(found: Windows) -> Windows:
    """Every window once, in order."""
    return [list(window) for window in dict.fromkeys(map(tuple, found))]


@dataclass(frozen=True)
class Schedule:
    """windows: (frames, settings, step) -> the windows of a step; inside_motion: see
    WindowSettings; loops: whether it can go round the end, for a closed loop; stops: whether
    windows that would begin before the video or end after it are stopped there."""

    windows: Callable[[int, WindowSettings, int], Windows]
    inside_motion: bool = False
    loops: bool = False
    stops: bool = False


LOOPED_UNIFORM = "looped_uniform"
VIEWS = "views"
SHIFTED, SHIFTED_VIEWS = "shifted", "views_shifted"

SCHEDULES = {
    # names as widgets have them
    "standard_static": Schedule(static_standard),
    "standard_uniform": Schedule(uniform_standard),
    LOOPED_UNIFORM: Schedule(uniform_looped, loops=True),
    "batched": Schedule(batched),
    VIEWS: Schedule(static_standard, inside_motion=True),
    SHIFTED: Schedule(shifted, loops=True, stops=True),
    SHIFTED_VIEWS: Schedule(shifted, inside_motion=True, loops=True, stops=True),
}
