"""Where the low-rank pairs of a stage stand, and putting them there."""

from __future__ import annotations

import torch
from comfy.ldm.modules.attention import SpatialTransformer
from torch import nn

from ...motion_models.model import MotionModel
from ...motion_models.sites import unet_sites
from .axes import Amounts
from .denoiser import Denoiser
from .lora_shape import LoraShape
from .low_rank import Pairs, attach, attach_to

FEED_FORWARD = ("ff.net.0.proj", "ff.net.2")


def spatial_loras(denoiser: Denoiser, pairs: Pairs, shape: LoraShape) -> dict[str, nn.Parameter]:
    """Pairs in self- and cross-attention of the image model. Raises ValueError for feed-forward
    layers, which files of domain adapters do not hold."""
    if shape.feed_forward:
        raise ValueError(
            "The training setting lora_feed_forward is on, and a domain adapter changes attentions "
            "alone; switch it off."
        )
    parameters: dict[str, nn.Parameter] = {}
    for name, block in shape.chosen(spatial_blocks(denoiser)).items():
        for attention in ("attn1", "attn2"):
            layer = block.get_submodule(attention)
            parameters.update(attach(layer, f"{name}.{attention}", pairs))
    return parameters


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


def temporal_loras(motion: MotionModel, pairs: Pairs, shape: LoraShape) -> dict[str, nn.Parameter]:
    """Pairs in the attentions of the motion model, and in its feed-forwards where asked for, under
    ADMotionDirector's names for those."""
    parameters: dict[str, nn.Parameter] = {}
    modules = {module: motion.module(module) for module in motion.spec.layout.modules()}
    for module, layer in shape.chosen(modules).items():
        for i, block in enumerate(layer.temporal_transformer.transformer_blocks):
            name = f"{module}.temporal_transformer.transformer_blocks.{i}"
            for j in (0, 1):
                attention = block.get_submodule(f"attention_blocks.{j}")
                parameters.update(attach(attention, f"{name}.attention_blocks.{j}", pairs))
            for path in FEED_FORWARD if shape.feed_forward else ():
                parent, _, slot = path.rpartition(".")
                key = f"{name}.{parent}.processor.{slot}_lora"
                parameters.update(attach_to(block.get_submodule(parent), slot, key, pairs))
    return parameters


def new_pairs(rank: int, seed: int, shape: LoraShape, amounts: Amounts | None = None) -> Pairs:
    """Raises ValueError for an impossible rank."""
    check_rank(rank)
    return Pairs(rank, torch.Generator().manual_seed(seed), shape.scale(rank), amounts)


def check_rank(rank: int) -> None:
    if not 1 <= rank <= 1024:
        raise ValueError(f"The rank is {rank}; it must be from 1 to 1024. Files have 4 to 128.")
