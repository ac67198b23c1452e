"""What tells one model or one set of settings from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def digest_of(content: Any) -> str:
    """Of anything that JSON holds; the order of names makes no difference."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


UNFILLED = "clip_l.transformer.text_projection.weight"
"""Checkpoints of SD1.5 lack this weight, and ComfyUI leaves in it what the memory held before. No
image model of SD1.5 or SDXL is given anything that it makes."""


def weights_digest(patcher: Any, pause: Callable[[], object] = lambda: None) -> str:
    """Of a ModelPatcher's own weights and of the patches on them (LoRAs), whether they are loaded
    and merged at the moment or not. pause: called between weights, may raise to end it; an image
    model takes seconds."""
    digest = hashlib.sha256()
    for key, (weight, *patches) in sorted(patcher.get_key_patches().items()):
        pause()
        if key.endswith(UNFILLED):
            continue
        digest.update(key.encode())
        update(digest, weight[0])
        for patch in patches:
            update(digest, patch)
    return digest.hexdigest()


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """Of a file's tensors and their names."""
    digest = hashlib.sha256()
    for key, tensor in sorted(tensors.items()):
        digest.update(key.encode())
        update(digest, tensor)
    return digest.hexdigest()


def update(digest: Any, content: Any) -> None:
    """Tensors by type, shape and bytes; adapters by their weights; the rest as it is written."""
    if isinstance(content, Tensor):
        flat = content.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{content.dtype} {tuple(content.shape)}".encode())
        digest.update(flat.view(torch.uint8).numpy())
    elif isinstance(content, (list, tuple)):
        digest.update(f"{len(content)}".encode())
        for part in content:
            update(digest, part)
    elif hasattr(content, "weights"):  # comfy.weight_adapter
        digest.update(type(content).__name__.encode())
        update(digest, content.weights)
    elif isinstance(content, (str, int, float, bool, type(None))):
        digest.update(repr(content).encode())
    else:
        digest.update(type(content).__qualname__.encode())


NAMES = {"vae": "the VAE", "clip": "the text encoder"}


def differences(then: Any, now: Any, place: str = "") -> Iterator[str]:
    """What two descriptions differ in, in words."""
    if then == now:
        return
    if isinstance(then, dict) and isinstance(now, dict):
        for key in {**then, **now}:
            where = str(key) if place in ("", "description") else f"{place}.{key}"
            yield from differences(then.get(key), now.get(key), where)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for i, (one, other) in enumerate(zip(then, now, strict=True)):
            name = one.get("file", i) if isinstance(one, dict) else i
            yield from differences(one, other, f"{place}[{name}]")
    elif isinstance(then, list) and isinstance(now, list):
        yield f"{place} ({len(then)} then, {len(now)} now)"
    elif place in NAMES:
        yield NAMES[place]
    else:
        yield f"{place} ({shown(then)} then, {shown(now)} now)"


def shown(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
