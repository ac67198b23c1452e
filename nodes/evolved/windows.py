"""Context options: windows as AnimateDiff-Evolved's nodes describe them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...sampling.window_phases import Phases, WindowPhase, in_order
from ...sampling.windows import LOOPED_UNIFORM, WindowSettings
from .inputs import choice, percent, sockets, switch, whole
from .old_node import OldNode
from .told import tell

PYRAMID, FLAT = "pyramid", "flat"

FUSES: dict[str, str | None] = {
    # the old name -> ours; None is not computed here
    PYRAMID: PYRAMID,
    FLAT: FLAT,
    "overlap-linear": "overlap-ramp",
    "🔬delayed reverse sawtooth": "delayed-reverse-sawtooth",
    "🔬pyramid-sigma": None,
    "🔬pyramid-sigma inverse": None,
    "🔬gauss-sigma": None,
    "🔬gauss-sigma inverse": None,
    "🔬random": None,
}
STATIC = {PYRAMID: PYRAMID, "relative": "relative", **FUSES}
OTHER_NAMES = {name.removeprefix("🔬"): ours for name, ours in STATIC.items()}
MOST = 128


@dataclass(frozen=True)
class OldWindows(WindowSettings):
    """Windows that a loop as long as one window has only where they are asked for.

    first: of a chain of context options; whether there are windows at all goes by these.
    """

    first: WindowSettings | None = None

    def applies_to(self, frames: int) -> bool:
        if self.first is not None and not self.first.applies_to(frames):
            return False
        return frames > self.length or (self.on_equal_length and frames == self.length > 1)


def fuse(name: str) -> str:
    """Our name; a fuse method that is not computed here is a pyramid, and told of."""
    ours = {**OTHER_NAMES, **STATIC}.get(name)
    if ours is None:
        tell(f"fuse_method {name} is not computed by AnimateDiff Kit; it took pyramid.")
    return ours or PYRAMID


def options(
    settings: WindowSettings,
    start: float,
    steps: int,
    previous: Phases | None,
    views: WindowSettings | None,
) -> tuple[Phases]:
    """Those that came before with one more, by the parts of sampling at which they begin."""
    new = WindowPhase(settings, start, steps, views)
    new.check()
    first, *later = in_order([*(previous or ()), new])
    leading = led_by(first, None)
    return ((leading, *(led_by(phase, leading.windows) for phase in later)),)


def led_by(phase: WindowPhase, first: WindowSettings | None) -> WindowPhase:
    windows: Any = phase.windows
    return replace(phase, windows=replace(windows, first=first))


def looped(
    context_length: int = 16,
    context_stride: int = 1,
    context_overlap: int = 4,
    closed_loop: bool = False,
    fuse_method: str = FLAT,
    use_on_equal_length: bool = False,
    start_percent: float = 0.0,
    guarantee_steps: int = 1,
    prev_context: Any = None,
    view_opts: Any = None,
    **unknown: Any,
) -> tuple[Phases]:
    settings = OldWindows(context_length, context_overlap, context_stride, LOOPED_UNIFORM)
    more = dict(closed_loop=bool(closed_loop), on_equal_length=bool(use_on_equal_length))
    settings = replace(settings, fuse=fuse(fuse_method), **more)
    return options(settings, start_percent, guarantee_steps, prev_context, view_opts)


def standard(schedule: str):
    def run(
        context_length: int = 16,
        context_overlap: int = 4,
        context_stride: int = 1,
        fuse_method: str = PYRAMID,
        use_on_equal_length: bool = False,
        start_percent: float = 0.0,
        guarantee_steps: int = 1,
        prev_context: Any = None,
        view_opts: Any = None,
        **unknown: Any,
    ) -> tuple[Phases]:
        settings = OldWindows(context_length, context_overlap, context_stride or 1, schedule)
        equal = bool(use_on_equal_length)
        settings = replace(settings, fuse=fuse(fuse_method), on_equal_length=equal)
        return options(settings, start_percent, guarantee_steps, prev_context, view_opts)

    return run


def batched(
    context_length: int = 16,
    start_percent: float = 0.0,
    guarantee_steps: int = 1,
    prev_context: Any = None,
    **unknown: Any,
) -> tuple[Phases]:
    settings = OldWindows(context_length, 0, 1, "batched", FLAT)
    return options(settings, start_percent, guarantee_steps, prev_context, None)


def views(view_length: int = 16, view_overlap: int = 4, fuse_method: str = FLAT, **unknown: Any):
    settings = OldWindows(view_length, view_overlap, fuse=fuse(fuse_method))
    settings.check()
    return (settings,)


LENGTH = lambda: whole("context_length", 16, 1, MOST)  # noqa: E731
STRIDE = lambda: whole("context_stride", 1, 1, 32)  # noqa: E731
OVERLAP = lambda: whole("context_overlap", 4, 0, MOST)  # noqa: E731


def last(fuses: dict[str, Any], default: str | None = None) -> list[Any]:
    """The optional inputs that most of these nodes end with."""
    return [
        choice("fuse_method", list(fuses), default, optional=True),
        switch("use_on_equal_length", optional=True),
        *timed(),
        *sockets("VIEW_OPTS view_opts"),
    ]


def timed() -> list[Any]:
    return [
        percent("start_percent", 0.0, optional=True),
        whole("guarantee_steps", 1, optional=True),
        *sockets("CONTEXT_OPTIONS prev_context"),
    ]


CONTEXT = (("CONTEXT_OPTIONS", "CONTEXT_OPTS"),)

NODES = (
    OldNode(
        "ADE_AnimateDiffUniformContextOptions",
        "Context Options◆Looped Uniform 🎭🅐🅓",
        lambda: [
            LENGTH(),
            STRIDE(),
            OVERLAP(),
            choice("context_schedule", ["uniform"]),
            switch("closed_loop"),
            *last(FUSES, FLAT),
        ],
        CONTEXT,
        looped,
    ),
    OldNode(
        "ADE_LoopedUniformContextOptions",
        "Context Options◆Looped Uniform 🎭🅐🅓",
        lambda: [LENGTH(), STRIDE(), OVERLAP(), switch("closed_loop"), *last(FUSES)],
        CONTEXT,
        looped,
    ),
    OldNode(
        "ADE_StandardUniformContextOptions",
        "Context Options◆Standard Uniform 🎭🅐🅓",
        lambda: [LENGTH(), STRIDE(), OVERLAP(), *last(FUSES)],
        CONTEXT,
        standard("standard_uniform"),
    ),
    OldNode(
        "ADE_StandardStaticContextOptions",
        "Context Options◆Standard Static 🎭🅐🅓",
        lambda: [LENGTH(), OVERLAP(), *last(STATIC)],
        CONTEXT,
        standard("standard_static"),
    ),
    OldNode(
        "ADE_BatchedContextOptions",
        "Context Options◆Batched [Non-AD] 🎭🅐🅓",
        lambda: [LENGTH(), *timed()],
        CONTEXT,
        batched,
    ),
    OldNode(
        "ADE_StandardStaticViewOptions",
        "View Options◆Standard Static 🎭🅐🅓",
        lambda: [
            whole("view_length", 16, 1, MOST),
            whole("view_overlap", 4, 0, MOST),
            choice("fuse_method", list(FUSES), optional=True),
        ],
        (("VIEW_OPTS", "VIEW_OPTS"),),
        views,
    ),
)
