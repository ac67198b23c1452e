"""One set of weights in every published spelling, written out anew from the formats themselves.

Nothing here calls the pack's own conversions: the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Pairs = Mapping[str, tuple[Tensor, Tensor]]
"""Layer in the authors' names -> (up: out r, down: r in)."""


def with_tables(weights: Mapping[str, Any], positions: int) -> dict[str, Any]:
    """`weights` and a position table for both attentions of every module, as the authors save."""
    full = dict(weights)
    for key, weight in weights.items():
        if key.endswith(".temporal_transformer.norm.weight"):
            stem = key.removesuffix("norm.weight") + "transformer_blocks.0.attention_blocks."
            for i in (0, 1):
                full[f"{stem}{i}.pos_encoder.pe"] = table(positions, weight)
    return full


def table(positions: int, norm: Any) -> Any:
    """The sinusoidal table as wide as `norm`; of a shape the shape alone."""
    if isinstance(norm, tuple):
        return (1, positions, norm[0])
    c = norm.shape[0]
    t = torch.arange(positions, dtype=torch.float64)[:, None]
    angle = t * 10000.0 ** (-torch.arange(0, c, 2, dtype=torch.float64) / c)
    pairs = torch.stack((angle.sin(), angle.cos()), dim=-1)
    return pairs.reshape(1, positions, c).float()


def diffusers(weights: Mapping[str, Any]) -> dict[str, Any]:
    """diffusers' MotionAdapter: one shared position table a module."""
    return {
        diffusers_name(key): weight
        for key, weight in weights.items()
        if ".attention_blocks.1.pos_encoder" not in key
    }


def diffusers_name(key: str) -> str:
    for old, new in (
        (".temporal_transformer.", "."),
        (".attention_blocks.0.pos_encoder.pe", ".pos_embed.pe"),
        (".attention_blocks.0.", ".attn1."),
        (".attention_blocks.1.", ".attn2."),
        (".norms.0.", ".norm1."),
        (".norms.1.", ".norm2."),
        (".ff_norm.", ".norm3."),
    ):
        key = key.replace(old, new)
    return key


def hotshot(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Hotshot-XL's names."""
    return {
        key.replace(".motion_modules.", ".temporal_attentions.")
        .replace(".temporal_transformer.", ".")
        .replace("pos_encoder.pe", "pos_encoder.positional_encoding"): weight
        for key, weight in weights.items()
    }


def prefixed(weights: Mapping[str, Any], prefix: str = "module.") -> dict[str, Any]:
    return {prefix + key: weight for key, weight in weights.items()}


def unet_dump(weights: Mapping[str, Tensor], channels: int = 4) -> dict[str, Tensor]:
    """A whole UNet around the motion modules, as the authors' training script saves."""
    return {
        "conv_in.weight": torch.ones(32, channels, 3, 3),
        "conv_in.bias": torch.ones(32),
        "time_embedding.linear_1.weight": torch.ones(8, 8),
        "down_blocks.0.resnets.0.norm1.weight": torch.ones(32),
        **weights,
        "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight": torch.ones(32, 32),
        "conv_out.weight": torch.ones(4, 32, 3, 3),
    }


def official_lora(pairs: Pairs) -> dict[str, Tensor]:
    """guoyww's MotionLoRA; of `to_out` the list index is left out."""
    tensors = {}
    for layer, (up, down) in pairs.items():
        parent, leaf = layer.removesuffix(".0").rsplit(".", 1)
        tensors[f"{parent}.processor.{leaf}_lora.down.weight"] = down
        tensors[f"{parent}.processor.{leaf}_lora.up.weight"] = up
    return tensors


def director_lora(pairs: Pairs) -> dict[str, Tensor]:
    """ADMotionDirector: `processor` stands before the last part of the name, whatever it is."""
    tensors = {}
    for layer, (up, down) in pairs.items():
        parent, leaf = layer.rsplit(".", 1)
        tensors[f"{parent}.processor.{leaf}_lora.up.weight"] = up
        tensors[f"{parent}.processor.{leaf}_lora.down.weight"] = down
    return tensors


def diffusers_lora(pairs: Pairs) -> dict[str, Tensor]:
    """The diffusers/animatediff-motion-lora-* repositories."""
    return {f"unet.{diffusers_name(key)}": tensor for key, tensor in official_lora(pairs).items()}


def peft_lora(pairs: Pairs, adapter: str = "", prefix: str = "") -> dict[str, Tensor]:
    """peft on diffusers' names; `adapter` is ".default" in files of peft's own."""
    tensors = {}
    for layer, (up, down) in pairs.items():
        stem = prefix + diffusers_name(layer + ".weight").removesuffix(".weight")
        tensors[f"{stem}.lora_A{adapter}.weight"] = down
        tensors[f"{stem}.lora_B{adapter}.weight"] = up
    return tensors


def kohya_lora(pairs: Pairs, alpha: float, of_diffusers: bool = False) -> dict[str, Tensor]:
    """kohya-ss: flattened names, and up scaled so that alpha / rank * up @ down is the pair's."""
    tensors = {}
    for layer, (up, down) in pairs.items():
        name = layer
        if of_diffusers:
            name = diffusers_name(layer + ".weight").removesuffix(".weight")
        flat = "lora_unet_" + name.replace(".", "_")
        tensors[f"{flat}.alpha"] = torch.tensor(alpha)
        tensors[f"{flat}.lora_down.weight"] = down
        tensors[f"{flat}.lora_up.weight"] = up * (down.shape[0] / alpha)
    return tensors
