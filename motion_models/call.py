"""One sampling run, and one call of the UNet in it.

ComfyUI's sampler hands the UNet a batch of latents and does not say which of them are the frames of
one video: conds stand side by side in it, windows cut it, and wrappers of other packs regroup it.
So nobody here reads the number of frames off a batch. A `Run` is made where sampling starts, from
the latents that the sampler is given; a window narrows it; each call of the UNet makes a `Call` of
it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from comfy.ldm.modules.attention import attention_pytorch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor, nn

from .compat import window_indices
from .strength import Strength
from .views.frame_parts import FrameParts
from .views.windows import Views

OPTION = "animatediff_kit"
"""The key of transformer_options under which a run is published while it lasts."""

WRAPPER = "animatediff_kit_run"

T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """A sampling run over one video.

    frames: of the whole video; sigmas: noise levels of the steps, the last is where sampling ends;
    indices: the frames that a window shows, None for all; beside: how many windows of one length
    these are, side by side in a call; views: the windows inside the motion layers, where the run
    has such; inner: those inside the motion layers of one window; sampling: the model's
    `model_sampling`, as the last node has left it, which says where a part of sampling begins.
    """

    frames: int
    sigmas: Tensor | None = None
    indices: tuple[int, ...] | None = None
    beside: int = 1
    views: Views | None = None
    inner: Views | None = None
    sampling: Any = field(default=None, compare=False, repr=False)
    kept: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def within(self, indices: Sequence[int], beside: int = 1) -> Run:
        """The same run as one of its windows shows it, or `beside` windows, one behind the
        other."""
        return replace(self, indices=tuple(indices), beside=beside)

    def in_views(self, views: Views) -> Run:
        """The same run for a call with all frames, whose motion layers slide the windows."""
        return replace(self, views=views)

    def with_inner(self, views: Views | None) -> Run:
        """The same run in a window whose motion layers slide windows of their own."""
        return replace(self, inner=views)

    def keep(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once a run. It is let go with the run, and its windows share
        it."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]


@dataclass(frozen=True, eq=False)
class Beside:
    """A low-rank change beside a motion model's layers (low_rank.py).

    layers: down, r in, and up, out r, by the layer that they stand beside
    """

    strength: Strength
    layers: Mapping[nn.Module, tuple[Tensor, ...]]

    def of(self, layer: nn.Module, x: Tensor) -> Tensor:
        """The change of a layer's output, 0 where there is none.   x: ... in -> ... out"""
        if layer not in self.layers:
            return x.new_zeros((*x.shape[:-1], layer.out_features))  # pyright: ignore
        down, up = self.layers[layer]
        return nn.functional.linear(nn.functional.linear(x, down), up)


@dataclass(frozen=True)
class Call:
    """One call of the UNet, as the layers of one motion model see it.

    videos: whole videos in the batch, one for each cond (and for each window of the call, and each
    tile that another pack puts beside it); frames: of each; run: the sampling run that the call
    belongs to; t: (b f) sigmas; options: transformer_options; strength, motion_scale: how the
    layers act (strength.py);
    norms: a name in NORM_CHOICES (specs.py); parts: how a call of views is cut; positions: the
    tables of positions on the device that computes, by the name of the layer that adds them;
    beside: low-rank changes beside the layers; attention: of queries, keys and values over time,
    torch's own whatever ComfyUI's options choose for the image model's layers, since kernels made
    for long sequences fail or round on so few frames; pixels: those of the map that a motion module
    of views is given at one time.
    """

    videos: int
    frames: int
    run: Run
    t: Tensor | None = None
    options: dict[str, Any] = field(default_factory=dict)
    strength: Strength = 1.0
    motion_scale: Strength = 1.0
    parts: FrameParts | None = None
    norms: str = "automatic"
    positions: Mapping[str, Tensor] = field(default_factory=dict)
    beside: tuple[Beside, ...] = ()
    attention: Callable[..., Tensor] = attention_pytorch
    pixels: slice = field(default_factory=lambda: slice(None))

    @classmethod
    def alone(
        cls, videos: int, frames: int, options: dict[str, Any] | None = None, **more: Any
    ) -> Call:
        """A call outside of any sampling run, as in training."""
        return cls(videos, frames, Run(frames), options=options or {}, **more)

    @property
    def indices(self) -> tuple[int, ...]:
        """The numbers in the video of the frames of this call; of all its windows, where several
        stand side by side."""
        return tuple(range(self.frames)) if self.run.indices is None else self.run.indices

    def by_window(self) -> list[Call]:
        """The call that each window would be by itself: with its frames, once for each cond."""
        several, frames = self.run.beside, self.frames
        if several == 1:
            return [self]
        windows = [self.indices[i * frames : (i + 1) * frames] for i in range(several)]
        videos = self.videos // several
        return [replace(self, videos=videos, run=self.run.within(w)) for w in windows]

    @property
    def at_once(self) -> int:
        """How many frames attention over time sees at once."""
        views = self.run.views or self.run.inner
        return self.frames if views is None else views.length

    @cached_property
    def progress(self) -> float:
        """How much of sampling is done: 0 in the first step, (n - 1) / n in the last of n."""
        if self.t is None:
            return 0.0
        step, steps = step_of(self.run.sigmas, float(self.t.max()))
        return step / steps


