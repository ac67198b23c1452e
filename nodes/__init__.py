"""What people see: schemas, tooltips, and thin `execute`s over motion_models and sampling."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..motion_models.files import register_folders
from .animate import ApplyMotionModel, LoadMotionModel
from .lora import DomainAdapter, LoadMotionLora

NODES: list[type[io.ComfyNode]] = [
    LoadMotionModel,
    LoadMotionLora,
    ApplyMotionModel,
    DomainAdapter,
]


class AnimateDiffKit(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        register_folders()
        return NODES
