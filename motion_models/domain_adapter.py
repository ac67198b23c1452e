"""The domain adapter: the LoRA of AnimateDiff's first training stage, on the image model."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import comfy.lora
import comfy.utils
from comfy.model_patcher import ModelPatcher
from comfy.weight_adapter.lora import LoRAAdapter
from torch import Tensor

from .adapter_over_time import apply_over_time
from .kinds import KIND_PHRASES, SPATIAL_LORA, kind_of
from .layouts import strip_peft
from .lora import check_rank_and_type
from .sound import alpha_of, check_number
from .strength import Strength

log = logging.getLogger(__name__)


def apply_domain_adapter(
    model: ModelPatcher, tensors: Mapping[str, Tensor], scale: Strength, name: str
) -> ModelPatcher:
    """A clone of the image model with the domain adapter on: Q = W z + scale * A B^T z, in self-
    and cross-attention alike (Guo et al. 2024, eq. 4). At scale 0 the clone is the base, bit for
    bit.

    A scale over time is computed beside the weights (adapter_over_time.py), one number is merged.
    Raises ValueError when the file is no LoRA of the image model, or fits no layer of this one.
    """
    check_number("The adapter's scale", scale)
    kind = kind_of(tensors)
    if kind != SPATIAL_LORA:
        raise ValueError(f"{name} is no domain adapter but {KIND_PHRASES[kind]}.")
    stripped = {plain_key(key): tensor for key, tensor in tensors.items()}
    for key, tensor in stripped.items():
        if key.endswith(".alpha"):
            alpha_of("The adapter's", key, tensor)
    key_map = comfy.lora.model_lora_keys_unet(model.model, diffusers_layers(model))
    try:
        patches = comfy.lora.load_lora(stripped, key_map, log_missing=False)
    except KeyError as error:
        raise ValueError(
            f"{name} is incomplete: it holds one half of a pair without the other, "
            f"{error.args[0]}. Download it again."
        ) from error
    check_adapter(patches, model.model.state_dict(), name)
    adapted, matched = model.clone(), list(patches)
    if callable(scale):
        matched = [key for key in patches if key in model.model.state_dict()]
        adapted = apply_over_time(model, patches, scale, name) if matched else adapted
    elif scale != 0.0:
        matched = adapted.add_patches(patches, scale)
    if not matched:
        raise ValueError(
            f"{name} changes no layer of this model: it was made for another base model. "
            "v3_sd15_adapter and its kin need an SD1.5 checkpoint."
        )
    used = {key for patch in patches.values() for key in getattr(patch, "loaded_keys", ())}
    if len(used) < len(stripped):
        log.warning(
            "%s: %d of %d keys match nothing in the model.",
            name,
            len(stripped) - len(used),
            len(stripped),
        )
    return adapted


def plain_key(key: str) -> str:
    """Without what peft writes around a layer's name, and the name of an adapter within it."""
    return re.sub(r"\.(lora_[AB])\.\w+\.weight$", r".\1.weight", strip_peft(key))


def diffusers_layers(model: ModelPatcher) -> dict[str, Any]:
    """The layers as diffusers itself writes them today (`...attn1.to_q`): ComfyUI knows the earlier
    names of its attention processors alone."""
    base: Any = model.model
    config = getattr(base.model_config, "unet_config", {})
    names = comfy.utils.unet_to_diffusers(config) if "num_res_blocks" in config else {}
    return {
        theirs.removesuffix(".weight"): f"diffusion_model.{ours}"
        for theirs, ours in names.items()
        if theirs.endswith(".weight")
    }


def check_adapter(patches: Mapping[Any, Any], weights: Mapping[str, Tensor], name: str) -> None:
    """Raise ValueError where a pair and the weight that it changes disagree on their shapes.

    An SD1.5 adapter and SDXL have layers in common by name, so names alone prove nothing.
    """
    for key, patch in patches.items():
        if key not in weights or not isinstance(patch, LoRAAdapter):
            continue
        up, down, _, core = patch.weights[:4]
        shape = weights[key].shape
        changed = (up.shape[:1], down.shape[1:].numel())
        if core is None and changed != (shape[:1], shape[1:].numel()):
            raise ValueError(
                f"{name} was made for another base model: at {key} its up {list(up.shape)} and "
                f"down {list(down.shape)} change no weight of shape {list(shape)}. "
                "v3_sd15_adapter and its kin need an SD1.5 checkpoint."
            )
        if core is None and up.flatten(1).shape[1] != down.shape[0]:
            raise ValueError(
                f"{name} is damaged: at {key} its up {list(up.shape)} and down {list(down.shape)} "
                "have no rank in common. Download it again."
            )
        check_rank_and_type(down, up, tuple(shape), str(key), name)