def call_of(x: Tensor, t: Tensor | None, options: dict[str, Any], other: str = "") -> Call:
    """The call of the UNet with x: (b f) ... at sigmas t: (b f).

    `other` names what may regroup the batch. Raises ValueError when the batch holds no whole
    videos, since nothing then says which latents are frames of one.
    """
    run = options.get(OPTION)
    shown = window_indices(options, None if run is None else run.frames)
    if run is None:  # not sampling: the batch is as the caller of the model made it
        videos = len(options.get("cond_or_uncond", (0,)))
        frames = x.shape[0] // videos if shown is None else len(shown)
        run = Run(frames, options.get("sample_sigmas"))
    if shown is not None and shown != run.indices:
        run = run.within(shown)
    frames = run.frames if run.indices is None else len(run.indices) // run.beside
    videos, rest = divmod(x.shape[0], frames)
    if rest or not videos:
        raise ValueError(
            f"The UNet was called with {x.shape[0]} latents, which are no whole number of videos "
            f"of {frames} frames, so frames cannot be told from each other. {culprit(other)}"
        )
    return Call(videos, frames, run, t, options)


def culprit(other: str) -> str:
    if other:
        return f"{other} splits the batch of frames; remove it, or the motion model."
    return "Another node splits the batch of frames; remove it, or the motion model."


def step_of(sigmas: Tensor | None, sigma: float) -> tuple[int, int]:
    """Index of the sampling step that an evaluation at `sigma` belongs to, and the number of steps.

    Samplers like heun evaluate between two listed sigmas, so the sigmas still to come are counted
    instead of one being looked up.
    """
    if sigmas is None or len(sigmas) < 2:
        return 0, 1
    reached = (sigmas[:-1] >= sigma * (1 - 1e-4)).sum()
    return max(0, int(reached) - 1), len(sigmas) - 1


def within_percents(
    start: float, end: float, model_sampling: Any, t: Tensor, through_end: bool = False
) -> bool:
    """Whether sigma t lies in the range of sampling that starts and ends there: (end, start], or
    [end, start] with `through_end`."""
    if start <= 0.0 and end >= 1.0:
        return True
    sigma = float(t.max())
    started = sigma <= model_sampling.percent_to_sigma(start)
    if not started or end >= 1.0:
        return started
    last = model_sampling.percent_to_sigma(end)
    return sigma > last or (through_end and sigma == last)


def publish_runs(model: ModelPatcher) -> None:
    """Have each sampling run with `model` publish its Run; once, however often this is called."""
    model.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, WRAPPER)
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, WRAPPER, publish_run)


def publish_run(
    executor: Any, noise: Tensor, latent: Any, sampler: Any, sigmas: Tensor, *args: Any, **more: Any
) -> Any:
    """OUTER_SAMPLE wrapper: the Run stands in the guider's options while it samples.   noise: f c h
    w"""
    options = executor.class_obj.model_options.setdefault("transformer_options", {})
    before = options.get(OPTION)
    sampling = executor.class_obj.model_patcher.get_model_object("model_sampling")
    options[OPTION] = Run(noise.shape[0], sigmas, sampling=sampling)
    try:
        return executor(noise, latent, sampler, sigmas, *args, **more)
    finally:
        del options[OPTION]
        if before is not None:
            options[OPTION] = before
