"""Prompts that change over the frames: text -> keyframes -> one embedding a frame.

Two ways of writing are read, and may be mixed with line breaks and trailing commas:

    0: a cat, spring            one prompt a line
    16: a cat, winter

    "0": "a cat, spring",       FizzNodes' way
    "16": "a cat, winter"

Quoted text is JSON's: \\n, \\", \\\\ and \\u00e9 are one character each; it may hold line breaks.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Keyframes = list[tuple[int, str]]

Conditioning = list[list[Any]]
"""ComfyUI's: [embedding, its other values] for each range of sampling steps; one without ranges."""

QUOTED = re.compile(r'\s*"(?P<frame>[^"]*)"\s*:\s*(?P<text>"(?:[^"\\]|\\.)*")[ \t]*,?[ \t]*', re.S)
PLAIN = re.compile(r"[ \t]*(?P<frame>[^:\n]*?)[ \t]*:(?P<text>[^\n]*)")

EXAMPLE = "Write one prompt a line, such as 0: a cat in spring"

EASINGS: dict[str, Callable[[float], float]] = {
    # how far, 0 to 1, a frame has gone from its keyframe to the next
    "linear": lambda u: u,
    "smooth": lambda u: (1 - math.cos(math.pi * u)) / 2,
    "step": lambda u: 0.0,
}


def parse_prompts(text: str) -> Keyframes:
    """(frame, prompt) in the order of frames, the first at frame 0.

    Raises ValueError with line and column for text that is no schedule, frames that are no whole
    numbers from 0 on, and frames that come twice; and where frame 0 has no prompt.
    """
    found: dict[int, str] = {}
    position = 0
    while text[position:].strip(" \t\r\n,"):
        position += len(text[position:]) - len(text[position:].lstrip(" \t\r\n,"))
        match = (QUOTED if text[position] == '"' else PLAIN).match(text, position)
        if match is None:
            raise malformed(
                text, position, "no frame number with a prompt behind a colon stands here"
            )
        frame = frame_number(text, match)
        if frame in found:
            raise malformed(text, match.start("frame"), f"frame {frame} has a prompt already")
        quoted = text[position] == '"'
        found[frame] = unquoted(text, match) if quoted else match["text"].strip(" \t\r")
        position = match.end()
    if 0 not in found:
        first = f"the first is at frame {min(found)}" if found else "there are none"
        raise ValueError(f"The prompts give frame 0 nothing to show; {first}. {EXAMPLE}.")
    return sorted(found.items())


def frame_number(text: str, match: re.Match[str]) -> int:
    written = match["frame"].strip()
    if not re.fullmatch(r"\d+", written):
        reason = f"{written!r} is no frame number; frames are whole numbers from 0 on"
        raise malformed(text, match.start("frame"), reason)
    return int(written)


def unquoted(text: str, match: re.Match[str]) -> str:
    try:
        return json.loads(match["text"], strict=False)
    except json.JSONDecodeError as error:
        backslash = match["text"].rindex("\\", 0, error.pos + 1)
        written = match["text"][backslash : backslash + 2]
        reason = f'{written} is no escape of JSON; write \\\\ for a backslash, \\" for a quote'
        raise malformed(text, match.start("text") + backslash, reason) from None


def malformed(text: str, position: int, reason: str) -> ValueError:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return ValueError(f"Prompts, line {line}, column {column}: {reason}. {EXAMPLE}.")


def blend_at(frame: int, keyframes: Sequence[int], interpolation: str) -> tuple[int, int, float]:
    """Which two keyframes (their places in the list) a frame lies between, and its way to the
    second.

    Behind the last keyframe its prompt stays. Raises ValueError for an unknown interpolation.
    """
    if interpolation not in EASINGS:
        raise ValueError(
            f"{interpolation!r} is no interpolation; choose one of {', '.join(EASINGS)}."
        )
    before = max(i for i, key in enumerate(keyframes) if key <= frame)
    if before + 1 == len(keyframes):
        return before, before, 0.0
    way = (frame - keyframes[before]) / (keyframes[before + 1] - keyframes[before])
    return before, before + 1, EASINGS[interpolation](way)


def travel_conditionings(
    prompts: Sequence[Conditioning], keyframes: Sequence[int], frames: int, how: str
) -> Conditioning:
    """The prompts at the keyframes -> one conditioning that holds an embedding a frame.

    Text encoders whose weights change over the sampling steps (Set CLIP Hooks) give an entry for
    each range of steps, the same ranges for every prompt: each range has a travel of its own. What
    an entry holds beside text and pooled text is the first prompt's.
    """
    ranges = zip(*prompts, strict=True)
    return [travel_entries(entries, keyframes, frames, how) for entries in ranges]


def travel_entries(
    entries: Sequence[list[Any]], keyframes: Sequence[int], frames: int, how: str
) -> list[Any]:
    """[1 t c, {pooled_output: 1 c, ...}] at each keyframe -> [frames t c, {frames c, ...}]"""
    texts, others = zip(*entries, strict=True)
    values = dict(others[0])
    if values.get("pooled_output") is not None:
        pooled = [other["pooled_output"] for other in others]
        values["pooled_output"] = travel(pooled, keyframes, frames, how)
    return [travel(same_length(texts), keyframes, frames, how), values]


def travel(embeddings: Sequence[Tensor], keyframes: Sequence[int], frames: int, how: str) -> Tensor:
    """One embedding a frame, blended between those of the keyframes.   each 1 t c -> frames t c"""
    rows = []
    for frame in range(frames):
        first, second, way = blend_at(frame, keyframes, how)
        start, end = embeddings[first], embeddings[second]
        rows.append(start if way == 0.0 else torch.lerp(start, end, way))
    return torch.cat(rows)


def same_length(embeddings: Sequence[Tensor]) -> list[Tensor]:
    """Text embeddings repeated to one number of tokens.   each 1 t c

    Attention over a text that is repeated as a whole gives what attention over the text gives, so a
    frame at its keyframe sees exactly its prompt.
    """
    tokens = math.lcm(*(embedding.shape[1] for embedding in embeddings))
    return [embedding.repeat(1, tokens // embedding.shape[1], 1) for embedding in embeddings]


def joined(before: str, prompt: str, after: str) -> str:
    """The three parts that are not empty, with commas between them."""
    parts = (part.strip().strip(",").strip() for part in (before, prompt, after))
    return ", ".join(part for part in parts if part)
