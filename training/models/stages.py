"""The stages: what is trained, in what, and under which noise schedule. PIA's is in pia_stage.py.

    domain adapter   LoRA in self- and cross-attention of the image model; no motion model; the
                     image model's own schedule; one random frame of each clip   (section 4.1)
    motion module    every weight of the motion model; its family's schedule     (section 4.2)
    MotionLoRA       LoRA in the motion model's attentions; its schedule         (section 4.3)

Sections of Guo et al. 2024. An adapter that the user has put on the image model is merged and
frozen under stages 2 and 3, as in the paper. Nodes run in inference mode, and what is made in it
can never be trained; so the stages step out of it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...motion_models.adapters.image_models import check_needs_no_image
from ...motion_models.fit import base_of, check_fits, unet_layout
from ...motion_models.model import motion_model
from ...motion_models.sites import unet_sites
from ...motion_models.specs import FAMILIES, Family, MotionSpec
from ..files.fingerprints import digest_of, tensors_digest, weights_digest
from .axes import Amounts, Axes
from .denoiser import Denoiser
from .lora_shape import LoraShape
from .lora_sites import new_pairs, spatial_loras, temporal_loras
from .lora_start import start_from
from .noise_schedule import signal_of_family, signal_of_model
from .private_copy import check_trainable, private_motion_model, private_unet, weights_to

log = logging.getLogger(__name__)

PLAIN = LoraShape()

DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA = "domain_adapter", "motion_module", "motion_lora"
PIA = "pia"

WHOLE = (MOTION_MODULE, PIA)
"""Stages that train every weight of a motion model."""


@dataclass(frozen=True)
class Trainee:
    """Everything that a stage trains.

    parameters: the trained ones, in float32, under the names of the file that they will become.
    signal: a_1..a_T of the noise schedule.
    single_frames: whether a clip gives one random frame instead of all.
    rank: of the LoRA; 0 where a motion model is trained whole.
    models: fingerprint of the models that training starts from, with the LoRAs on them.
    start: fingerprint of the MotionLoRA that is trained on, if any.
    spec: the motion model's; None for the domain adapter.
    amounts: where axes are trained, what gives the layers the amounts of a batch (axes.py).
    scale: of the LoRA's change, which the file has in its `up`.
    """

    stage: str
    denoiser: Denoiser
    parameters: dict[str, nn.Parameter]
    signal: Tensor
    single_frames: bool = False
    rank: int = 0
    spec: MotionSpec | None = None
    models: str = ""
    start: str = ""
    amounts: Amounts | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class DeviceAndDtype:
    """The device that is trained on, and the dtype of the frozen weights."""

    device: torch.device
    dtype: torch.dtype


@torch.inference_mode(False)
def domain_adapter(
    model: ModelPatcher, rank: int, seed: int, target: DeviceAndDtype, shape: LoraShape = PLAIN
) -> Trainee:
    """Stage 1. Raises ValueError for a model that cannot be trained, and for an impossible rank or
    shape."""
    pairs = new_pairs(rank, seed, shape)
    unet = private_unet(model, target.device, target.dtype)
    parameters = spatial_loras(Denoiser(unet, None), pairs, shape)
    signal = signal_of_model(model)
    return Trainee(
        DOMAIN_ADAPTER,
        Denoiser(unet, None),
        parameters,
        signal,
        True,
        rank,
        None,
        models_digest(model),
        scale=pairs.scale,
    )


@torch.inference_mode(False)
def motion_module(
    model: ModelPatcher, motion: ModelPatcher | None, family: str, seed: int, target: DeviceAndDtype
) -> Trainee:
    """Stage 2: from `motion`, or from a new motion model of `family` where it is None."""
    check_trainable(model)
    if motion is None:
        spec = new_spec(model, family)
    else:
        check_needs_no_image(motion)
        spec = motion_model(motion).spec
        check_fits(spec, model)
        tell_few_steps(spec)
    unet = private_unet(model, target.device, target.dtype)
    trained = private_motion_model(motion, spec, target.device, seed).requires_grad_(True)
    parameters = dict(trained.named_parameters())
    signal = signal_of_family(spec.family, model)
    return Trainee(
        MOTION_MODULE,
        Denoiser(unet, trained),
        parameters,
        signal,
        spec=spec,
        models=models_digest(model, motion),
    )


FEW_STEPS = ("AnimateLCM", "Lightning")
"""Motion models that were distilled to be sampled in one to eight steps. Lightning's files look
like v2's, so their names count too."""


