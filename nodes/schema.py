"""Builds node schemas on every supported ComfyUI: the one file of version differences for nodes.

Keywords that came after 0.3.75 (search_aliases in 0.11, advanced in 0.10) are dropped where this
ComfyUI does not know them; it would refuse the whole pack otherwise.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from comfy_api.latest import io

CATEGORY = "AnimateDiff Kit"
PACK_WORD = "animatediff"

MotionModelSocket = io.Custom("ADK_MOTION_MODEL")
ClipsSocket = io.Custom("ADK_CLIPS")
EncodedClipsSocket = io.Custom("ADK_ENCODED_CLIPS")
TrainingSettingsSocket = io.Custom("ADK_TRAINING_SETTINGS")
StrengthSocket = io.Custom("ADK_STRENGTH")
CameraPathSocket = io.Custom("ADK_CAMERA_PATH")


def schema(**keywords: Any) -> io.Schema:
    """`io.Schema` of the keywords that it has. Who searches for the pack finds every node that can
    be found at all, one with search_aliases."""
    if "search_aliases" in keywords:
        keywords["search_aliases"] = [*dict.fromkeys((*keywords["search_aliases"], PACK_WORD))]
    known = {field.name for field in dataclasses.fields(io.Schema)}
    return io.Schema(**{key: value for key, value in keywords.items() if key in known})


def advanced(input_class: Any, *arguments: Any, **keywords: Any) -> Any:
    """An input that is folded away, where this ComfyUI can fold."""
    if "advanced" in inspect.signature(input_class.__init__).parameters:
        keywords["advanced"] = True
    return input_class(*arguments, **keywords)


def socket(kind: str, id: str, tooltip: str) -> Any:
    """A socket that may stay empty, for a type that has a widget of its own or that this ComfyUI
    may not know (CURVE came after 0.3.75; nothing fits in where it is unknown)."""
    more = {"forceInput": True}
    return io.Custom(kind).Input(id, optional=True, tooltip=tooltip, extra_dict=more)
