"""What AnimateDiff-Evolved's nodes hand to one another, made by those of this pack."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from adk_tests.training import small
from animatediff_kit.nodes.evolved import OLD_NODES
from animatediff_kit.nodes.evolved.attach import Applied, Loaded

WHOLE = "whole.safetensors"
"""A file of this name lies in each folder of motion models and LoRAs."""


def is_old(node: str) -> bool:
    return node in OLD_NODES


def made(node: str, **values: Any) -> Callable[[], Any]:
    """The first output of an old node."""
    return lambda: OLD_NODES[node].run(**values)[0]


motion = cache(lambda: small.motion_patcher(seed=9))
motion_before = cache(lambda: small.motion_patcher(seed=10))
"""That a node's own motion model is applied behind."""

OLD_SOURCES: dict[str, Callable[[], Any]] = {
    "MASK": lambda: torch.rand((4, 64, 64), generator=torch.Generator().manual_seed(8)),
    "MULTIVAL": made("ADE_MultivalDynamic", float_val=0.8),
    "CONTEXT_OPTIONS": made(
        "ADE_StandardStaticContextOptions", context_length=3, context_overlap=1
    ),
    "VIEW_OPTS": made("ADE_StandardStaticViewOptions", view_length=2, view_overlap=1),
    "SAMPLE_SETTINGS": made("ADE_AnimateDiffSamplingSettings", noise_type="FreeNoise"),
    "ITERATION_OPTS": made("ADE_IterationOptsFreeInit", iterations=2),
    "CUSTOM_CFG": made("ADE_CustomCFGSimple", cfg=3.0),
    "SIGMA_SCHEDULE": made("ADE_SigmaSchedule", beta_schedule="lcm"),
    "AD_SETTINGS": made("ADE_AnimateDiffModelSettingsSimple", motion_pe_stretch=0),
    "AD_KEYFRAMES": made("ADE_AnimateDiffKeyframe", start_percent=0.0),
    "WEIGHT_ADJUST": made("ADE_AdjustWeightAllMult", all_MULT=0.9),
    "PE_ADJUST": made("ADE_AdjustPESweetspotStretch", sweetspot=16, new_sweetspot=20),
    "MOTION_LORA": made("ADE_AnimateDiffLoRALoader", name=WHOLE, strength=0.7),
    "MOTION_MODEL_ADE": lambda: Loaded(motion()),
    "M_MODELS": lambda: (Applied(motion_before()),),
}
