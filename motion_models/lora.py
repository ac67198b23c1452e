"""MotionLoRAs: low-rank files in any spelling -> weight patches of the motion model.

A MotionLoRA (Guo et al. 2024, section 4.3) adds s * up @ down to the projections of the temporal
attentions. Files come in many spellings; all are read into the same pairs, and ComfyUI's weight
patches merge them in float32:

    official           ...attention_blocks.0.processor.to_q_lora.down.weight       no alpha: scale 1
    ADMotionDirector   ...attention_blocks.0.to_out.processor.0_lora.down.weight   feed-forwards too
    diffusers, peft    ...attn1.to_q.lora_A.weight                  lora_alpha = rank: scale 1
    kohya              lora_unet_..._to_q.lora_down.weight, .alpha  scale alpha / rank
    kohya, DoRA        the same and .dora_scale (Liu et al. 2024), as ComfyUI computes it

A strength over time is computed beside the weights instead (low_rank.py). Files that change weights
by something else (LoHa, LoKr, ...) are refused as what they are: the table is in kinds.py.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from comfy.model_patcher import ModelPatcher
from comfy.weight_adapter.lora import LoRAAdapter
from torch import Tensor

from .kinds import KIND_PHRASES, MOTION_LORA, TEMPORAL_MARKS, kind_of
from .layouts import grammar_of, strip_peft, to_diffusers, to_official
from .low_rank import LowRankOverTime, attach, pairs_of
from .model import motion_model
from .sound import alpha_of, check_number
from .specs import MotionSpec, expected_shapes
from .strength import Strength

log = logging.getLogger(__name__)

KOHYA_PREFIX = "lora_unet_"

MOST_RANK = 1024
"""Of a pair, where its weight is not wider still: a higher rank is no low one."""

SPELLINGS = (
    # pattern with the groups: layer, and the letter or word that tells down from up
    r"(?P<layer>.+\.processor\.\w+)_lora\.(?P<part>down|up)\.weight$",
    r"(?P<layer>.+)\.lora_(?P<part>A|B)(?:\.\w+)?\.weight$",
    r"(?P<layer>.+)\.lora[._](?P<part>down|up)\.weight$",
    r"(?P<layer>.+?)(?:_lora)?\.(?P<part>alpha|dora_scale)$",
)
PARTS = {
    "down": "down",
    "A": "down",
    "up": "up",
    "B": "up",
    "alpha": "alpha",
    "dora_scale": "magnitude",
}


@dataclass
class LowRank:
    """One pair of a LoRA: W + strength * scale * up @ down, scale = alpha / rank (1 without alpha).

    down: r in;   up: out r;   magnitude: out 1 or 1 in, a DoRA's lengths of rows or columns
    """

    down: Tensor | None = None
    up: Tensor | None = None
    alpha: float | None = None
    magnitude: Tensor | None = None

    def shape(self) -> tuple[int, ...] | None:
        """Shape of the weight that the pair changes; None where the halves are missing or
        disagree."""
        if self.down is None or self.up is None or self.down.ndim != 2 or self.up.ndim != 2:
            return None
        rank, inputs = self.down.shape
        return (self.up.shape[0], inputs) if self.up.shape[1] == rank else None


@dataclass
class MotionLora:
    """A MotionLoRA file: pairs by the layer that they change (authors' names), and what else lay
    in it."""

    pairs: dict[str, LowRank] = field(default_factory=dict)
    spatial: int = 0
    strange: list[str] = field(default_factory=list)


def parse_motion_lora(tensors: Mapping[str, Tensor], spec: MotionSpec) -> MotionLora:
    """The pairs of a MotionLoRA in any spelling. `spec` is the motion model that it will be put
    on."""
    lora = MotionLora()
    keys = {key: strip_peft(key) for key in tensors}
    grammar = grammar_of(keys.values())
    flat = kohya_names(expected_shapes(spec.layout))
    for key, stripped in keys.items():
        found = next((m for m in (re.match(s, stripped) for s in SPELLINGS) if m), None)
        if not any(mark in stripped for mark in TEMPORAL_MARKS):
            lora.spatial += 1
        elif found is None:
            lora.strange.append(key)
        else:
            layer = to_official(layer_name(found["layer"], flat), grammar)
            pair = lora.pairs.setdefault(layer, LowRank())
            part = PARTS[found["part"]]
            value = tensors[key]
            setattr(
                pair, part, alpha_of("The MotionLoRA's", key, value) if part == "alpha" else value
            )
    return lora


def layer_name(written: str, flat: Mapping[str, str]) -> str:
    """`...attention_blocks.0.processor.to_out` -> `...attention_blocks.0.to_out.0`; kohya's
    names by table."""
    if written.startswith(KOHYA_PREFIX):
        return flat.get(written.removeprefix(KOHYA_PREFIX), written)
    layer = written.replace(".processor.", ".")
    return layer + ".0" if layer.endswith(".to_out") else layer


def kohya_names(weights: Iterable[str]) -> dict[str, str]:
    """kohya joins a layer's name with underscores, in the authors' or diffusers' grammar ->
    authors' name."""
    layers = [key.removesuffix(".weight") for key in weights if key.endswith(".weight")]
    names = {layer.replace(".", "_"): layer for layer in layers}
    for layer in layers:
        foreign = to_diffusers(layer + ".weight")
        if foreign is not None:
            names[foreign.removesuffix(".weight").replace(".", "_")] = layer
    return names


def apply_motion_lora(
    motion: ModelPatcher, tensors: Mapping[str, Tensor], strength: Strength, name: str
) -> ModelPatcher:
    """A clone of `motion` with the MotionLoRA on. Calls chain; their changes add up.

    A strength that is one number is merged into the weights; one over time is computed beside them.
    Raises ValueError when the file is no MotionLoRA, is damaged, or fits no layer of this motion
    model, and for a DoRA over time; warns with a count when some of it does not fit.
    """
    check_number("The MotionLoRA's strength", strength)
    kind = kind_of(tensors)  # by a table of all kinds, so that none is applied by half
    if kind != MOTION_LORA:
        raise ValueError(f"{name} is no MotionLoRA but {KIND_PHRASES[kind]}.")
    spec = motion_model(motion).spec
    lora = parse_motion_lora(tensors, spec)
    patches = fitting_patches(lora, spec, name)
    loaded = motion.clone()
    if callable(strength):
        attach(loaded, LowRankOverTime(name, pairs_of(patches, name), strength))
    elif strength != 0.0:
        loaded.add_patches(patches, strength)
    return loaded


def fitting_patches(lora: MotionLora, spec: MotionSpec, name: str) -> dict[str, LoRAAdapter]:
    """The pairs that meet a weight of the motion model, as ComfyUI's patches by parameter name."""
    shapes = expected_shapes(spec.layout)
    known = {layer: pair for layer, pair in lora.pairs.items() if f"{layer}.weight" in shapes}
    for layer, pair in known.items():
        check_pair(pair, shapes[f"{layer}.weight"], layer, spec, name)
    if not known:
        raise ValueError(
            f"{name} changes no layer of {spec.name}: none of its {len(lora.pairs)} layers is one "
            "of this motion model's. Use a MotionLoRA made for it."
        )
    report_unused(lora, len(lora.pairs) - len(known), spec, name)
    return {
        f"{layer}.weight": LoRAAdapter(
            set(), (pair.up, pair.down, pair.alpha, None, pair.magnitude, None)
        )
        for layer, pair in known.items()
    }


def check_pair(
    pair: LowRank, shape: tuple[int, ...], layer: str, spec: MotionSpec, name: str
) -> None:
    """Raise ValueError unless the pair is whole and changes a weight of this shape."""
    if pair.down is None or pair.up is None:
        parts = ("down", "up", "alpha", "magnitude")
        half = next(part for part in parts if getattr(pair, part) is not None)
        raise ValueError(
            f"{name} is incomplete: at {layer} it holds {half} alone, where a pair of down and up "
            "belongs. Download it again."
        )
    if pair.shape() != shape:
        raise ValueError(
            f"{name} does not fit {spec.name}: at {layer} its up {list(pair.up.shape)} and down "
            f"{list(pair.down.shape)} change no weight of shape {list(shape)}, which the motion "
            "model has. Use a MotionLoRA made for it."
        )
    check_rank_and_type(pair.down, pair.up, shape, layer, name)
    if pair.magnitude is not None and pair.magnitude.shape not in ((shape[0], 1), (1, shape[1])):
        raise ValueError(
            f"{name} does not fit {spec.name}: at {layer} its dora_scale "
            f"{list(pair.magnitude.shape)} is no length of the rows or columns of a weight of "
            f"shape {list(shape)}. Use a MotionLoRA made for it."
        )


def check_rank_and_type(
    down: Tensor, up: Tensor, shape: tuple[int, ...], layer: str, name: str
) -> None:
    """Raise ValueError for a pair that is no low-rank change of a weight of this shape."""
    rank, most = down.shape[0], max(MOST_RANK, *shape)
    if rank > most:
        raise ValueError(
            f"{name} has rank {rank} at {layer}, whose weight is {list(shape)}; {most} is the "
            "most. Get the file from its author."
        )
    if not (down.is_floating_point() and up.is_floating_point()):
        raise ValueError(
            f"{name} holds {down.dtype} and {up.dtype} at {layer}, which cannot be weights. "
            "Download it again."
        )


def report_unused(lora: MotionLora, unmatched: int, spec: MotionSpec, name: str) -> None:
    if unmatched or lora.strange:
        middle = sum(layer.startswith("mid_block.") for layer in lora.pairs)
        reason = (
            " (it was made for v2, which has a middle module)"
            if middle and not spec.layout.mid_block
            else ""
        )
        log.warning(
            "%s: %d of %d layers match nothing in %s%s.",
            name,
            unmatched + len(lora.strange),
            len(lora.pairs) + len(lora.strange),
            spec.name,
            reason,
        )
    if lora.spatial:
        log.warning(
            "%s: %d keys of the image model were left out; a MotionLoRA changes motion alone.",
            name,
            lora.spatial,
        )
