"""The three stages: what is trained, in what, and under which noise schedule.

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
from comfy.ldm.modules.attention import SpatialTransformer
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...motion_models.adapters.image_models import check_needs_no_image
from ...motion_models.fit import base_of, check_fits, unet_layout
from ...motion_models.model import MotionModel, motion_model
from ...motion_models.sites import unet_sites
from ...motion_models.specs import FAMILIES, Family, MotionSpec
from ..files.fingerprints import digest_of, tensors_digest, weights_digest
from .axes import Amounts, Axes
from .denoiser import Denoiser
from .lora_start import start_from
from .low_rank import attach
from .noise_schedule import signal_of_family, signal_of_model
from .private_copy import check_trainable, private_motion_model, private_unet, weights_to

log = logging.getLogger(__name__)

DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA = "domain_adapter", "motion_module", "motion_lora"


@dataclass(frozen=True)
class Trainee:
    """Everything that a stage trains.

    parameters: the trained ones, in float32, under the names of the file that they will become.
    signal: a_1..a_T of the noise schedule.
    single_frames: whether a clip gives one random frame instead of all.
    rank: of the LoRA; 0 for the motion module itself.
    models: fingerprint of the models that training starts from, with the LoRAs on them.
    start: fingerprint of the MotionLoRA that is trained on, if any.
    spec: the motion model's; None for the domain adapter.
    amounts: where axes are trained, what gives the layers the amounts of a batch (axes.py).
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


@dataclass(frozen=True)
class DeviceAndDtype:
    """The device that is trained on, and the dtype of the frozen weights."""

    device: torch.device
    dtype: torch.dtype


@torch.inference_mode(False)
def domain_adapter(model: ModelPatcher, rank: int, seed: int, target: DeviceAndDtype) -> Trainee:
    """Stage 1. Raises ValueError for a model that cannot be trained, and for an impossible rank."""
    check_rank(rank)
    unet = private_unet(model, target.device, target.dtype)
    parameters: dict[str, nn.Parameter] = {}
    generator = torch.Generator().manual_seed(seed)
    for name, block in spatial_blocks(Denoiser(unet, None)).items():
        for attention in ("attn1", "attn2"):
            layer = block.get_submodule(attention)
            parameters.update(attach(layer, f"{name}.{attention}", rank, generator))
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
    )


def spatial_blocks(denoiser: Denoiser) -> dict[str, nn.Module]:
    """The transformer blocks of the image model under diffusers' names, which adapter files use."""
    blocks: dict[str, nn.Module] = {}
    for site, place in unet_sites(denoiser.unet).items():
        anchor = place.sequence.get_submodule(place.anchor)
        if isinstance(anchor, SpatialTransformer):
            name = site.replace("motion_modules", "attentions")
            for i, block in enumerate(anchor.transformer_blocks):
                blocks[f"{name}.transformer_blocks.{i}"] = block
    return blocks


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
    sites = unet_sites(model.model.diffusion_model)  # pyright: ignore[reportArgumentType]
    fitting = unet_layout({name: site.channels for name, site in sites.items()})
    layout = replace(fitting, mid_block=known.mid_block)
    spec = MotionSpec(f"a new {family} motion model", known, layout, known.positions)
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
) -> Trainee:
    """Stage 3. MotionLoRAs that are on `motion` already are merged and frozen.

    start: the tensors of a MotionLoRA file that is trained on; without, a new one is trained.
    axes: each a MotionLoRA of `rank`, trained together with signed amounts.
    Raises ValueError for a file that does not fit.
    """
    check_rank(rank)
    check_trainable(model)
    check_needs_no_image(motion)
    spec = motion_model(motion).spec
    check_fits(spec, model)
    unet = private_unet(model, target.device, target.dtype)
    frozen = private_motion_model(motion, spec, target.device)
    frozen.requires_grad_(False)
    weights_to(frozen, target.dtype)
    amounts = None if axes is None else Amounts(axes, rank)
    parameters = temporal_loras(frozen, rank, torch.Generator().manual_seed(seed), amounts)
    if start is not None:
        start_from(parameters, start, spec)
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
    )


def temporal_loras(
    motion: MotionModel, rank: int, generator: torch.Generator, amounts: Amounts | None = None
) -> dict[str, nn.Parameter]:
    parameters: dict[str, nn.Parameter] = {}
    for module in motion.spec.layout.modules():
        blocks = motion.module(module).temporal_transformer.transformer_blocks
        for i, block in enumerate(blocks):
            for j in (0, 1):
                name = f"{module}.temporal_transformer.transformer_blocks.{i}.attention_blocks.{j}"
                attention = block.get_submodule(f"attention_blocks.{j}")
                parameters.update(attach(attention, name, rank, generator, amounts=amounts))
    return parameters


def models_digest(*models: ModelPatcher | None) -> str:
    """A fingerprint of models and the patches on them, by which a resumed run knows its own."""
    return digest_of([None if model is None else weights_digest(model) for model in models])


def check_rank(rank: int) -> None:
    if not 1 <= rank <= 1024:
        raise ValueError(f"The rank is {rank}; it must be from 1 to 1024. Files have 4 to 128.")
