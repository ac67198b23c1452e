"""AnimateDiff keyframes: other multivals from a part of sampling on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ...motion_models.call import Call, step_of
from ...motion_models.strength import Strength, Values
from ...sampling.phases import active
from .multivals import Multival, product, strength


@dataclass(frozen=True, eq=False)
class Keyframe:
    """From `start` (0 to 1) on, for at least `steps` sampling steps. What it leaves out is what the
    keyframe before had, or nothing without `inherit`."""

    start: float = 0.0
    scale: Multival | None = None
    effect: Multival | None = None
    inherit: bool = True
    steps: int = 1


def in_order(keyframes: Sequence[Keyframe]) -> tuple[Keyframe, ...]:
    """By their starts, from 0 on, each with what it takes from the one before."""
    found: list[Keyframe] = []
    has_first = any(keyframe.start == 0.0 for keyframe in keyframes)
    for keyframe in (*(() if has_first else (Keyframe(),)), *sorted(keyframes, key=start_of)):
        before = found[-1] if found and keyframe.inherit else Keyframe()
        scale = before.scale if keyframe.scale is None else keyframe.scale
        effect = before.effect if keyframe.effect is None else keyframe.effect
        found.append(Keyframe(keyframe.start, scale, effect, keyframe.inherit, keyframe.steps))
    return tuple(found)


def start_of(keyframe: Keyframe) -> float:
    return keyframe.start


@dataclass(frozen=True, eq=False)
class Keyframed:
    """A strength that changes with the keyframes: one for each of them, and the part of sampling
    (0 to 1) at which each begins, in the run's own noise schedule."""

    strengths: tuple[Strength, ...]
    starts: tuple[float, ...]
    least: tuple[int, ...]

    def __call__(self, call: Call, height: int, width: int) -> Values:
        chosen = self.strengths[self.index(call)]
        return chosen(call, height, width) if callable(chosen) else chosen

    def index(self, call: Call) -> int:
        sigmas: Tensor | None = call.run.sigmas
        sampling = call.run.sampling
        if sigmas is None or sampling is None or call.t is None:
            return 0
        starts = call.run.keep(
            ("keyframes", self.starts),
            lambda: [float(sampling.percent_to_sigma(start)) for start in self.starts],
        )
        step, _ = step_of(sigmas, float(call.t.max()))
        return active(starts, self.least, sigmas[: step + 1].tolist())


def keyframed(value: Multival | None, keyframes: Sequence[Keyframe], name: str) -> Strength:
    """The strength of `value` times that of each keyframe; `name` is "scale" or "effect"."""
    if not keyframes:
        return strength(product([value]))
    ordered = in_order(keyframes)
    return Keyframed(
        tuple(strength(product([value, getattr(keyframe, name)])) for keyframe in ordered),
        tuple(keyframe.start for keyframe in ordered),
        tuple(keyframe.steps for keyframe in ordered),
    )
