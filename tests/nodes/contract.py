"""The nodes' public contract, which shared workflow files hold for years: ids, types, defaults,
order."""

from __future__ import annotations

from typing import Any

MODEL, MOTION, COMBO, FLOAT = "MODEL", "ADK_MOTION_MODEL", "COMBO", "FLOAT"
INT, STRING, BOOLEAN, SAMPLER = "INT", "STRING", "BOOLEAN", "SAMPLER"
CLIPS, ENCODED, SETTINGS = "ADK_CLIPS", "ADK_ENCODED_CLIPS", "ADK_TRAINING_SETTINGS"
FILE = object()
"""Stands for the first of the files that lie on this machine."""

WINDOWS: list[tuple[str, str, Any]] = [
    ("length", INT, 16),
    ("overlap", INT, 4),
    ("stride", INT, 1),
    ("schedule", COMBO, "standard_static"),
    ("fuse", COMBO, "pyramid"),
    ("closed_loop", BOOLEAN, False),
]

INPUTS: dict[str, list[tuple[str, str, Any]]] = {
    # node id -> (input id, type, default), in their order; sockets have no default
    "ADK_LoadMotionModel": [("motion_model", COMBO, FILE), ("family", COMBO, "automatic")],
    "ADK_LoadMotionLoRA": [
        ("motion_model", MOTION, None),
        ("lora", COMBO, FILE),
        ("strength", FLOAT, 1.0),
    ],
    "ADK_ApplyMotionModel": [
        ("model", MODEL, None),
        ("motion_model", MOTION, None),
        ("strength", FLOAT, 1.0),
        ("motion_scale", FLOAT, 1.0),
        ("beta_schedule", COMBO, "automatic"),
        ("start_percent", FLOAT, 0.0),
        ("end_percent", FLOAT, 1.0),
    ],
    "ADK_DomainAdapter": [
        ("model", MODEL, None),
        ("adapter", COMBO, FILE),
        ("scale", FLOAT, 1.0),
    ],
    "ADK_Animate": [
        ("model", MODEL, None),
        ("motion_model", COMBO, FILE),
        ("motion_lora", COMBO, "none"),
        ("lora_strength", FLOAT, 1.0),
        ("motion_scale", FLOAT, 1.0),
        ("context_length", INT, 16),
        ("context_overlap", INT, 4),
        ("beta_schedule", COMBO, "automatic"),
    ],
    "ADK_ContextWindows": [("model", MODEL, None), *WINDOWS],
    "ADK_PreviewWindows": [("frames", INT, 64), *WINDOWS],
    "ADK_FreeNoise": [
        ("latent", "LATENT", None),
        ("seed", INT, 0),
        ("length", INT, 16),
        ("overlap", INT, 4),
    ],
    "ADK_FreeInit": [
        ("sampler", SAMPLER, None),
        ("iterations", INT, 3),
        ("filter", COMBO, "butterworth"),
    ],
    "ADK_PromptTravel": [
        ("clip", "CLIP", None),
        ("prompts", STRING, "0: a meadow in spring\n16: a meadow in deep snow"),
        ("frames", INT, 16),
        ("before", STRING, ""),
        ("after", STRING, ""),
        ("interpolation", COMBO, "linear"),
    ],
    "ADK_VideoClips": [
        ("source", STRING, ""),
        ("frames", INT, 16),
        ("stride", INT, 4),
        ("width", INT, 256),
        ("height", INT, 256),
        ("captions", COMBO, "sidecar"),
        ("caption", STRING, ""),
        ("seed", INT, 0),
        ("clips_per_video", INT, 1),
        ("mirror", BOOLEAN, False),
        ("aspect_buckets", BOOLEAN, False),
    ],
    "ADK_ClipsFromImages": [
        ("images", "IMAGE", None),
        ("caption", STRING, ""),
        ("stride", INT, 1),
        ("frames", INT, 0),
        ("width", INT, 0),
        ("height", INT, 0),
    ],
    "ADK_CameraMove": [
        ("clips", f"{CLIPS},IMAGE", None),
        ("move", COMBO, "zoom in"),
        ("amount", FLOAT, 1.0),
        ("caption", STRING, ""),
        ("frames", INT, 16),
        ("width", INT, 256),
        ("height", INT, 256),
        ("seed", INT, 0),
    ],
    "ADK_EncodeClips": [
        ("clips", CLIPS, None),
        ("vae", "VAE", None),
        ("clip", "CLIP", None),
        ("cache_folder", STRING, ""),
    ],
    "ADK_TrainingSettings": [
        ("steps", INT, 1000),
        ("batch_size", INT, 1),
        ("learning_rate", FLOAT, 1e-4),
        ("optimizer", COMBO, "adamw"),
        ("precision", COMBO, "automatic"),
        ("gradient_checkpointing", BOOLEAN, True),
        ("gradient_accumulation", INT, 1),
        ("warmup", INT, 0),
        ("ema", FLOAT, 0.0),
        ("seed", INT, 0),
        ("save_every", INT, 250),
        ("preview_every", INT, 100),
    ],
    "ADK_TrainDomainAdapter": [
        ("model", MODEL, None),
        ("clips", ENCODED, None),
        ("rank", INT, 128),
        ("settings", SETTINGS, None),
        ("resume", STRING, ""),
    ],
    "ADK_TrainMotionModule": [
        ("model", MODEL, None),
        ("clips", ENCODED, None),
        ("settings", SETTINGS, None),
        ("resume", STRING, ""),
    ],
    "ADK_TrainMotionLoRA": [
        ("model", MODEL, None),
        ("motion_model", MOTION, None),
        ("clips", ENCODED, None),
        ("rank", INT, 64),
        ("settings", SETTINGS, None),
        ("resume", STRING, ""),
    ],
    "ADK_MeasureMotion": [
        ("images", "IMAGE", None),
        ("window_length", INT, 16),
        ("window_overlap", INT, 4),
    ],
    "ADK_SmallWorldModels": [("image_model", COMBO, "base")],
}
OUTPUTS: dict[str, list[str]] = {
    "ADK_LoadMotionModel": [MOTION],
    "ADK_LoadMotionLoRA": [MOTION],
    "ADK_ApplyMotionModel": [MODEL],
    "ADK_DomainAdapter": [MODEL],
    "ADK_Animate": [MODEL],
    "ADK_ContextWindows": [MODEL],
    "ADK_PreviewWindows": ["IMAGE"],
    "ADK_FreeNoise": ["NOISE"],
    "ADK_FreeInit": [SAMPLER],
    "ADK_PromptTravel": ["CONDITIONING", "CONDITIONING"],
    "ADK_TrainingSettings": [SETTINGS],
    "ADK_TrainDomainAdapter": [STRING, "IMAGE", "IMAGE"],
    "ADK_TrainMotionModule": [MOTION, STRING, "IMAGE", "IMAGE"],
    "ADK_TrainMotionLoRA": [MOTION, STRING, "IMAGE", "IMAGE"],
    "ADK_MeasureMotion": ["IMAGE", STRING],
    "ADK_VideoClips": [CLIPS],
    "ADK_ClipsFromImages": [CLIPS],
    "ADK_CameraMove": [CLIPS],
    "ADK_EncodeClips": ["ADK_ENCODED_CLIPS"],
    "ADK_SmallWorldModels": [MODEL, "CLIP", "VAE"],
}

FOLDED = {
    "ADK_LoadMotionModel": {"family"},
    "ADK_ApplyMotionModel": {"beta_schedule", "start_percent", "end_percent"},
    "ADK_Animate": {"beta_schedule"},
    "ADK_ContextWindows": {"stride"},
    "ADK_PreviewWindows": {"stride"},
    "ADK_FreeInit": {"filter"},
    "ADK_PromptTravel": {"interpolation", "pw_a", "pw_b", "pw_c", "pw_d", "join"},
    "ADK_VideoClips": {"seed", "clips_per_video", "mirror", "aspect_buckets"},
    "ADK_CameraMove": {"seed"},
    "ADK_TrainingSettings": {
        "caption_dropout",
        "snr_gamma",
        "noise_offset",
        "debias",
        "min_timestep",
        "max_timestep",
        "timestep_draw",
    },
    "ADK_TrainMotionModule": {"family", "spelling"},
    "ADK_TrainMotionLoRA": {"spelling"},
}
