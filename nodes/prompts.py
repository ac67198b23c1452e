"""Prompts over time."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import comfy.utils
from comfy_api.latest import io

from ..sampling.easings import EASINGS
from ..sampling.expressions import Number
from ..sampling.frames import samples_of
from ..sampling.prompt_parts import JOINS, halves
from ..sampling.prompt_schedule import Keyframes, check_words, parse_prompts
from ..sampling.prompt_travel import (
    Conditioning,
    check_memory,
    plan_travel,
    travel_conditionings,
    warn_of_unseen,
)
from .inputs import frames_input
from .schema import CATEGORY, advanced, schema
from .texts import check_choice, check_text

CHECKED_AT_ONCE = 50_000
"""Characters that are read in a few hundredths of a second. ComfyUI answers nobody while it checks
a workflow, so longer texts are judged when the node runs."""


class PromptTravel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_PromptTravel",
            display_name="Prompt Travel",
            category=f"{CATEGORY}/prompts",
            description="Prompts that change over the frames, blended from one to the next.",
            search_aliases=[
                "batch prompt schedule",
                "prompt schedule",
                "prompt travel",
                "fizznodes",
            ],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the checkpoint."),
                io.String.Input(
                    "prompts",
                    multiline=True,
                    default="0: a meadow in spring\n16: a meadow in deep snow",
                    tooltip="One prompt a line: the frame where it is reached, a colon, the text. "
                    'FizzNodes\' "0": "text", "16": "text" is read too, and what stands behind '
                    "--neg, and numbers computed for each frame in backticks, such as "
                    "(snow:`0.5 + 0.5 * sin(t / max_f)`).",
                ),
                frames_input(
                    16,
                    100_000,
                    "Frames of the video: batch_size of its latent. Not used where latent is "
                    "connected.",
                ),
                io.String.Input("before", default="", tooltip="Text put before every prompt."),
                io.String.Input("after", default="", tooltip="Text put behind every prompt."),
                advanced(
                    io.Combo.Input,
                    "interpolation",
                    options=list(EASINGS),
                    default="linear",
                    tooltip="How the frames between two prompts blend: evenly, easing in and "
                    "out (smooth), not at all (step), or slowly at the start or the end alone.",
                ),
                io.Latent.Input(
                    "latent", optional=True, tooltip="The video's latent, to take frames from it."
                ),
                *(
                    advanced(
                        io.Float.Input,
                        name,
                        default=0.0,
                        min=-9999.0,
                        max=9999.0,
                        step=0.01,
                        optional=True,
                        tooltip=f"The value of `{name}` in the prompts' expressions: a number, or "
                        "a list of one a frame, of which the last holds.",
                    )
                    for name in WEIGHTS
                ),
                advanced(
                    io.Combo.Input,
                    "join",
                    options=list(JOINS),
                    default="commas",
                    optional=True,
                    tooltip="What stands between before, prompt and after: commas, or one space "
                    "as FizzNodes writes.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    "conditioning",
                    display_name="conditioning",
                    tooltip="A text embedding for each frame: positive of a KSampler.",
                ),
                io.Conditioning.Output(
                    "negative",
                    display_name="negative",
                    tooltip="What stands behind --neg in the prompts, before and after; the empty "
                    "text where nothing does.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, prompts: str | None = None) -> bool | str:
        """`prompts` is None where they come through a link, or are missing, of which ComfyUI tells;
        `execute` says what is wrong with those of a link, and with very long ones."""
        if prompts is None or (isinstance(prompts, str) and len(prompts) > CHECKED_AT_ONCE):
            return True
        try:
            parse_prompts(prompts)
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        clip: Any,
        prompts: str,
        frames: int,
        before: str = "",
        after: str = "",
        interpolation: str = "linear",
        latent: dict[str, Any] | None = None,
        pw_a: Number | list[Number] = 0.0,
        pw_b: Number | list[Number] = 0.0,
        pw_c: Number | list[Number] = 0.0,
        pw_d: Number | list[Number] = 0.0,
        join: str = "commas",
    ) -> io.NodeOutput:
        if clip is None:
            raise ValueError(
                "There is no text encoder: the checkpoint has none. Load one with Load CLIP, and "
                "connect it here."
            )
        frames = frames if latent is None else len(samples_of(latent))
        check_choice("join", join, JOINS)
        keyframes = parse_prompts(prompts)
        check_words("before", check_text("before", before))
        check_words("after", check_text("after", after))
        warn_of_unseen(keyframes, frames, interpolation)
        weights = zip(WEIGHTS, (pw_a, pw_b, pw_c, pw_d), strict=True)
        values = {name: series(name, given) for name, given in weights}
        return io.NodeOutput(
            *(
                encoded(clip, half, frames, interpolation, values)
                for half in schedule_halves(keyframes, before, after, join)
            )
        )


WEIGHTS = ("pw_a", "pw_b", "pw_c", "pw_d")


def series(name: str, values: Number | list[Number]) -> list[Number]:
    """One number or several as several. Raises ValueError for anything else."""
    numbers = list(values) if isinstance(values, list | tuple) else [values]
    if not numbers or not all(isinstance(value, int | float) for value in numbers):
        raise ValueError(f"{name} is {values!r}; connect a number, or a list of one a frame.")
    return numbers


def schedule_halves(
    keyframes: Keyframes, before: str, after: str, join: str
) -> tuple[Keyframes, Keyframes]:
    """The positive and the negative half of a schedule, with the texts round each prompt."""
    joined = JOINS[join]
    around = halves(before), halves(after)
    prompts = [(frame, halves(prompt)) for frame, prompt in keyframes]
    positive, negative = (
        [(frame, joined(around[0][k], both[k], around[1][k])) for frame, both in prompts]
        for k in (0, 1)
    )
    return positive, negative


def encoded(
    clip: Any,
    keyframes: Keyframes,
    frames: int,
    interpolation: str,
    values: dict[str, list[Number]],
) -> Conditioning:
    """An embedding a frame; a single one where every frame has the same text and no keyframes."""
    if not any(text for _, text in keyframes):
        keyframes, frames = keyframes[:1], 1
    travel = plan_travel(keyframes, frames, interpolation, values)
    texts = []
    progress = comfy.utils.ProgressBar(len(travel.texts))
    for text in travel.texts:
        comfy.model_management.throw_exception_if_processing_interrupted()
        # core's own call, which knows of Set CLIP Hooks
        texts.append(clip.encode_from_tokens_scheduled(clip.tokenize(text)))
        check_memory(texts[-1][0][0], len(travel.texts))
        progress.update(1)
    return travel_conditionings(texts, travel.blends)
