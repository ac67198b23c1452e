"""The stage that makes a PIA model: a motion model learns to begin from a picture (Zhang et al.
2024, arXiv:2312.13964; train.py of open-mmlab/PIA).

Trained are the motion modules and the five channels of the first convolution that meet mask and
picture, which begin at zero. The authors train the four channels of the noisy latent and the bias
too, but take the checkpoint's own when they sample; so here those stay the checkpoint's, and what
is trained is what samples. ResBlocks have their norms over all frames, as PIA's have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...motion_models.adapters.image_models import PIA as FAMILY
from ...motion_models.adapters.image_models import check_needs_no_image
from ...motion_models.adapters.pia.read import KEY, add_convolution
from ...motion_models.fit import base_of, check_fits
from ...motion_models.model import MotionModel, motion_model
from ...motion_models.modules import PositionalEncoding
from ...motion_models.specs import MotionSpec
from .denoiser import Denoiser
from .ignored_patches import tell_ignored
from .noise_schedule import signal_of_family
from .private_copy import (
    PlainLayers,
    check_trainable,
    merged_weights,
    private_motion_model,
    private_unet,
)
from .stages import PIA, DeviceAndDtype, Trainee, models_digest, spec_of_new, tell_few_steps


@torch.inference_mode(False)
def pia(
    model: ModelPatcher, motion: ModelPatcher | None, seed: int, target: DeviceAndDtype
) -> Trainee:
    """A PIA model from `motion`, a PIA model itself or a plain motion model, whose middle module is
    left out because PIA has none; from zero where it is None.

    Raises ValueError for a model that cannot be trained, and for motion models that do not fit it.
    """
    check_trainable(model)
    spec = spec_for(model, motion)
    unet = private_unet(model, target.device, target.dtype)
    trained = private_pia(motion, spec, target.device, seed).requires_grad_(True)
    return Trainee(
        PIA,
        Denoiser(unet, trained),
        dict(trained.named_parameters()),
        signal_of_family(spec.family, model),
        spec=spec,
        models=models_digest(model, motion),
    )


def spec_for(model: ModelPatcher, motion: ModelPatcher | None) -> MotionSpec:
    """The spec of what is made, which fits the image model."""
    base = base_of(model.model)
    if base != FAMILY.base:
        raise ValueError(
            f"A PIA model is for {FAMILY.base}, and the checkpoint is {base}. Load a checkpoint of "
            f"{FAMILY.base}, or train a motion module."
        )
    if motion is None:
        return spec_of_new(model, FAMILY)
    source = motion_model(motion).spec
    if source.family != FAMILY:
        check_needs_no_image(motion)
        tell_few_steps(source)
    check_fits(source, model)
    layout = replace(source.layout, mid_block=False)
    return MotionSpec(source.name, FAMILY, layout, source.positions)


def private_pia(
    source: ModelPatcher | None, spec: MotionSpec, device: torch.device, seed: int
) -> MotionModel:
    """A PIA model in float32 of plain layers: the weights of `source`, or new ones."""
    motion = private_motion_model(None, spec, device, seed)
    with torch.random.fork_rng(devices=[]):  # what the layer begins with is drawn, and overwritten
        add_convolution(motion, PlainLayers, torch.float32, device)
    motion.get_parameter(KEY).data.zero_()
    if source is None:
        return motion
    tell_ignored(source)
    own = motion.state_dict()
    weights = {key: t for key, t in merged_weights(source, device).items() if key in own}
    motion.load_state_dict({**own, **weights}, strict=True)
    copy_tables_of(motion_model(source), motion)
    return motion


def copy_tables_of(source: MotionModel, target: MotionModel) -> None:
    """Position tables of the modules that both have."""
    theirs = source.encoders()
    for name, encoder in target.named_modules():
        if isinstance(encoder, PositionalEncoding):
            encoder.pe = theirs[name].pe.to(encoder.pe, copy=True).clone()


def whole_convolution(denoiser: Denoiser, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The first convolution of 9 channels, as PIA files hold it: the checkpoint's four channels and
    its bias, and the trained five of `tensors`, on the CPU.
    -> conv_in.weight: width 9 3 3;   conv_in.bias: width"""
    weights = denoiser.unet.input_blocks[0].state_dict()
    first = {key.rpartition(".")[2]: t.detach().float().cpu() for key, t in weights.items()}
    whole = torch.cat((first["weight"], tensors[KEY]), dim=1)
    return {KEY: whole, "conv_in.bias": first["bias"].clone()}
