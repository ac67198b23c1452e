"""Tiny VAEs and text encoders of ComfyUI's real classes, with live random weights."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import comfy.sd
import torch
from adk_tests.support.tiny import randomise
from comfy.ldm.models.autoencoder import AutoencoderKL
from comfy.sd1_clip import SD1ClipModel, SD1Tokenizer
from comfy.sdxl_clip import SDXLClipModel, SDXLTokenizer

WIDTH = 32


def vae(seed: int = 0, channels: int = 4) -> comfy.sd.VAE:
    """A KL autoencoder as SD1.5 and SDXL have, 32 wide."""
    layout: dict[str, Any] = dict(
        double_z=True,
        z_channels=channels,
        resolution=64,
        in_channels=3,
        out_ch=3,
        ch=WIDTH,
        ch_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        attn_resolutions=[],
        dropout=0.0,
    )
    config = {"params": {"ddconfig": layout, "embed_dim": channels}}
    weights = randomise(AutoencoderKL(**config["params"]).state_dict(), seed)
    return comfy.sd.VAE(sd=weights, config=config, dtype=torch.float32)


def text_encoder(base: str = "SD1.5", seed: int = 0) -> comfy.sd.CLIP:
    """CLIP-L, or SDXL's two, of three layers 32 wide; the tokenizer is the real one."""
    layout = dict(
        hidden_size=WIDTH, intermediate_size=64, num_attention_heads=2, num_hidden_layers=3
    )
    options = {
        "dtype": torch.float32,
        "clip_l_model_config": layout,
        "clip_g_model_config": {**layout, "hidden_size": 2 * WIDTH},
    }
    model, tokenizer = (
        (SDXLClipModel, SDXLTokenizer) if base == "SDXL" else (SD1ClipModel, SD1Tokenizer)
    )
    target: Any = SimpleNamespace(params={}, clip=model, tokenizer=tokenizer)
    encoder = comfy.sd.CLIP(target, model_options=options)
    stage = encoder.cond_stage_model
    with torch.no_grad():
        stage.load_state_dict(randomise(stage.state_dict(), seed))
    return encoder
