"""The small world's models: Stable Diffusion 1.5 in every part but size.

UNet and text encoder are ComfyUI's own classes with SD1.5's block structure, so prompts, samplers,
motion modules and LoRAs go the way they go in a large model. ComfyUI's list of models is left
alone: what it would read off a checkpoint is said here.

    UNet       4 levels of 64, 128, 64, 64 channels, 8 heads; latents of 8 x 8 for 64 x 64 pixels
    text       SD1's tokenizer, 2 layers of width 64
    pictures   4 channels, 8 pixels a side to one; the one part of our own (autoencoder.py)
"""

from __future__ import annotations

import functools
from typing import Any

import comfy.latent_formats
import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.sd
import comfy.sd1_clip
import comfy.supported_models
import comfy.supported_models_base
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from .autoencoder import CHANNELS, PATCH, PatchAutoencoder
from .unet_config import unet_config

CONTEXT = 64

UNET = unet_config(64, CONTEXT, image_size=8, channel_mult=(1, 2, 1, 1))

TEXT: dict[str, Any] = dict(
    hidden_size=CONTEXT,
    intermediate_size=4 * CONTEXT,
    num_attention_heads=4,
    num_hidden_layers=2,
    hidden_act="quick_gelu",
    max_position_embeddings=77,
    eos_token_id=49407,
    vocab_size=49408,
)

UNET_PREFIX, TEXT_PREFIX, PICTURE_PREFIX = (
    "model.diffusion_model.",
    "cond_stage_model.transformer.",
    "first_stage_model.",
)
TOKENS = TEXT_PREFIX + "text_model.embeddings.token_embedding.weight"
TOKEN_IDS = "small_world.token_ids"
"""Rows of the token embedding that the file holds; every other word means nothing, zero."""
PREVIEW = "small_world.latent_rgb_factors"
"""Latent channels -> colours, 5 3 (the last row is added): what previews show."""


class SmallWorld(comfy.supported_models.SD15):
    unet_config = {"context_dim": CONTEXT, "model_channels": UNET["model_channels"]}


class Tokenizer(comfy.sd1_clip.SD1Tokenizer):
    """SD1's, for embeddings of this width."""

    def __init__(self, embedding_directory: Any = None, tokenizer_data: Any = None) -> None:
        narrow = functools.partial(comfy.sd1_clip.SDTokenizer, embedding_size=CONTEXT)
        super().__init__(embedding_directory, tokenizer_data or {}, tokenizer=narrow)  # pyright: ignore


class TextModel(comfy.sd1_clip.SDClipModel):
    def __init__(self, device: Any = "cpu", dtype: Any = None, model_options: Any = None) -> None:
        super().__init__(
            device=device,
            dtype=dtype,
            textmodel_json_config=dict(TEXT),  # pyright: ignore
            return_projected_pooled=False,
            model_options=model_options or {},
        )


class TextEncoder(comfy.sd1_clip.SD1ClipModel):
    def __init__(self, device: Any = "cpu", dtype: Any = None, model_options: Any = None) -> None:
        super().__init__(device, dtype, model_options or {}, clip_model=TextModel)  # pyright: ignore


def part(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): w for k, w in weights.items() if k.startswith(prefix)}


def image_model(weights: dict[str, Tensor]) -> ModelPatcher:
    """The MODEL of a checkpoint in SD1.5's names."""
    config = SmallWorld(dict(UNET))
    unet = part(weights, UNET_PREFIX)
    memory = comfy.model_management
    dtype = memory.unet_dtype(model_params=sum(w.numel() for w in unet.values()))
    device = memory.get_torch_device()
    config.set_inference_dtype(dtype, memory.unet_manual_cast(dtype, device))
    if PREVIEW in weights:
        *factors, bias = weights[PREVIEW].tolist()
        config.latent_format.latent_rgb_factors = factors  # pyright: ignore
        config.latent_format.latent_rgb_factors_bias = bias  # pyright: ignore
        config.latent_format.taesd_decoder_name = None  # pyright: ignore
    model = config.get_model({}, "", device=memory.unet_offload_device())
    model.diffusion_model.load_state_dict({k: w.to(dtype) for k, w in unet.items()}, strict=True)
    patcher = getattr(comfy.model_patcher, "CoreModelPatcher", ModelPatcher)
    return patcher(model, load_device=device, offload_device=memory.unet_offload_device())


def text_encoder(weights: dict[str, Tensor]) -> comfy.sd.CLIP:
    """The CLIP of a checkpoint; the rows of its token embedding go to their places."""
    tensors = part(weights, TEXT_PREFIX)
    rows = weights[TOKENS].float()
    table = torch.zeros(TEXT["vocab_size"], CONTEXT)
    table[weights[TOKEN_IDS].long()] = rows
    tensors[TOKENS.removeprefix(TEXT_PREFIX)] = table
    target = comfy.supported_models_base.ClipTarget(Tokenizer, TextEncoder)
    clip = comfy.sd.CLIP(target, parameters=sum(w.numel() for w in tensors.values()))
    clip.load_sd(tensors)
    return clip


def autoencoder(weights: dict[str, Tensor]) -> comfy.sd.VAE:
    """The VAE of a checkpoint. ComfyUI's class makes only models that it knows: it is opened with
    the smallest of them, which leaves pixels as they are, and given ours."""
    vae = comfy.sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)})
    model = PatchAutoencoder(comfy.ops.disable_weight_init)
    model.load_state_dict(part(weights, PICTURE_PREFIX), strict=True)
    model = model.eval().requires_grad_(False).to(vae.vae_dtype)
    vae.first_stage_model = model  # pyright: ignore
    vae.patcher = type(vae.patcher)(
        model,  # pyright: ignore
        load_device=vae.patcher.load_device,
        offload_device=vae.patcher.offload_device,
    )
    vae.latent_channels, vae.downscale_ratio, vae.upscale_ratio = CHANNELS, PATCH, PATCH
    vae.size = None  # counted anew when it is asked for
    return vae
