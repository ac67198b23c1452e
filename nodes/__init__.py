"""What people see: schemas, tooltips, and thin `execute`s over motion_models, sampling and
training."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..motion_models.files import register_folders
from .animate import Animate
from .lora import DomainAdapter, LoadMotionLora
from .measure import MeasureMotion
from .motion_model import ApplyMotionModel, LoadMotionModel
from .noise import FreeInitNode, FreeNoiseNode
from .prompts import PromptTravel
from .small_world import SmallWorldModels
from .training import TrainDomainAdapter, TrainMotionLora, TrainMotionModule
from .training_data import ClipsFromImages, EncodeClips, LoadVideoClips, MoveCamera
from .training_settings import TrainingSettingsNode
from .windows import ContextWindows, PreviewWindows

NODES: list[type[io.ComfyNode]] = [
    Animate,
    LoadMotionModel,
    LoadMotionLora,
    ApplyMotionModel,
    DomainAdapter,
    ContextWindows,
    PreviewWindows,
    PromptTravel,
    FreeNoiseNode,
    FreeInitNode,
    LoadVideoClips,
    ClipsFromImages,
    MoveCamera,
    EncodeClips,
    TrainingSettingsNode,
    TrainDomainAdapter,
    TrainMotionModule,
    TrainMotionLora,
    MeasureMotion,
    SmallWorldModels,
]


class AnimateDiffKit(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        register_folders()
        return NODES
