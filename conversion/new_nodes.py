"""The nodes that take the place of old ones: this pack's and ComfyUI's own, as a file needs to know
them. `tests/conversion/test_new_nodes.py` holds the table against the nodes themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SOCKET = object()
"""In the place of a default: an input that is a socket, with no value of its own."""

WIDTH, ROW, MARGIN = 320, 26, 46
"""How large a node is drawn, in the page's pixels: its width, a socket or widget, the rest."""


@dataclass(frozen=True)
class New:
    """`title` is the name that people see; `inputs` are (name, type, default), in their order;
    `outputs` (name, type)."""

    title: str
    inputs: tuple[tuple[str, str, Any], ...]
    outputs: tuple[tuple[str, str], ...]

    @property
    def types(self) -> dict[str, str]:
        return {name: kind for name, kind, _ in self.inputs}

    @property
    def sockets(self) -> list[str]:
        return [name for name, _, default in self.inputs if default is SOCKET]

    @property
    def widgets(self) -> dict[str, Any]:
        return {name: default for name, _, default in self.inputs if default is not SOCKET}

    @property
    def size(self) -> list[int]:
        rows = max(len(self.sockets), len(self.outputs)) + len(self.widgets)
        return [WIDTH, MARGIN + ROW * rows]


MODEL = ("model", "MODEL", SOCKET)
MOTION = ("motion_model", "ADK_MOTION_MODEL", SOCKET)

NEW_NODES: dict[str, New] = {
    "ADK_LoadMotionModel": New(
        "Load Motion Model (AnimateDiff)",
        (("motion_model", "COMBO", None), ("family", "COMBO", "automatic")),
        (("motion_model", "ADK_MOTION_MODEL"),),
    ),
    "ADK_LoadMotionLoRA": New(
        "Load MotionLoRA (AnimateDiff)",
        (MOTION, ("lora", "COMBO", None), ("strength", "FLOAT", 1.0)),
        (("motion_model", "ADK_MOTION_MODEL"),),
    ),
    "ADK_ApplyMotionModel": New(
        "Apply Motion Model (AnimateDiff)",
        (
            MODEL,
            MOTION,
            ("strength", "FLOAT", 1.0),
            ("motion_scale", "FLOAT", 1.0),
            ("beta_schedule", "COMBO", "automatic"),
            ("start_percent", "FLOAT", 0.0),
            ("end_percent", "FLOAT", 1.0),
            ("norms", "COMBO", "automatic"),
            ("preview", "BOOLEAN", True),
            ("strength_over_time", "ADK_STRENGTH", SOCKET),
            ("scale_over_time", "ADK_STRENGTH", SOCKET),
        ),
        (("model", "MODEL"),),
    ),
    "ADK_Strength": New(
        "Schedule Strength",
        (
            ("value", "FLOAT", 1.0),
            ("per_frame", "STRING", ""),
            ("per_step", "STRING", ""),
            ("easing", "COMBO", "linear"),
            ("outside", "FLOAT", 0.0),
            ("invert", "BOOLEAN", False),
            ("frames", "INT", 16),
            ("mask", "MASK", SOCKET),
            ("floats", "FLOAT", SOCKET),
        ),
        (("strength", "ADK_STRENGTH"), ("image", "IMAGE")),
    ),
    "ADK_NoiseSchedule": New(
        "Set Noise Schedule (AnimateDiff)",
        (MODEL, ("beta_schedule", "COMBO", "AnimateDiff")),
        (("model", "MODEL"),),
    ),
    "ADK_ModelNoise": New(
        "Set Initial Noise (FreeNoise)",
        (
            MODEL,
            ("noise", "COMBO", "FreeNoise"),
            ("length", "INT", 0),
            ("overlap", "INT", 4),
            ("seed_offset", "INT", 0),
            ("batch_offset", "INT", 0),
            ("generator", "COMBO", "ComfyUI"),
        ),
        (("model", "MODEL"),),
    ),
    "ADK_ModelGuidance": New(
        "Set Guidance (CFG)",
        (MODEL, ("cfg", "FLOAT", 7.0)),
        (("model", "MODEL"),),
    ),
    "ADK_ContextWindows": New(
        "Slide Context Windows (AnimateDiff)",
        (
            MODEL,
            ("length", "INT", 16),
            ("overlap", "INT", 4),
            ("stride", "INT", 1),
            ("schedule", "COMBO", "shifted"),
            ("fuse", "COMBO", "pyramid"),
            ("closed_loop", "BOOLEAN", False),
            ("on_equal_length", "BOOLEAN", False),
            ("view_length", "INT", 0),
            ("view_overlap", "INT", 4),
            ("start_percent", "FLOAT", 0.0),
        ),
        (("model", "MODEL"),),
    ),
    "ADK_PlayForthAndBack": New(
        "Play Forth and Back", (("images", "IMAGE", SOCKET),), (("both", "IMAGE"),)
    ),
    "ADK_PromptTravel": New(
        "Prompt Travel",
        (
            ("clip", "CLIP", SOCKET),
            ("prompts", "STRING", ""),
            ("frames", "INT", 16),
            ("before", "STRING", ""),
            ("after", "STRING", ""),
            ("interpolation", "COMBO", "linear"),
            ("latent", "LATENT", SOCKET),
            ("pw_a", "FLOAT", 0.0),
            ("pw_b", "FLOAT", 0.0),
            ("pw_c", "FLOAT", 0.0),
            ("pw_d", "FLOAT", 0.0),
            ("join", "COMBO", "commas"),
        ),
        (("conditioning", "CONDITIONING"), ("negative", "CONDITIONING")),
    ),
    # ComfyUI's own
    "CheckpointLoaderSimple": New(
        "Load Checkpoint",
        (("ckpt_name", "COMBO", None),),
        (("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")),
    ),
    "EmptyLatentImage": New(
        "Empty Latent Image",
        (("width", "INT", 512), ("height", "INT", 512), ("batch_size", "INT", 1)),
        (("LATENT", "LATENT"),),
    ),
    "CreateVideo": New(
        "Create Video",
        (
            ("images", "IMAGE", SOCKET),
            ("fps", "FLOAT", 30.0),
            ("audio", "AUDIO", SOCKET),
        ),
        (("VIDEO", "VIDEO"),),
    ),
    "SaveVideo": New(
        "Save Video",
        (
            ("video", "VIDEO", SOCKET),
            ("filename_prefix", "STRING", "video/ComfyUI"),
            ("format", "COMBO", "auto"),
            ("codec", "COMBO", "auto"),
        ),
        (),
    ),
    "SaveAnimatedWEBP": New(
        "Save Animated WEBP",
        (
            ("images", "IMAGE", SOCKET),
            ("filename_prefix", "STRING", "ComfyUI"),
            ("fps", "FLOAT", 6.0),
            ("lossless", "BOOLEAN", True),
            ("quality", "INT", 80),
            ("method", "COMBO", "default"),
        ),
        (),
    ),
}


def widget_values(kind: str, values: dict[str, Any]) -> list[Any]:
    """The values of a node in the order of its widgets; those not given take their defaults."""
    return [values.get(name, default) for name, default in NEW_NODES[kind].widgets.items()]
