"""A domain adapter whose scale follows the frames: low-rank changes beside the UNet's own layers.

The adapter changes the linear layers of the transformer blocks, Q = W z + scale * A B^T z (Guo et
al. 2024, eq. 4). One scale is merged into the weights (domain_adapter.py). Where it differs by
frame, each block stands behind a stand-in for the time of a call, and while the block runs, its
layers stand behind stand-ins that add what is the frame's. A frame is one row of the batch, so the
scale is one number a frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.weight_adapter.lora import LoRAAdapter
from torch import Tensor, nn
from torch.nn.functional import linear

from .call import Call, call_of, publish_runs
from .low_rank import pairs_of
from .placements import Placement, placed
from .sites import uncompiled
from .strength import Strength, Values, values_at
from .views.spatial_parts import behind_parts

KEY = "animatediff_kit_adapter"

LAYER = re.compile(
    r"diffusion_model\.(?P<transformer>.+)\.transformer_blocks\.(?P<block>\d+)\.(?P<layer>.+)"
)

Pair = tuple[Tensor, Tensor]
"""down: r in, and up: out r with the scale of the file in it."""


@dataclass(frozen=True, eq=False)
class AdapterOverTime:
    """APPLY_MODEL wrapper: the stand-ins of one adapter are in the UNet while it runs.

    blocks: by (transformer, number of the block), the pairs by the layer's name in the block
    """

    blocks: Mapping[tuple[str, str], Mapping[str, Pair]]
    scale: Strength

    def __call__(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        unet = uncompiled(executor.class_obj.diffusion_model)
        with placed(self.placements(unet)):
            return executor(*args, **kwargs)

    def placements(self, unet: nn.Module) -> Iterator[Placement]:
        for (transformer, number), pairs in self.blocks.items():
            blocks = behind_parts(unet.get_submodule(transformer)).get_submodule(
                "transformer_blocks"
            )
            layer = BlockOverTime(blocks.get_submodule(number), pairs, self.scale)
            yield Placement(blocks, number, layer)


class BlockOverTime(nn.Module):
    """Stands before a transformer block of the UNet for one call."""

    def __init__(self, block: nn.Module, pairs: Mapping[str, Pair], scale: Strength) -> None:
        super().__init__()
        self.block, self.pairs, self.scale = block, pairs, scale

    def forward(
        self, x: Tensor, context: Any = None, transformer_options: dict[str, Any] | None = None
    ) -> Tensor:
        """x: (b f) n c, of the frames that transformer_options say, or of their part in views."""
        options = transformer_options or {}
        call = call_of(x, options.get("sigmas"), options)
        values = values_at(self.scale, call, x[:, :1, :1, None])
        with placed(self.placements(values, self.pairs_on(x, call))):
            return self.block(x, context=context, transformer_options=options)

    def pairs_on(self, x: Tensor, call: Call) -> dict[str, Pair]:
        """The pairs where x is; sent there once a run."""

        def sent() -> dict[str, Pair]:
            return {name: (down.to(x), up.to(x)) for name, (down, up) in self.pairs.items()}

        return call.run.keep(("pairs of an adapter", id(self.pairs), x.device, x.dtype), sent)

    def placements(self, values: Values, pairs: Mapping[str, Pair]) -> Iterator[Placement]:
        block = self.block
        while isinstance(block, BlockOverTime):  # of an adapter before this one
            block = block.block
        for name, pair in pairs.items():
            path, _, key = name.rpartition(".")
            parent = block.get_submodule(path)
            layer = parent._modules[key]
            assert layer is not None
            yield Placement(parent, key, LinearOverTime(layer, pair, values))


class LinearOverTime(nn.Module):
    """A linear layer, and a low-rank change of each frame's own strength beside it.

    values: a number, or (b f) 1 1 1
    """

    def __init__(self, layer: nn.Module, pair: Pair, values: Values) -> None:
        super().__init__()
        self.layer, self.pair, self.values = layer, pair, values

    def forward(self, x: Tensor) -> Tensor:
        """x: (b f) n in, or (b f k) n in where another pack cuts frames into k pieces."""
        down, up = (part.to(x) for part in self.pair)
        change = linear(linear(x, down), up)
        if isinstance(self.values, Tensor):
            change = change * self.of_rows(self.values, x)
        else:
            change = change * self.values
        return self.layer(x) + change

    def of_rows(self, values: Tensor, x: Tensor) -> Tensor:
        pieces, rest = divmod(len(x), len(values))
        if rest:
            raise ValueError(
                f"A domain adapter over time met {len(x)} rows where {len(values)} frames belong: "
                "another node cuts or joins frames inside the UNet. Remove it, or give the adapter "
                "one scale."
            )
        return values.view(-1, 1, 1).repeat_interleave(pieces, dim=0)


def apply_over_time(
    model: ModelPatcher, patches: Mapping[Any, Any], scale: Strength, name: str
) -> ModelPatcher:
    """A clone of the image model with the adapter's patches beside its layers.

    Raises ValueError where some of them change anything but the linear layers of transformer
    blocks.
    """
    blocks: dict[tuple[str, str], dict[str, Pair]] = {}
    for layer, pair in pairs_of(low_rank_patches(model, patches, name), name).items():
        found = LAYER.fullmatch(layer)
        assert found is not None
        where = blocks.setdefault((found["transformer"], found["block"]), {})
        where[found["layer"]] = pair
    adapted = model.clone()
    publish_runs(adapted)
    there = adapted.wrappers.get(WrappersMP.APPLY_MODEL, {})
    number = sum(str(key).startswith(KEY) for key in there)
    wrapper = AdapterOverTime(blocks, scale)
    adapted.add_wrapper_with_key(WrappersMP.APPLY_MODEL, f"{KEY}_{number}", wrapper)
    return adapted


def low_rank_patches(
    model: ModelPatcher, patches: Mapping[Any, Any], name: str
) -> dict[str, LoRAAdapter]:
    """Those of the model's weights. Raises ValueError for others than plain low-rank ones of linear
    layers in transformer blocks."""
    weights = model.model.state_dict()
    kept = {key: patch for key, patch in patches.items() if key in weights}
    strange = [
        str(key)
        for key, patch in kept.items()
        if not isinstance(patch, LoRAAdapter)
        or not LAYER.fullmatch(key.removesuffix(".weight"))
        or patch.weights[0].ndim != 2
        or patch.weights[3] is not None
    ]
    if strange:
        raise ValueError(
            f"{name} changes more than the linear layers of attention, such as {strange[0]}, so "
            "its scale cannot differ by frame. Disconnect the scale over time."
        )
    return kept
