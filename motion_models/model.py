"""All motion modules of one file, by the authors' names."""

from __future__ import annotations

from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from .modules import MotionModule, PositionalEncoding
from .specs import MotionSpec


class MotionModel(nn.Module):
    """All motion modules of one file; its state dict has the authors' keys (tables of positions
    left out)."""

    def __init__(
        self, spec: MotionSpec, operations: Any, dtype: torch.dtype, device: torch.device | str
    ) -> None:
        super().__init__()
        self.spec = spec
        self.dtype = dtype
        self.source: tuple[str, str] | None = None
        """The file and the family input that it was loaded with, to load it once more."""
        for name, channels in spec.layout.modules().items():
            module = MotionModule(
                channels,
                spec.positions,
                spec.family.motion_norm,
                operations,
                spec.layout.attentions,
                dtype=dtype,
                device=device,
            )
            block, index = name.split(".motion_modules.")
            parent = container(container(self, block), "motion_modules")
            parent.add_module(index, module)
        for name, encoder in self.encoders().items():
            encoder.name = name

    def encoders(self) -> dict[str, PositionalEncoding]:
        """The layers that add positions, by name."""
        return {n: m for n, m in self.named_modules() if isinstance(m, PositionalEncoding)}

    def positions_on(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """The tables of positions by their layers' names, on a device. Tables of one content are
        one tensor there.

        ComfyUI moves modules by their parameters, and these have none: where weights are loaded in
        part, it would leave the tables behind.
        """
        copies: list[tuple[Tensor, Tensor]] = []
        tables: dict[str, Tensor] = {}
        for name, encoder in self.encoders().items():
            same = (copy for table, copy in copies if table.equal(encoder.pe))
            found = next(same, None)
            if found is None:
                found = encoder.pe.to(device, dtype)
                copies.append((encoder.pe, found))
            tables[name] = found
        return tables

    def get_dtype(self) -> torch.dtype:
        """The dtype of the weights, for ComfyUI's ModelPatcher."""
        return self.dtype

    def module(self, name: str) -> MotionModule:
        """The motion module of this name, e.g. `up_blocks.1.motion_modules.2`."""
        found = self.get_submodule(name)
        assert isinstance(found, MotionModule)
        return found


def container(parent: nn.Module, path: str) -> nn.Module:
    """The nameless module at `path` below `parent`, made where it is missing."""
    for part in path.split("."):
        if part not in parent._modules:
            parent.add_module(part, nn.Module())
        parent = parent.get_submodule(part)
    return parent


def motion_model(patcher: ModelPatcher) -> MotionModel:
    """The MotionModel that a patcher from `load_motion_model` carries. Raises ValueError for what
    is none, which a workflow that came as JSON may hold."""
    model = getattr(patcher, "model", None)
    if not isinstance(model, MotionModel):
        raise ValueError(
            f"motion_model is {patcher!r}, which is none. Connect the node Load Motion Model."
        )
    return model
