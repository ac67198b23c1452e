"""Rows of the table of settings (config.py) that are of LoRAs, of noise, of resuming and of
several processes: what peers offer beside the authors' recipe. At their defaults nothing is
computed otherwise."""

from __future__ import annotations

from ..models.lora_shape import SITES
from .bounds import NOT_NEGATIVE, Bounds
from .setting import setting

LORA_SITES = setting(
    "all",
    "Which part of the UNet a LoRA is trained in: the down blocks settle what a clip shows, the up "
    "blocks how it looks and moves.",
    choices=tuple(SITES),
    added=True,
)
LORA_FEED_FORWARD = setting(
    False,
    "Whether a MotionLoRA changes the feed-forward layers, too, beside the attentions. Larger "
    "files; other packs may leave these layers out.",
    added=True,
)
LORA_ALPHA = setting(
    0.0,
    "The LoRA's change is scaled by alpha / rank, in training and in the file, which needs no "
    "alpha then. 0: alpha is the rank.",
    bounds=NOT_NEGATIVE,
    offered=(0.0, 1024.0),
    step=0.5,
    added=True,
)
LORA_PLUS = setting(
    1.0,
    "LoRA+: how many times the learning rate the up matrices get, usually 4 to 16; 1 is off.",
    bounds=Bounds(0, 1000, open_least=True),
    offered=(0.1, 64.0),
    step=0.1,
    added=True,
)
INPUT_PERTURBATION = setting(
    0.0,
    "Noise that is added to the noisy clips and not asked back, usually 0.1, so that a motion "
    "module learns to repair flicker; 0 is off.",
    bounds=NOT_NEGATIVE,
    offered=(0.0, 1.0),
    step=0.01,
    added=True,
)
RESUME_CHANGES = setting(
    "",
    "Names of settings, with commas between, that a resumed run may change, such as: "
    "learning_rate, weight_decay.",
    free=True,
    added=True,
)
GRADIENT_EXCHANGE = setting(
    "fp32",
    "How gradients travel between processes. bf16 halves what travels, which slow networks between "
    "machines need, and rounds it to 8 bits.",
    choices=("fp32", "bf16"),
    added=True,
)


def names_in(text: str) -> list[str]:
    """Of a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
