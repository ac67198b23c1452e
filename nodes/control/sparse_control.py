"""SparseCtrl: load a file; put hint images at frames."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...motion_models.adapters.sparse_control.control import SparseControl, apply_sparse_control
from ...motion_models.adapters.sparse_control.load import load_sparse_control
from ...motion_models.adapters.sparse_control.placement import (
    INDICES,
    SPREADS,
    HintFrames,
    read_indices,
)
from ...motion_models.folders import CONTROL_NETS, MOTION_MODELS, find_file, list_files
from ..inputs import percent_inputs, strength_input
from ..schema import CATEGORY, schema
from ..weights_files import file_input, found, state_of_file

FOLDERS = (CONTROL_NETS, MOTION_MODELS)
CONTROL_CATEGORY = f"{CATEGORY}/control"


class LoadSparseControl(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_LoadSparseControl",
            display_name="Load SparseCtrl Model",
            category=CONTROL_CATEGORY,
            description="Loads a SparseCtrl model, rgb or scribble, which steers a whole video by "
            "pictures of a few of its frames.",
            search_aliases=["sparsectrl", "v3_sd15_sparsectrl_rgb", "sparse controlnet"],
            inputs=[
                file_input(
                    "sparse_control",
                    list_files(*FOLDERS),
                    "A SparseCtrl file (v3_sd15_sparsectrl_rgb or scribble) from "
                    "models/controlnet or models/animatediff_models.",
                )
            ],
            outputs=[
                io.ControlNet.Output(
                    "loaded_sparse_control",
                    display_name="sparse_control",
                    tooltip="For Apply SparseCtrl.",
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, sparse_control: str | None = None) -> bool | str:
        return found(sparse_control, *FOLDERS)

    @classmethod
    def fingerprint_inputs(cls, sparse_control: str | None = None, **others: Any) -> str:
        return state_of_file(sparse_control, *FOLDERS)

    @classmethod
    def execute(cls, sparse_control: str) -> io.NodeOutput:
        return io.NodeOutput(load_sparse_control(find_file(sparse_control, *FOLDERS)))


class ApplySparseControl(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ApplySparseControl",
            display_name="Apply SparseCtrl",
            category=CONTROL_CATEGORY,
            description="Puts hint images at frames of the video; the other frames follow them. "
            "Stacks with ControlNets, before or behind them.",
            search_aliases=["sparsectrl", "image to video", "keyframes", "interpolate images"],
            inputs=[
                io.Conditioning.Input("positive", tooltip="What shall be seen."),
                io.Conditioning.Input("negative", tooltip="What shall not be seen."),
                io.ControlNet.Input("sparse_control", tooltip="From Load SparseCtrl Model."),
                io.Image.Input(
                    "images",
                    tooltip="The hint images: pictures for the rgb model, white lines on black "
                    "for the scribble model. They are cropped and resized to the video.",
                ),
                io.Combo.Input(
                    "placement",
                    options=[INDICES, *SPREADS],
                    default=INDICES,
                    tooltip="Which frames the images are of. indices: those of frame_indices. "
                    "uniform: from the first to the last. starting, ending, center: the first, "
                    "last or middle frame of as many even parts.",
                ),
                io.String.Input(
                    "frame_indices",
                    default="0",
                    tooltip="For the placement indices: one frame for each image, like 0, 8, -1. "
                    "0 is the first frame, -1 the last. One image may be given several.",
                ),
                strength_input(
                    "strength", "How much the hints steer. 1 is as trained.", lowest=0.0
                ),
                *percent_inputs("SparseCtrl"),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="The checkpoint's VAE. The rgb model needs it, the scribble model "
                    "does not.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    "steered_positive",
                    display_name="positive",
                    tooltip="For positive of a sampler.",
                ),
                io.Conditioning.Output(
                    "steered_negative",
                    display_name="negative",
                    tooltip="For negative of a sampler.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        positive: Any,
        negative: Any,
        sparse_control: Any,
        images: Any,
        placement: str = INDICES,
        frame_indices: str = "0",
        strength: float = 1.0,
        start_percent: float = 0.0,
        end_percent: float = 1.0,
        vae: Any = None,
    ) -> io.NodeOutput:
        if not isinstance(sparse_control, SparseControl):
            raise ValueError(
                "sparse_control is another ControlNet. Connect Load SparseCtrl Model; Apply "
                "ControlNet takes the others."
            )
        indices = read_indices(frame_indices) if placement == INDICES else ()
        steered = apply_sparse_control(
            (positive, negative),
            sparse_control,
            images,
            HintFrames(placement, indices),
            strength,
            (start_percent, end_percent),
            vae,
        )
        return io.NodeOutput(*steered)
