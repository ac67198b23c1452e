"""A sound as a strength over the frames."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...sampling.values.audio import MEASURES, audio_values
from ...sampling.values.over_time import value_over_time
from ...sampling.values.picture import draw_value
from ..inputs import frames_input
from ..schema import CATEGORY, StrengthSocket, schema
from ..shown import picture_in_node


class AudioStrength(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        number: dict[str, Any] = dict(min=-100.0, max=100.0, step=0.01)
        return schema(
            node_id="ADK_AudioStrength",
            display_name="Convert Audio to Strength",
            category=f"{CATEGORY}/control",
            description="A strength that follows a sound: its loudness, its onsets or one of three "
            "bands, frame by frame, with a picture of the curve.",
            search_aliases=["audio reactive", "audio reactivity", "beat", "onset", "music"],
            inputs=[
                io.Audio.Input("audio", tooltip="The sound, from its start; mixed to mono."),
                frames_input(16, 100_000, "Frames of the video: batch_size of its latent."),
                io.Float.Input(
                    "fps",
                    default=8.0,
                    min=0.1,
                    max=240.0,
                    step=0.1,
                    tooltip="Frames a second that the video will be saved with.",
                ),
                io.Combo.Input(
                    "measure",
                    options=list(MEASURES),
                    default="rms",
                    tooltip="rms: loudness. onsets: where sounds begin, as drums do. low, mid, "
                    "high: the energy below 250 Hz, from there to 4000 Hz, and above.",
                ),
                io.Float.Input(
                    "smoothing",
                    default=0.0,
                    min=0.0,
                    max=0.99,
                    step=0.01,
                    tooltip="How much of a value is left one frame later. It rises at once and "
                    "falls slowly, so that peaks stay on their frames.",
                ),
                io.Float.Input(
                    "low",
                    default=0.0,
                    tooltip="The value where the measure is lowest, and in silence.",
                    **number,
                ),
                io.Float.Input(
                    "high",
                    default=1.0,
                    tooltip="The value where the measure is highest; below low, the curve is "
                    "upside down.",
                    **number,
                ),
            ],
            outputs=[
                StrengthSocket.Output(
                    "audio_strength",
                    display_name="strength",
                    tooltip="A strength for each frame: for any socket of that type.",
                ),
                io.Float.Output(
                    "numbers",
                    display_name="floats",
                    tooltip="The same as a list of numbers, one a frame.",
                ),
                io.Image.Output(
                    "picture", display_name="image", tooltip="The strength over the frames, drawn."
                ),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        audio: Any,
        frames: int = 16,
        fps: float = 8.0,
        measure: str = "rms",
        smoothing: float = 0.0,
        low: float = 0.0,
        high: float = 1.0,
    ) -> io.NodeOutput:
        numbers = audio_values(audio, frames, fps, measure, smoothing, low, high)
        strength = value_over_time(numbers=numbers)
        picture = draw_value(strength, frames)
        return io.NodeOutput(strength, numbers, picture, ui=picture_in_node(picture, cls))
