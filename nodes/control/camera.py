"""CameraCtrl: a path of the camera, and a model that follows it."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...motion_models.adapters.camera_control.apply import CameraSettings, apply_camera_control
from ...motion_models.adapters.camera_control.path import read_poses, write_poses
from ...motion_models.adapters.camera_control.read import load_camera_control
from ...motion_models.folders import MOTION_MODELS, find_file, list_files
from ...motion_models.last_loaded import keep_for, reused
from ...sampling.camera_paths import MOVE_EASINGS, CameraMove, camera_path
from ...sampling.camera_picture import draw_path
from ...sampling.values.over_time import combined
from ..inputs import frames_input, percent_inputs, strength_input, strength_socket
from ..schema import CATEGORY, CameraPathSocket, advanced, schema
from ..shown import picture_in_node
from ..weights_files import file_input, found, state_of_file
from .strength import CHECKED_AT_ONCE


def move_input(id: str, tooltip: str, most: float) -> Any:
    return io.Float.Input(id, default=0.0, min=-most, max=most, step=0.01, tooltip=tooltip)


class CameraPath(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_CameraPath",
            display_name="Plan Camera Path (CameraCtrl)",
            category=f"{CATEGORY}/control",
            description="Where the camera stands in each frame: by moves, which can be joined one "
            "behind the other, or by poses in RealEstate10K's format. A picture shows the path.",
            search_aliases=["cameractrl", "camera poses", "zoom", "pan", "tilt", "roll", "orbit"],
            inputs=[
                frames_input(16, 4096, "Frames of the move: batch_size of the video's latent."),
                move_input("zoom", "Distance that the camera goes forward; below 0 back.", 100.0),
                move_input("pan", "Degrees that it turns to the right.", 720.0),
                move_input("tilt", "Degrees that it turns upwards.", 720.0),
                move_input("roll", "Degrees that it rolls clockwise.", 3600.0),
                move_input(
                    "orbit", "Degrees that it goes round what lies ahead, to the right.", 3600.0
                ),
                move_input("right", "Distance that it goes to the right without a turn.", 100.0),
                move_input("up", "Distance that it goes upwards without a turn.", 100.0),
                io.Combo.Input(
                    "easing",
                    options=list(MOVE_EASINGS),
                    default="linear",
                    tooltip="How the camera's speed changes: smooth starts and ends slowly.",
                ),
                advanced(
                    io.Float.Input,
                    "radius",
                    default=2.0,
                    min=0.01,
                    max=100.0,
                    step=0.01,
                    tooltip="Distance of the point that orbit goes round.",
                ),
                io.String.Input(
                    "poses",
                    default="",
                    multiline=True,
                    placeholder="RealEstate10K's text, or nothing",
                    tooltip="Poses in RealEstate10K's format, a line of 19 numbers a frame. The "
                    "move is made in them; other than frames in number, they are spread over them.",
                ),
                CameraPathSocket.Input(
                    "before",
                    optional=True,
                    tooltip="A path that this move goes on from; its frames are added to those.",
                ),
            ],
            outputs=[
                CameraPathSocket.Output(
                    "camera_path", display_name="path", tooltip="For Apply Camera Control."
                ),
                io.Image.Output("picture", display_name="image", tooltip="The path, drawn."),
                io.String.Output(
                    "text", display_name="poses", tooltip="The pose of each frame, as text."
                ),
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, poses: str | None = None) -> bool | str:
        """A text that comes through a link is None here; `execute` says what is wrong with it."""
        if poses is None or not poses.strip() or len(poses) > CHECKED_AT_ONCE:
            return True
        try:
            read_poses(poses)
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        frames: int = 16,
        zoom: float = 0.0,
        pan: float = 0.0,
        tilt: float = 0.0,
        roll: float = 0.0,
        orbit: float = 0.0,
        right: float = 0.0,
        up: float = 0.0,
        easing: str = "linear",
        radius: float = 2.0,
        poses: str = "",
        before: Any = None,
    ) -> io.NodeOutput:
        move = CameraMove(zoom, right, up, pan, tilt, roll, orbit, radius)
        given = read_poses(poses) if poses.strip() else None
        path = camera_path(frames, move, easing, before, given)
        picture = draw_path(path)
        shown = picture_in_node(picture, cls)
        return io.NodeOutput(path, picture, write_poses(path), ui=shown)


class ApplyCameraControl(io.ComfyNode):
    def __init__(self) -> None:
        super().__init__()
        keep_for(self)

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ApplyCameraControl",
            display_name="Apply Camera Control (CameraCtrl)",
            category=f"{CATEGORY}/control",
            description="Has the camera of an animation follow a path, with a CameraCtrl adapter. "
            "It was trained with the motion model v3 and 16 frames at once.",
            search_aliases=["cameractrl", "camera control", "camera motion"],
            inputs=[
                io.Model.Input(
                    "model", tooltip="A model that a motion model is applied to, best v3."
                ),
                file_input(
                    "camera_control",
                    list_files(MOTION_MODELS),
                    "A CameraCtrl adapter (CameraCtrl.ckpt) from models/animatediff_models.",
                ),
                CameraPathSocket.Input(
                    "camera_path", tooltip="From Plan Camera Path, of as many frames as the video."
                ),
                strength_input(
                    "strength", "How much the path steers. 1 is as trained.", lowest=0.0
                ),
                *percent_inputs("the camera's path"),
                strength_socket("strength_over_time", "the strength"),
            ],
            outputs=[
                io.Model.Output(
                    "steered_model",
                    display_name="model",
                    tooltip="The model, whose camera follows the path: for a sampler.",
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, camera_control: str | None = None) -> bool | str:
        return found(camera_control, MOTION_MODELS)

    @classmethod
    def fingerprint_inputs(cls, camera_control: str | None = None, **others: Any) -> str:
        return state_of_file(camera_control, MOTION_MODELS)

    @classmethod
    def execute(
        cls,
        model: Any,
        camera_control: str,
        camera_path: Any,
        strength: float = 1.0,
        start_percent: float = 0.0,
        end_percent: float = 1.0,
        strength_over_time: Any = None,
    ) -> io.NodeOutput:
        control = reused(load_camera_control, find_file(camera_control, MOTION_MODELS))
        how_much = combined(strength, strength_over_time)
        settings = CameraSettings(how_much, start_percent, end_percent)
        return io.NodeOutput(apply_camera_control(model, control, camera_path, settings))
