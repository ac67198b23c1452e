"""Which scene the help page of which node shows; nodes that do the same to a clip share one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import scenes_control, scenes_motion, scenes_noise, scenes_time, scenes_training
from .kept import Frames

SCENES: dict[str, Callable[[int], Frames]] = {
    # picture of a node -> what draws it from a seed
    "ADK_Animate": scenes_motion.still_and_moving,
    "ADK_ApplyCameraControl": scenes_control.rays,
    "ADK_ApplyImageToVideo": scenes_control.frame_code,
    "ADK_ApplyMotionModel": scenes_motion.strength,
    "ADK_ApplyPIA": scenes_time.affinities,
    "ADK_ApplySparseControl": scenes_control.placements,
    "ADK_AudioStrength": scenes_time.sound,
    "ADK_BlendPrompts": scenes_time.blend,
    "ADK_CameraMove": scenes_training.camera,
    "ADK_CameraPath": scenes_control.path,
    "ADK_ClipsFromImages": scenes_training.cut_images,
    "ADK_ContextWindows": scenes_motion.long_video,
    "ADK_Continue": scenes_time.continued,
    "ADK_ControlStrength": scenes_time.hint,
    "ADK_DomainAdapter": scenes_motion.adapter,
    "ADK_EncodeClips": scenes_training.encoded,
    "ADK_FreeInit": scenes_motion.refined,
    "ADK_FreeNoise": scenes_noise.repeated_noise,
    "ADK_JoinContinuation": scenes_time.joined,
    "ADK_LoadMotionLoRA": scenes_motion.camera_moves,
    "ADK_MeasureMotion": scenes_training.measured,
    "ADK_ModelGuidance": scenes_motion.guidance,
    "ADK_ModelNoise": scenes_noise.constant_noise,
    "ADK_NoiseSchedule": scenes_noise.schedules,
    "ADK_PlayForthAndBack": scenes_time.forth_and_back,
    "ADK_PreviewWindows": scenes_motion.moving_windows,
    "ADK_PromptTravel": scenes_time.travel,
    "ADK_SmallWorldModels": scenes_motion.small_world,
    "ADK_Strength": scenes_time.easings,
    "ADK_StretchPositions": scenes_motion.positions,
    "ADK_TrainDomainAdapter": partial(scenes_training.run, "adapter"),
    "ADK_TrainMotionLoRA": partial(scenes_training.run, "lora"),
    "ADK_TrainMotionModule": partial(scenes_training.run, "module"),
    "ADK_VideoClips": scenes_training.cut_videos,
}