def tell_few_steps(spec: MotionSpec) -> None:
    """Warn that the training undoes a distillation."""
    family = spec.family.name
    few = [kind for kind in FEW_STEPS if kind == family or kind.lower() in spec.name.lower()]
    if few:
        log.warning(
            "AnimateDiff Kit: %s was distilled to be sampled in few steps (%s). Training it with "
            "AnimateDiff's loss undoes that: the result needs as many steps and as much guidance "
            "as other motion models do. Fine-tune one of those.",
            spec.name,
            few[0],
        )


def new_spec(model: ModelPatcher, family: str) -> MotionSpec:
    """The spec of a new motion model that fits the image model."""
    if family not in FAMILIES:
        raise ValueError(
            f"{family!r} is no family of motion models; choose one of {', '.join(FAMILIES)}."
        )
    known = FAMILIES[family]
    check_family(known, base_of(model.model))
    return spec_of_new(model, known)


def spec_of_new(model: ModelPatcher, known: Family) -> MotionSpec:
    """Of a new motion model of this family. Raises ValueError where it would not fit."""
    sites = unet_sites(model.model.diffusion_model)  # pyright: ignore[reportArgumentType]
    fitting = unet_layout({name: site.channels for name, site in sites.items()})
    layout = replace(fitting, mid_block=known.mid_block)
    spec = MotionSpec(f"a new {known.name} motion model", known, layout, known.positions)
    check_fits(spec, model)
    return spec


def check_family(family: Family, base: str) -> None:
    """Raise ValueError for a family whose files such a checkpoint could not use."""
    fitting = [known.name for known in FAMILIES.values() if known.base == base]
    if fitting and family.name not in fitting:
        raise ValueError(
            f"A new {family.name} motion model cannot be made for this checkpoint: the family "
            f"{family.name} is for {family.base}, and the checkpoint is {base}. Choose a family "
            f"for {base}: {', '.join(fitting)}."
        )


@torch.inference_mode(False)
def motion_lora(
    model: ModelPatcher,
    motion: ModelPatcher,
    rank: int,
    seed: int,
    target: DeviceAndDtype,
    start: Mapping[str, Tensor] | None = None,
    axes: Axes | None = None,
    shape: LoraShape = PLAIN,
) -> Trainee:
    """Stage 3. MotionLoRAs that are on `motion` already are merged and frozen.

    start: the tensors of a MotionLoRA file that is trained on; without, a new one is trained.
    axes: each a MotionLoRA of `rank`, trained together with signed amounts.
    Raises ValueError for a file that does not fit.
    """
    amounts = None if axes is None else Amounts(axes, rank)
    pairs = new_pairs(rank, seed, shape, amounts)
    check_trainable(model)
    check_needs_no_image(motion)
    spec = motion_model(motion).spec
    check_fits(spec, model)
    unet = private_unet(model, target.device, target.dtype)
    frozen = private_motion_model(motion, spec, target.device)
    frozen.requires_grad_(False)
    weights_to(frozen, target.dtype)
    parameters = temporal_loras(frozen, pairs, shape)
    if start is not None:
        start_from(parameters, start, spec, pairs.scale)
    signal = signal_of_family(spec.family, model)
    return Trainee(
        MOTION_LORA,
        Denoiser(unet, frozen),
        parameters,
        signal,
        rank=rank,
        spec=spec,
        models=models_digest(model, motion),
        start="" if start is None else tensors_digest(start),
        amounts=amounts,
        scale=pairs.scale,
    )


def models_digest(*models: ModelPatcher | None) -> str:
    """A fingerprint of models and the patches on them, by which a resumed run knows its own."""
    return digest_of([None if model is None else weights_digest(model) for model in models])
