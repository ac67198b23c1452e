"""The families of motion models, as data.

A family says how a motion model's numbers are to be read: what it was trained on, which GroupNorms
take their statistics over all frames, how long its position table is and which noise schedule it
learned. Everything that differs between AnimateDiff's v1, v2, v3, SDXL beta, HotshotXL, AnimateLCM
and their kin stands in the tables below; the rest of the pack reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NormRule = Literal["per_frame", "across_frames"]
"""Whether a GroupNorm takes its statistics over one frame (c/32, h, w) or one video (c/32, f, h,
w)."""

EVERYWHERE = "everywhere"
NORM_CHOICES = ("automatic", "per_frame", "across_frames", EVERYWHERE)
"""Which GroupNorms take their statistics over a whole video: as the family has it, none of the
ResBlocks', all of them, or every GroupNorm of the UNet and of the motion modules. The last is what
AnimateDiff-Evolved does without `apply_v2_models_properly`."""

Curve = Literal["sqrt_linear", "linear", "sqrt", "cosine", "squaredcos_cap_v2"]
"""The curves of `make_beta_schedule`, ComfyUI's names."""

HEADS = 8
"""Attention heads of every published motion model, at every width."""


@dataclass(frozen=True)
class BetaSchedule:
    """A noise schedule: beta_1..beta_T between `start` and `end`.

    `curve` is ComfyUI's name; ComfyUI and diffusers swap them: "sqrt_linear" here is diffusers'
    "linear" (betas on a straight line), "linear" here is diffusers' "scaled_linear" (their roots on
    one). None keeps the checkpoint's own. `lcm_steps` is the number of steps of the teacher that a
    consistency model was distilled from; 0 for ordinary diffusion. With `other`, the noise levels
    are the mean of those of the two curves.
    """

    curve: Curve | None
    start: float = 0.00085
    end: float = 0.012
    lcm_steps: int = 0
    other: Curve | None = None


BETA_SCHEDULES: dict[str, BetaSchedule] = {
    "AnimateDiff": BetaSchedule("sqrt_linear"),  # inference-v1..v3.yaml: beta_schedule "linear"
    "AnimateDiff-SDXL": BetaSchedule("linear", end=0.020),  # branch sdxl: "scaled_linear" to .020
    # LCMScheduler, original_inference_steps 100
    "AnimateLCM": BetaSchedule("sqrt_linear", lcm_steps=100),
    # configs/inference-i2v.yaml
    "AnimateLCM-I2V": BetaSchedule("sqrt_linear", end=0.014, lcm_steps=200),
    "LCM": BetaSchedule("linear", lcm_steps=50),  # as core's ModelSamplingDiscrete "lcm"
    "checkpoint": BetaSchedule(None),  # HotshotXL, and whoever knows better
    # those that AnimateDiff-Evolved has beside them, for graphs that were tuned to them
    "Stable Diffusion": BetaSchedule("linear"),
    "average": BetaSchedule("linear", other="sqrt_linear"),
    "LCM sqrt_linear": BetaSchedule("sqrt_linear", lcm_steps=50),
    "LCM average": BetaSchedule("linear", lcm_steps=50, other="sqrt_linear"),
    "LCM 100 steps": BetaSchedule("linear", lcm_steps=100),
    "squaredcos_cap_v2": BetaSchedule("squaredcos_cap_v2"),
    "sqrt": BetaSchedule("sqrt"),
    "cosine": BetaSchedule("cosine"),
}


@dataclass(frozen=True)
class Family:
    """One way to compute a motion model.

    `resnet_norm` is the rule of the UNet's own ResBlock norms and of its last norm (the authors'
    switch `use_inflated_groupnorm`), `motion_norm` that of the motion module's norm. `positions` is
    the length of the position table where the file holds none.
    """

    name: str
    base: Literal["SD1.5", "SDXL"]
    mid_block: bool
    positions: int
    resnet_norm: NormRule
    motion_norm: NormRule
    betas: str
    frames: int
    """Frames of a training clip: what the model does best."""


FAMILIES: dict[str, Family] = {
    f.name: f
    for f in (
        Family("v1", "SD1.5", False, 24, "across_frames", "per_frame", "AnimateDiff", 16),
        Family("v2", "SD1.5", True, 32, "per_frame", "per_frame", "AnimateDiff", 16),
        Family("v3", "SD1.5", False, 32, "per_frame", "per_frame", "AnimateDiff", 16),
        Family(
            "SDXL beta", "SDXL", False, 32, "per_frame", "across_frames", "AnimateDiff-SDXL", 16
        ),
        Family("HotshotXL", "SDXL", False, 24, "across_frames", "per_frame", "checkpoint", 8),
        Family("AnimateLCM", "SD1.5", True, 64, "per_frame", "per_frame", "AnimateLCM", 16),
        Family("Lightning", "SD1.5", True, 32, "per_frame", "per_frame", "AnimateDiff", 16),
        Family("LongAnimateDiff", "SD1.5", True, 64, "per_frame", "per_frame", "AnimateDiff", 32),
    )
}

