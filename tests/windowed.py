"""Videos sampled in context windows, and what they are compared with.

Without a motion model no frame sees another, so windows must give what the whole batch gives.
"""

from __future__ import annotations

from typing import Any

import comfy.cldm.cldm
import comfy.model_management
import comfy.ops
import torch
from adk_tests import tiny
from animatediff_kit.sampling.handler import NODE, apply_context_windows
from animatediff_kit.sampling.windows import WindowSettings
from comfy.controlnet import ControlNet
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

FRAMES, LENGTH, OVERLAP = 10, 4, 1
"""Windows 0-3, 3-6, 6-9."""

ROUNDING = 1e-5
"""Largest difference in standard deviations that the size of a batch makes in float32."""


def windowed(
    model: ModelPatcher,
    length: int = LENGTH,
    overlap: int = OVERLAP,
    node: str = NODE,
    **more: Any,
) -> ModelPatcher:
    return apply_context_windows(model, WindowSettings(length, overlap, **more), node)


def frame_prompts(seed: int, frames: int = FRAMES, tokens: int = 7, base: str = "SD1.5"):
    """A CONDITIONING with an own prompt, and pooled prompt, for every frame."""
    prompts = [tiny.prompt(seed + i, tokens, base)[0] for i in range(frames)]
    extra = {key: torch.cat([more[key] for _, more in prompts]) for key in prompts[0][1]}
    return [[torch.cat([text for text, _ in prompts]), extra]]


def with_entries(conditioning: list[Any], **entries: Any) -> list[Any]:
    return [[text, {**extra, **entries}] for text, extra in conditioning]


def random(*shape: int, seed: int = 5) -> Tensor:
    """Numbers in 0..1, others in every frame."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def control_net(seed: int = 21, kind: type[ControlNet] = ControlNet) -> ControlNet:
    """A ControlNet for tiny SD1.5 models, its zero convolutions live."""
    config = {**tiny.COMMON, **tiny.UNETS["SD1.5"]}
    for key in ("out_channels", "transformer_depth_output", "image_size"):
        config.pop(key)
    module = comfy.cldm.cldm.ControlNet(
        image_size=32,
        hint_channels=3,
        **config,
        dtype=torch.float32,
        device="cpu",
        operations=comfy.ops.disable_weight_init,
    )
    module.load_state_dict(tiny.randomise(module.state_dict(), seed))
    return kind(module, load_device=comfy.model_management.get_torch_device())


class Calls:
    """APPLY_MODEL wrapper: what transformer_options say in each call of the model."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.seen: list[dict[str, Any]] = []
        self.batches: list[int] = []

    def __call__(self, executor: Any, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        options = kwargs["transformer_options"] if "transformer_options" in kwargs else args[4]
        self.seen.append({key: options.get(key) for key in self.keys})
        self.batches.append(x.shape[0])
        return executor(x, *args, **kwargs)


def recorded(model: ModelPatcher, *keys: str) -> tuple[ModelPatcher, Calls]:
    calls = Calls(*keys)
    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "calls", calls)
    return model, calls
