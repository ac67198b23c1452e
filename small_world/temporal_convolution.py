"""The paper's ablation: convolutions over time in the temporal transformers' place (Guo et al.
2024, section 5.3), of as many parameters and with the same beginning and end.

    GroupNorm -> Linear
    -> 2 x [LayerNorm -> convolution over 5 frames -> GELU -> convolution over 5 frames -> + input]
    -> Linear, zero at the start of training -> + the module's input

It is trained by `python small_world convolution`, for the comparison alone; nothing of it ships.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn
from torch.nn import functional

from ..motion_models.call import Call
from ..motion_models.model import MotionModel
from ..motion_models.modules import GROUPS
from ..motion_models.read import read_weights
from ..training.models import stages
from ..training.models.private_copy import PlainLayers
from ..training.models.stages import DeviceAndDtype, Trainee

TEMPORAL_CONVOLUTION = "temporal_convolution"
"""The stage's name in recipes.toml."""

KERNEL, BLOCKS = 5, 2
"""With which a module of c channels has 22 c^2 + 12 c parameters; a transformer has 22 c^2 + 21 c.
Four convolutions see 8 frames either way, as far as half of a clip."""


class ConvolutionBlock(nn.Module):
    """x: (b n) f c -> (b n) f c. Frames beyond the clip's ends are zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.first = nn.Conv1d(channels, channels, KERNEL, padding="same")
        self.second = nn.Conv1d(channels, channels, KERNEL, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x).transpose(1, 2)
        y = self.second(functional.gelu(self.first(y)))
        return x + y.transpose(1, 2)


class TemporalConvolution(nn.Module):
    """What stands in a MotionModule for its TemporalTransformer. Plain layers in float32, wherever
    it runs: it is an experiment."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.blocks = nn.Sequential(*(ConvolutionBlock(channels) for _ in range(BLOCKS)))
        self.proj_out = nn.Linear(channels, channels)
        for parameter in self.proj_out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, call: Call) -> Tensor:
        """The residual that the module adds; there are no keys to scale.   x: (b f) c h w -> the
        same"""
        c, h, w = x.shape[1:]
        y = self.norm(x.float()).reshape(-1, call.frames, c, h * w)
        y = y.permute(0, 3, 1, 2).flatten(0, 1)  # (b n) f c
        y = self.proj_out(self.blocks(self.proj_in(y)))
        y = y.unflatten(0, (-1, h * w)).permute(0, 2, 3, 1)  # b f c n
        return y.reshape(x.shape).to(x.dtype)


def put_convolutions(motion: MotionModel, seed: int) -> None:
    """In the place of every temporal transformer of the motion model, which is changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, channels in motion.spec.layout.modules().items():
            module: Any = motion.module(name)
            module.temporal_transformer = TemporalConvolution(channels)


@torch.inference_mode(False)
def convolution_module(model: ModelPatcher, seed: int, where: DeviceAndDtype) -> Trainee:
    """Stage 2 with convolutions."""
    trainee = stages.motion_module(model, None, "v3", seed, where)
    motion = trainee.denoiser.motion
    assert motion is not None
    put_convolutions(motion, seed)
    motion.to(where.device).requires_grad_(True)
    return replace(trainee, parameters=dict(motion.named_parameters()))


def convolutions(weights: Mapping[str, Tensor], model: ModelPatcher) -> ModelPatcher:
    """A motion model of convolutions with these weights, for apply_motion_model; `model` says how
    wide it is."""
    spec = stages.new_spec(model, "v3")
    motion = MotionModel(spec, PlainLayers, torch.float32, "cpu")
    put_convolutions(motion, 0)
    motion.load_state_dict({key: t.float() for key, t in weights.items()}, strict=True)
    motion.requires_grad_(False)
    return ModelPatcher(motion, memory.get_torch_device(), memory.unet_offload_device())


def load_convolutions(path: Path, model: ModelPatcher) -> ModelPatcher:
    return convolutions(read_weights(str(path))[0], model)