LEVELS = {"SD1.5": 4, "SDXL": 3}
"""Resolutions of each base model's UNet."""


@dataclass(frozen=True)
class MotionLayout:
    """Which motion modules a model has, and how wide each is.

    `widths` are the channels of the UNet's levels from the largest resolution down, `layers` the
    ResBlocks of a down level (an up level has one more), each followed by one motion module;
    `attentions` are those of a module: two in motion models, one in SparseCtrl's.
    """

    widths: tuple[int, ...]
    mid_block: bool
    layers: int = 2
    attentions: int = 2

    def modules(self) -> dict[str, int]:
        """Names of the motion modules in the authors' grammar -> channels c."""
        down = {
            f"down_blocks.{i}.motion_modules.{j}": c
            for i, c in enumerate(self.widths)
            for j in range(self.layers)
        }
        mid = {"mid_block.motion_modules.0": self.widths[-1]} if self.mid_block else {}
        up = {
            f"up_blocks.{i}.motion_modules.{j}": c
            for i, c in enumerate(reversed(self.widths))
            for j in range(self.layers + 1)
        }
        return {**down, **mid, **up}

    def __str__(self) -> str:
        mid = "a middle module" if self.mid_block else "no middle module"
        return f"{len(self.widths)} levels of {', '.join(map(str, self.widths))} channels, {mid}"


@dataclass(frozen=True)
class MotionSpec:
    """What a loaded motion model is: the file's name, its family, its modules, its position
    table's length."""

    name: str
    family: Family
    layout: MotionLayout
    positions: int


Units = dict[str, tuple[int, ...]]
"""Tails of keys below "...motion_modules.J.temporal_transformer." -> shapes in units of c."""

BEFORE: Units = {
    "norm.weight": (1,),
    "norm.bias": (1,),
    "proj_in.weight": (1, 1),
    "proj_in.bias": (1,),
}
ATTENTION: Units = {
    # of attention number i
    "transformer_blocks.0.attention_blocks.{i}.to_q.weight": (1, 1),
    "transformer_blocks.0.attention_blocks.{i}.to_k.weight": (1, 1),
    "transformer_blocks.0.attention_blocks.{i}.to_v.weight": (1, 1),
    "transformer_blocks.0.attention_blocks.{i}.to_out.0.weight": (1, 1),
    "transformer_blocks.0.attention_blocks.{i}.to_out.0.bias": (1,),
}
ATTENTION_NORM: Units = {
    "transformer_blocks.0.norms.{i}.weight": (1,),
    "transformer_blocks.0.norms.{i}.bias": (1,),
}
BEHIND: Units = {
    "transformer_blocks.0.ff.net.0.proj.weight": (8, 1),
    "transformer_blocks.0.ff.net.0.proj.bias": (8,),
    "transformer_blocks.0.ff.net.2.weight": (1, 4),
    "transformer_blocks.0.ff.net.2.bias": (1,),
    "transformer_blocks.0.ff_norm.weight": (1,),
    "transformer_blocks.0.ff_norm.bias": (1,),
    "proj_out.weight": (1, 1),
    "proj_out.bias": (1,),
}


def module_tensors(attentions: int) -> Units:
    """The tensors of a motion module with so many attentions."""

    def of_each(table: Units) -> Units:
        return {tail.format(i=i): shape for i in range(attentions) for tail, shape in table.items()}

    return {**BEFORE, **of_each(ATTENTION), **of_each(ATTENTION_NORM), **BEHIND}


def expected_shapes(layout: MotionLayout) -> dict[str, tuple[int, ...]]:
    """Every tensor of a motion model in the authors' grammar (position tables left out) -> its
    shape."""
    return {
        f"{module}.temporal_transformer.{tail}": tuple(n * c for n in units)
        for module, c in layout.modules().items()
        for tail, units in module_tensors(layout.attentions).items()
    }


def table_shapes(layout: MotionLayout, positions: int | None) -> dict[str, tuple[int | None, ...]]:
    """Every position table that a motion model may hold, in the authors' grammar -> its shape."""
    return {
        f"{module}.temporal_transformer.transformer_blocks.0.attention_blocks.{i}.pos_encoder.pe": (
            1,
            positions,
            c,
        )
        for module, c in layout.modules().items()
        for i in range(layout.attentions)
    }
