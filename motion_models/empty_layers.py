"""Layers of a network that is only asked for the names and shapes of its weights."""

from __future__ import annotations

from typing import Any

import comfy.ops
from torch import nn


class EmptyLayers(comfy.ops.disable_weight_init):
    """ComfyUI's layers, each with its weights from the beginning: with dynamic VRAM, core's linear
    layers have none before a file is read into them, and a `state_dict` lacks them."""

    class Linear(comfy.ops.disable_weight_init.Linear):
        """Core asks for this method to tell layers of other packs, which keep their weights."""

        def _load_from_state_dict(self, *arguments: Any, **named: Any) -> None:
            nn.Module._load_from_state_dict(self, *arguments, **named)
