"""What people see: schemas, tooltips, and thin `execute`s over motion_models, sampling and
training."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..motion_models.folders import register_folders
from ..small_world import files as small_world_files
from .animate import Animate
from .control.audio import AudioStrength
from .control.camera import ApplyCameraControl, CameraPath
from .control.continuation import Continue, JoinContinuation
from .control.control_net import ControlStrength
from .control.image_to_video import ApplyImageToVideo
from .control.pia import ApplyPIA
from .control.positions import StretchPositions
from .control.prompts import BlendPrompts
from .control.sparse_control import ApplySparseControl, LoadSparseControl
from .control.strength import Strength
from .evolved import evolved_nodes
from .evolved.replacements import complete_prompts, register_replacements
from .frames import PlayForthAndBack
from .lora import DomainAdapter, LoadMotionLora
from .model_options import ModelGuidance, ModelNoiseNode, NoiseSchedule
from .motion_model import ApplyMotionModel, LoadMotionModel
from .noise import FreeInitNode, FreeNoiseNode
from .page import show_warnings
from .prompts import PromptTravel
from .ranks import join_ranks
from .small_world import SmallWorldModels
from .training.camera import MoveCamera
from .training.clips import LoadVideoClips
from .training.clips_from_images import ClipsFromImages
from .training.contact_sheet import ContactSheet
from .training.encode import EncodeClips
from .training.measure import MeasureMotion
from .training.panel import add_routes
from .training.settings import TrainingSettingsNode
from .training.start import StartTraining
from .training.train import TrainDomainAdapter, TrainMotionLora, TrainMotionModule
from .training.train_camera import TrainCameraMove
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
    Strength,
    AudioStrength,
    Continue,
    JoinContinuation,
    PlayForthAndBack,
    BlendPrompts,
    ControlStrength,
    StretchPositions,
    LoadSparseControl,
    ApplySparseControl,
    ApplyPIA,
    ApplyImageToVideo,
    CameraPath,
    ApplyCameraControl,
    FreeNoiseNode,
    FreeInitNode,
    NoiseSchedule,
    ModelNoiseNode,
    ModelGuidance,
    LoadVideoClips,
    ClipsFromImages,
    MoveCamera,
    ContactSheet,
    EncodeClips,
    TrainingSettingsNode,
    TrainDomainAdapter,
    TrainMotionModule,
    TrainMotionLora,
    TrainCameraMove,
    StartTraining,
    MeasureMotion,
    SmallWorldModels,
]


class AnimateDiffKit(ComfyExtension):
    async def on_load(self) -> None:
        """ComfyUI 0.14 and newer call it before they ask for the nodes."""
        await register_replacements()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        show_warnings()
        complete_prompts()
        add_routes()
        register_folders()
        join_ranks()
        small_world_files.register_folders()
        return [*NODES, *evolved_nodes()]
