"""Inputs and outputs that the nodes of all three stages have, each said once."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...training.engine.export import SPELLINGS
from ..schema import EncodedClipsSocket, TrainingSettingsSocket, advanced


def model_input() -> Any:
    return io.Model.Input(
        "model",
        tooltip="An SD1.5 or SDXL model. LoRAs and a domain adapter on it are merged and frozen; "
        "it is not changed.",
    )


def shared_inputs(name: str, *, rank: int | None = None) -> list[Any]:
    """The inputs that all stages have, in the order of the contract."""
    clips = EncodedClipsSocket.Input("clips", tooltip="From Encode Clips.")
    ranks = [] if rank is None else [rank_input(rank)]
    settings = TrainingSettingsSocket.Input("settings", tooltip="From Training Settings.")
    resume = io.String.Input(
        "resume",
        default="",
        tooltip="Empty starts a new run. The name of a run's folder (the log has it) goes on where "
        "it stopped.",
    )
    file_name = io.String.Input(
        "name", default=name, tooltip="Name of the file, and of the run's folder."
    )
    return [clips, *ranks, settings, resume, file_name]


def eye_inputs() -> list[Any]:
    """What previews are seen through; the last inputs of every stage."""
    return [
        io.Vae.Input(
            "vae",
            optional=True,
            tooltip="Shows previews as they are, and measures how they move, which stop rules "
            "need. Without, they have the colours of live previews.",
        ),
        io.Clip.Input(
            "clip",
            optional=True,
            tooltip="For the prompts of previews in the settings. Without, previews have captions "
            "of the clips.",
        ),
    ]


def spelling_input() -> Any:
    return advanced(
        io.Combo.Input,
        "spelling",
        options=list(SPELLINGS),
        default=SPELLINGS[0],
        tooltip="Names of the weights in the file: the authors', which AnimateDiff packs read, or "
        "those of diffusers.",
    )


def rank_input(default: int) -> Any:
    return io.Int.Input(
        "rank",
        default=default,
        min=1,
        max=1024,
        tooltip=f"Rank of the LoRA; the authors' have {default}. Less: small files, a fast start.",
    )


def shared_outputs() -> list[Any]:
    return [
        io.String.Output(
            "file_name", display_name="file_name", tooltip="Name of the file that was written."
        ),
        io.Image.Output(
            "loss_plot", display_name="loss_plot", tooltip="The loss over the steps, drawn."
        ),
        io.Image.Output("previews", display_name="previews", tooltip="Frames of the last preview."),
    ]
