"""Foreign key grammars of motion models, as tables of substitutions, both ways.

The authors' grammar (guoyww/AnimateDiff) is the pack's own. Below `down_blocks.0.` they write

    official    motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0.to_q
    diffusers   motion_modules.0.transformer_blocks.0.attn1.to_q
    Hotshot-XL  temporal_attentions.0.transformer_blocks.0.attention_blocks.0.to_q
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Grammar = Literal["official", "diffusers", "hotshot"]
Rules = tuple[tuple[str, str], ...]

WRAPPERS = ("module.", "unet.", "model.diffusion_model.")
"""Prefixes that a training framework or a pipeline put before the whole state dict."""

TO_OFFICIAL: dict[Grammar, Rules] = {
    "official": (),
    "hotshot": (
        (r"\.temporal_attentions\.(\d+)\.", r".motion_modules.\1.temporal_transformer."),
        (r"\.pos_encoder\.positional_encoding$", ".pos_encoder.pe"),
    ),
    "diffusers": (
        (r"\.motion_modules\.(\d+)\.", r".motion_modules.\1.temporal_transformer."),
        (r"\.attn1(?=\.)", ".attention_blocks.0"),
        (r"\.attn2(?=\.)", ".attention_blocks.1"),
        (r"\.norm1(?=\.)", ".norms.0"),
        (r"\.norm2(?=\.)", ".norms.1"),
        (r"\.norm3(?=\.)", ".ff_norm"),
        (
            r"\.pos_embed\.pe$",
            ".attention_blocks.0.pos_encoder.pe",
        ),  # one table serves both attentions
    ),
}

OFFICIAL_TO_DIFFUSERS: Rules = (
    (r"\.temporal_transformer\.", "."),
    (r"\.attention_blocks\.0\.pos_encoder\.pe$", ".pos_embed.pe"),
    (r"\.attention_blocks\.0(?=\.)", ".attn1"),
    (r"\.attention_blocks\.1(?=\.)", ".attn2"),
    (r"\.norms\.0(?=\.)", ".norm1"),
    (r"\.norms\.1(?=\.)", ".norm2"),
    (r"\.ff_norm(?=\.)", ".norm3"),
)


def strip_wrappers(key: str) -> str:
    """`module.unet.down_blocks.0...` -> `down_blocks.0...`."""
    while True:
        prefix = next((w for w in WRAPPERS if key.startswith(w)), None)
        if prefix is None:
            return key
        key = key[len(prefix) :]


def strip_peft(key: str) -> str:
    """As strip_wrappers, and without what peft puts before a LoRA's whole state dict."""
    return strip_wrappers(key.removeprefix("base_model.model."))


def grammar_of(keys: Iterable[str]) -> Grammar:
    """The grammar that motion-module keys (or LoRA keys on them) are written in."""
    grammar: Grammar = "official"
    for key in keys:
        if ".temporal_attentions." in key:
            return "hotshot"
        if ".motion_modules." in key and ".temporal_transformer." not in key:
            grammar = "diffusers"
    return grammar


def substitute(key: str, rules: Rules) -> str:
    """`key` after every rule of the table, in order."""
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def to_official(key: str, grammar: Grammar) -> str:
    """A motion-module key in `grammar`, wrappers stripped -> the authors' grammar."""
    return substitute(key, TO_OFFICIAL[grammar])


def to_diffusers(key: str) -> str | None:
    """A key in the authors' grammar -> diffusers'; None for the second position table, which
    diffusers lacks."""
    if key.endswith(".attention_blocks.1.pos_encoder.pe"):
        return None
    return substitute(key, OFFICIAL_TO_DIFFUSERS)
