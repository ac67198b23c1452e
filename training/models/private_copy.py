"""Copies of the user's models to train on: of plain torch layers, with the weights as the graph
made them.

Nodes run in torch's inference mode, and what they load can never have gradients. So the UNet is
built once more, outside of it, and every weight is computed as ComfyUI would patch it: the LoRAs
and adapters that the user put on the model are merged, and the user's own copy is left alone.
"""

from __future__ import annotations

from typing import Any

import comfy.lora
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_patcher import ModelPatcher
from comfy.model_sampling import V_PREDICTION
from torch import Tensor, nn

from ...motion_models.model import MotionModel, motion_model
from ...motion_models.modules import PositionalEncoding
from ...motion_models.specs import MotionSpec
from .full_precision import FIRST, LAST, keep_ends
from .ignored_patches import tell_ignored

PREFIX = "diffusion_model."


class PlainLayers:
    """torch's own layers under the names that ComfyUI's models build themselves from; they
    autocast and have gradients."""

    Linear = nn.Linear
    Conv2d = nn.Conv2d
    GroupNorm = nn.GroupNorm
    LayerNorm = nn.LayerNorm

    @staticmethod
    def conv_nd(dims: int, *args: Any, **kwargs: Any) -> nn.Module:
        assert dims == 2  # image models; check_trainable refuses others
        return nn.Conv2d(*args, **kwargs)


def check_trainable(model: ModelPatcher) -> None:
    """Raise ValueError unless the model is a UNet of the SD1.5 or SDXL kind that predicts noise."""
    base: Any = model.model
    kind = type(base.model_config).__name__
    if type(base.diffusion_model) is not UNetModel:
        raise ValueError(
            f"A model of kind {kind} cannot be trained with AnimateDiff's method, which needs a "
            "UNet of Stable Diffusion 1.5 or SDXL. Load such a checkpoint."
        )
    if base.diffusion_model.in_channels != 4:
        raise ValueError(
            f"The model of kind {kind} takes {base.diffusion_model.in_channels} channels, as "
            "inpainting models do; training needs one that takes 4. Load the plain checkpoint."
        )
    predicts = prediction_of(model)
    if predicts != "EPS":
        raise ValueError(
            f"The model of kind {kind} predicts {predicts}; AnimateDiff's training "
            "needs one that predicts noise (EPS). Load a Stable Diffusion 1.5 or SDXL checkpoint."
        )


def prediction_of(model: ModelPatcher) -> str:
    """ComfyUI's name of what the model predicts; a node may have told so, where the file does
    not."""
    if isinstance(model.get_model_object("model_sampling"), V_PREDICTION):
        return "V_PREDICTION"
    base: Any = model.model
    return base.model_type.name


def merged_weights(
    patcher: ModelPatcher,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    prefix: str = "",
) -> dict[str, Tensor]:
    """Weights below `prefix` as ComfyUI would patch them in float32, then moved, outside inference
    mode."""
    merged: dict[str, Tensor] = {}
    for key, (original, *patches) in patcher.get_key_patches(prefix or None).items():
        weight, convert = original
        weight = convert(weight.detach(), inplace=False)
        weight = weight.to("cpu", torch.float32, copy=True)
        if patches:
            weight = comfy.lora.calculate_weight(patches, weight, key)
        with torch.inference_mode(False):
            merged[key.removeprefix(prefix)] = weight.clone().to(device, dtype)
    return merged


def private_unet(model: ModelPatcher, device: torch.device, dtype: torch.dtype) -> UNetModel:
    """The model's UNet once more, frozen, in `dtype` on `device`, its two ends in float32; what it
    has not of the user's is told. Raises ValueError as `check_trainable`."""
    check_trainable(model)
    tell_ignored(model)
    weights = merged_weights(model, device, dtype, PREFIX)
    ends = [merged_weights(model, device, prefix=PREFIX + end) for end in (FIRST, LAST)]
    base: Any = model.model
    config = {**base.model_config.unet_config, "dtype": dtype}
    with torch.inference_mode(False):
        # without storage of its own: filling it with noise first would take long, and would draw
        # from the process's random numbers
        unet = UNetModel(**config, device="meta", operations=PlainLayers)  # pyright: ignore
        unet.load_state_dict(weights, strict=True, assign=True)
        if dtype != torch.float32:
            keep_ends(unet, *ends)
        return unet.requires_grad_(False).eval()


def private_motion_model(
    source: ModelPatcher | None, spec: MotionSpec, device: torch.device, seed: int = 0
) -> MotionModel:
    """A motion model in float32 of plain layers: that of `source`, its MotionLoRAs merged, or a
    new one.

    A new one starts as the authors' does: torch's own initialisation, and zero in the last layer
    of each module, so that it is the identity (section 4.2).
    """
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        motion = MotionModel(spec, PlainLayers, torch.float32, "cpu").to(device)
    if source is not None:
        tell_ignored(source)
        motion.load_state_dict(merged_weights(source, device), strict=True)
        copy_tables(motion_model(source), motion)
        return motion
    with torch.no_grad():
        for name in spec.layout.modules():
            for parameter in motion.module(name).temporal_transformer.proj_out.parameters():
                parameter.zero_()
    return motion


def copy_tables(source: MotionModel, target: MotionModel) -> None:
    """Position tables that were trained or altered, which are no weights."""
    for name, encoder in source.named_modules():
        if isinstance(encoder, PositionalEncoding):
            copied = target.get_submodule(name)
            assert isinstance(copied, PositionalEncoding)
            with torch.inference_mode(False):
                copied.pe = encoder.pe.to(copied.pe, copy=True).clone()


def weights_to(module: nn.Module, dtype: torch.dtype) -> None:
    """Change a module's weights to `dtype`. Its buffers stay as they are: they are the position
    tables, which bf16 would round by up to 1 part in 256, where layers take them in float32."""
    for parameter in module.parameters():
        parameter.data = parameter.data.to(dtype)
