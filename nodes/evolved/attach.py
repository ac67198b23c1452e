"""What the old loaders do: motion models, windows, noise schedule and sample settings onto a
model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...motion_models.adjust import load_adjusted
from ...motion_models.folders import MOTION_LORAS, MOTION_MODELS, find_file
from ...motion_models.inject import apply_motion_model
from ...motion_models.last_loaded import load_or_reuse
from ...motion_models.layers import MotionSettings
from ...motion_models.lora import apply_motion_lora
from ...motion_models.model import motion_model
from ...motion_models.specs import EVERYWHERE
from ...sampling.apply_windows import apply_window_phases
from ...sampling.betas import set_beta_schedule
from ...sampling.entries import count_entries
from ...sampling.unload import without_animation
from ...sampling.window_phases import Phases
from ..weights_files import read_lora
from .adjustments import Settings
from .inputs import AUTOSELECT, BETAS
from .keyframes import Keyframe, keyframed
from .multivals import Multival, product
from .sampling_settings import SampleSettings
from .told import tell

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

Loras = tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Loaded:
    """MOTION_MODEL_ADE: a motion model, and the motion scale of its settings."""

    motion: ModelPatcher
    scale: Multival | None = None


@dataclass(frozen=True, eq=False)
class Applied:
    """One of M_MODELS: a motion model and how it acts."""

    motion: ModelPatcher
    scale: Multival | None = None
    effect: Multival | None = None
    keyframes: tuple[Keyframe, ...] = ()
    start: float = 0.0
    end: float = 1.0


def load(model_name: str, settings: Settings | None = None) -> Loaded:
    path = find_file(model_name, MOTION_MODELS)
    settings = settings if settings is not None else Settings()
    if settings.adjustment:
        return Loaded(load_adjusted(path, settings.adjustment), settings.scale)
    return Loaded(load_or_reuse(path), settings.scale)


def with_loras(motion: ModelPatcher, loras: Loras | None) -> ModelPatcher:
    for name, strength in loras or ():
        motion = apply_motion_lora(motion, read_lora(name, MOTION_LORAS), strength, name)
    return motion


def attach(
    model: ModelPatcher,
    applied: Sequence[Applied],
    beta_schedule: str,
    windows: Phases | None = None,
    settings: SampleSettings | None = None,
    norms: str = "automatic",
) -> ModelPatcher:
    """A clone of `model` with all of it; what an earlier loader has put on it is taken off, as
    there. `applied` has the last one first."""
    settings = settings if settings is not None else SampleSettings()
    model = scheduled(without_animation(model), beta_schedule, settings.schedule, applied)
    for one in reversed(applied):
        model = animated(model, one, norms)
    if applied:
        model = count_entries(model)
    if windows is not None:
        model = apply_window_phases(model, windows)
    return settings.put_on(model)


def animated(model: ModelPatcher, one: Applied, norms: str) -> ModelPatcher:
    if one.start >= one.end:
        tell(f"start_percent {one.start:g} is not below end_percent {one.end:g}: no motion model.")
        return model
    spec = motion_model(one.motion).spec
    if spec.family.resnet_norm == "across_frames":
        tell(
            f"{spec.name} is {spec.family.name}: its norms are computed as its authors do, not as "
            "AnimateDiff-Evolved, so the frames are not the same."
        )
    return apply_motion_model(
        model,
        one.motion,
        MotionSettings(
            keyframed(one.effect, one.keyframes, "effect"),
            keyframed(one.scale, one.keyframes, "scale"),
            one.start,
            one.end,
            NORMS.get(spec.family.name, norms if spec.layout.mid_block else "automatic"),
            through_end=True,
        ),
    )


NORMS = {"SDXL beta": EVERYWHERE}
"""Family -> which norms see all frames there, whatever `apply_v2_models_properly` says."""


def scheduled(
    model: ModelPatcher, beta_schedule: str, instead: str | None, applied: Sequence[Applied]
) -> ModelPatcher:
    """With the noise schedule of an old name; "autoselect" goes by the first motion model, and
    `instead` is that of sample settings."""
    old = instead if instead is not None else beta_schedule
    name = BETAS[old]
    if old == AUTOSELECT and applied:
        family = motion_model(applied[0].motion).spec.family
        name = AUTOMATIC_BETAS.get(family.betas, family.betas)
    if name is None:
        return model
    return set_beta_schedule(with_own_sampling(model), name)


AUTOMATIC_BETAS = {"AnimateLCM": "LCM", "AnimateLCM-I2V": "LCM", "checkpoint": "Stable Diffusion"}
"""A family's schedule -> what the old pack chooses for it, where that is another."""


def with_own_sampling(model: ModelPatcher) -> ModelPatcher:
    """With the checkpoint's own sampling, whatever an earlier node has put in its place (a
    consistency model's, v-prediction, EDM): the old pack makes the schedule anew from the
    checkpoint's kind."""
    model = model.clone()
    model.object_patches.pop("model_sampling", None)
    return model


def norms_of(properly: Any) -> str:
    """`apply_v2_models_properly`: off, every norm sees all frames of a v2 model's video."""
    return "automatic" if properly else EVERYWHERE


def applied_to(
    loaded: Loaded,
    loras: Loras | None = None,
    scale: Multival | None = None,
    effect: Multival | None = None,
    keyframes: tuple[Keyframe, ...] | None = None,
) -> Applied:
    motion = with_loras(loaded.motion, loras)
    scales = [value for value in (scale, loaded.scale) if value is not None]
    return Applied(motion, product(scales) if scales else None, effect, keyframes or ())


def in_part(applied: Applied, start: float, end: float) -> Applied:
    return replace(applied, start=start, end=end)
