"""What people see: schemas, tooltips, and thin `execute`s over motion_models, sampling and
training."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..motion_models.files import register_folders
from .animate import Animate
from .encode_clips import EncodeClips
from .load_clips import ClipsFromImages, LoadVideoClips
from .lora import DomainAdapter, LoadMotionLora
from .measure import MeasureMotion
from .motion_model import ApplyMotionModel, LoadMotionModel
from .move_camera import MoveCamera
from .noise import FreeInitNode, FreeNoiseNode
from .prompts import PromptTravel
from .small_world import SmallWorldModels
from .training import TrainDomainAdapter, TrainMotionLora, TrainMotionModule
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
