"""The animated UNet made without the pack's injection: the truth that it is compared with.

A fresh UNet, its motion modules inserted for good at places written down here, its LoRAs added to
the weights, its norms rewritten over five dimensions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import comfy.utils
import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.load import build, motion_model
from animatediff_kit.motion_models.specs import FAMILIES, MotionSpec
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn
from torch.nn import functional

Place = tuple[str, int, int]
"""List of the UNet, index of the sequential in it, number of layers that stand before the motion
layer."""

PLACES: dict[str, dict[str, Place]] = {
    # unet_blocks.py of the authors, put side by side with ComfyUI's openaimodel.py
    "SD1.5": {
        "down_blocks.0.motion_modules.0": ("input_blocks", 1, 2),
        "down_blocks.0.motion_modules.1": ("input_blocks", 2, 2),
        "down_blocks.1.motion_modules.0": ("input_blocks", 4, 2),
        "down_blocks.1.motion_modules.1": ("input_blocks", 5, 2),
        "down_blocks.2.motion_modules.0": ("input_blocks", 7, 2),
        "down_blocks.2.motion_modules.1": ("input_blocks", 8, 2),
        "down_blocks.3.motion_modules.0": ("input_blocks", 10, 1),
        "down_blocks.3.motion_modules.1": ("input_blocks", 11, 1),
        "mid_block.motion_modules.0": ("middle_block", -1, 2),
        "up_blocks.0.motion_modules.0": ("output_blocks", 0, 1),
        "up_blocks.0.motion_modules.1": ("output_blocks", 1, 1),
        "up_blocks.0.motion_modules.2": ("output_blocks", 2, 1),
        "up_blocks.1.motion_modules.0": ("output_blocks", 3, 2),
        "up_blocks.1.motion_modules.1": ("output_blocks", 4, 2),
        "up_blocks.1.motion_modules.2": ("output_blocks", 5, 2),
        "up_blocks.2.motion_modules.0": ("output_blocks", 6, 2),
        "up_blocks.2.motion_modules.1": ("output_blocks", 7, 2),
        "up_blocks.2.motion_modules.2": ("output_blocks", 8, 2),
        "up_blocks.3.motion_modules.0": ("output_blocks", 9, 2),
        "up_blocks.3.motion_modules.1": ("output_blocks", 10, 2),
        "up_blocks.3.motion_modules.2": ("output_blocks", 11, 2),
    },
    "SDXL": {
        "down_blocks.0.motion_modules.0": ("input_blocks", 1, 1),
        "down_blocks.0.motion_modules.1": ("input_blocks", 2, 1),
        "down_blocks.1.motion_modules.0": ("input_blocks", 4, 2),
        "down_blocks.1.motion_modules.1": ("input_blocks", 5, 2),
        "down_blocks.2.motion_modules.0": ("input_blocks", 7, 2),
        "down_blocks.2.motion_modules.1": ("input_blocks", 8, 2),
        "mid_block.motion_modules.0": ("middle_block", -1, 2),
        "up_blocks.0.motion_modules.0": ("output_blocks", 0, 2),
        "up_blocks.0.motion_modules.1": ("output_blocks", 1, 2),
        "up_blocks.0.motion_modules.2": ("output_blocks", 2, 2),
        "up_blocks.1.motion_modules.0": ("output_blocks", 3, 2),
        "up_blocks.1.motion_modules.1": ("output_blocks", 4, 2),
        "up_blocks.1.motion_modules.2": ("output_blocks", 5, 2),
        "up_blocks.2.motion_modules.0": ("output_blocks", 6, 1),
        "up_blocks.2.motion_modules.1": ("output_blocks", 7, 1),
        "up_blocks.2.motion_modules.2": ("output_blocks", 8, 1),
    },
}


def sequence_at(unet: Any, place: Place) -> nn.Module:
    block_list = getattr(unet, place[0])
    return block_list if place[1] < 0 else block_list[place[1]]


class Inserted(nn.Module):
    """A motion module that stays in the UNet, for videos of `frames` frames."""

    def __init__(self, module: nn.Module, frames: int, **settings: float) -> None:
        super().__init__()
        self.module, self.frames, self.settings = module, frames, settings

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x, tiny.call(x, self.frames, **self.settings))


class FiveDimensionalNorm(nn.Module):
    """GroupNorm over (b c f h w), as the authors' `use_inflated_groupnorm: false` computes it."""

    def __init__(self, norm: nn.GroupNorm, frames: int) -> None:
        super().__init__()
        self.norm, self.frames = norm, frames

    def forward(self, x: Tensor) -> Tensor:
        n = self.norm
        video = torch.stack(x.split(self.frames)).transpose(1, 2)
        y = functional.group_norm(video, n.num_groups, n.weight, n.bias, n.eps)
        return y.transpose(1, 2).reshape(x.shape)


def motion_from(
    family: str, weights: Mapping[str, Tensor], positions: int | None = None
) -> ModelPatcher:
    """A motion model of these weights, with a module and patcher of its own."""
    known = FAMILIES[family]
    layout, rows = tiny.motion_layout(family), positions or known.positions
    return build(MotionSpec(f"tiny_{family}", known, layout, rows), dict(weights))


def animated(
    *families: str | tuple[str, int],
    frames: int = 4,
    changes: Mapping[str, Tensor] | None = None,
    **settings: float,
) -> ModelPatcher:
    """The fresh base of the first family with every motion model in it, first to last.

    A family may be given with the seed of its weights. `changes` (weight's name -> what is added to
    it) stand for LoRAs on the base; `settings` are those of a Call.
    """
    pairs = [(f, 7) if isinstance(f, str) else f for f in families]
    base = FAMILIES[pairs[0][0]].base
    model = tiny.image_model(base)
    with torch.no_grad():
        for name, change in (changes or {}).items():
            comfy.utils.get_attr(model.model, name).add_(change)
    unet: Any = model.model.diffusion_model
    for offset, (family, seed) in enumerate(pairs):
        motion = motion_model(motion_from(family, tiny.motion_weights(family, seed)))
        insert(unet, motion, PLACES[base], offset, frames, **settings)
    if any(FAMILIES[family].resnet_norm == "across_frames" for family, _ in pairs):
        join_norms(unet, frames)
    return model


def insert(
    unet: Any, motion: Any, places: dict[str, Place], offset: int, frames: int, **settings: float
) -> None:
    for name in motion.spec.layout.modules():
        sequence = sequence_at(unet, places[name])
        layers = list(sequence.children())
        before = places[name][2]
        before += sum(isinstance(layer, Inserted) for layer in layers[before : before + offset])
        layers.insert(before, Inserted(motion.module(name), frames, **settings))
        sequence._modules.clear()
        for i, layer in enumerate(layers):
            sequence.add_module(str(i), layer)


def join_norms(unet: Any, frames: int) -> None:
    """Every GroupNorm with the ResBlocks' eps, 1e-5: theirs and the last one's. Those of spatial
    transformers have 1e-6."""
    for name, norm in list(unet.named_modules()):
        if isinstance(norm, nn.GroupNorm) and norm.eps == 1e-5:
            comfy.utils.set_attr(unet, name, FiveDimensionalNorm(norm, frames))


def difference(model: ModelPatcher, name: str, seed: int = 3) -> Tensor:
    """A change of one weight, large enough to show in the frames."""
    weight = comfy.utils.get_attr(model.model, name)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(weight.shape, generator=generator) * 0.02


def with_change(model: ModelPatcher, changes: Mapping[str, Tensor]) -> ModelPatcher:
    """A clone of `model` with the changes as ComfyUI's weight patches, which is what a LoRA
    becomes."""
    changed = model.clone()
    changed.add_patches({name: ("diff", (change,)) for name, change in changes.items()}, 1.0)
    return changed


def fingerprint(model: nn.Module) -> str:
    """Names, order and bytes of a module's state dict."""
    digest = hashlib.sha256()
    for name, weight in model.state_dict().items():
        digest.update(name.encode())
        digest.update(weight.detach().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def same(a: Tensor, b: Tensor) -> bool:
    """Bit for bit, and no NaN among them."""
    return torch.equal(a, b)


def relative(a: Tensor, b: Tensor) -> float:
    """Largest difference, in standard deviations of `b`."""
    return float((a - b).abs().max() / b.std())
