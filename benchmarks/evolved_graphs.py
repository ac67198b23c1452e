"""Graphs of AnimateDiff-Evolved's nodes as data: (node id, inputs), whose inputs may be graphs."""

from __future__ import annotations

from typing import Any

MODEL = object()
"""Stands for the image model."""


def legacy(file: str = "v2", properly: bool = True, **more: Any) -> Any:
    beta = more.pop("beta", "autoselect")
    inputs = dict(model=MODEL, model_name=f"{file}.safetensors", beta_schedule=beta)
    return "ADE_AnimateDiffLoaderWithContext", inputs | dict(
        apply_v2_models_properly=properly, **more
    )


def gen1(file: str = "v3", **more: Any) -> Any:
    beta = more.pop("beta", "autoselect")
    inputs = dict(model=MODEL, model_name=f"{file}.safetensors", beta_schedule=beta)
    return "ADE_AnimateDiffLoaderGen1", {**inputs, **more}


def applied(file: str = "v2", **more: Any) -> Any:
    loaded = "ADE_LoadAnimateDiffModel", dict(model_name=f"{file}.safetensors")
    more = {"start_percent": 0.0, "end_percent": 1.0, **more}
    return "ADE_ApplyAnimateDiffModel", dict(motion_model=loaded, **more)


def gen2(models: Any, beta: str = "autoselect", **more: Any) -> Any:
    inputs = dict(model=MODEL, m_models=models, beta_schedule=beta)
    return "ADE_UseEvolvedSampling", {**inputs, **more}


def static(fuse: str = "pyramid", length: int = 4, overlap: int = 2) -> Any:
    inputs = dict(context_length=length, context_overlap=overlap, fuse_method=fuse)
    return "ADE_StandardStaticContextOptions", inputs


def viewed(fuse: str = "pyramid", length: int = 4, overlap: int = 2) -> Any:
    inputs = dict(view_length=length, view_overlap=overlap, fuse_method=fuse)
    return "ADE_StandardStaticViewOptions", inputs


def then(first: Any, second: Any, start: float, steps: int = 1) -> Any:
    """Context options that others follow from a part of sampling on."""
    node, inputs = second
    timed = dict(start_percent=start, guarantee_steps=steps, prev_context=first)
    return node, {**inputs, **timed}


def moving(kind: str, stride: int = 1, **more: Any) -> Any:
    inputs = dict(context_length=4, context_stride=stride, context_overlap=2)
    return f"ADE_{kind}ContextOptions", {**inputs, **more}


def noise(kind: str = "default", seeds: str = "comfy", offset: int = 0, skip: int = 0, **more: Any):
    inputs = dict(batch_offset=skip, noise_type=kind, seed_gen=seeds, seed_offset=offset)
    return "ADE_AnimateDiffSamplingSettings", {**inputs, **more}


def value(number: Any, **more: Any) -> Any:
    return "ADE_MultivalDynamic", dict(float_val=number, **more)


def keyframe(start: float, before: Any = None, steps: int = 1, **more: Any) -> Any:
    inputs = dict(start_percent=start, prev_ad_keyframes=before, guarantee_steps=steps)
    return "ADE_AnimateDiffKeyframe", {**inputs, **more}


def lora(strength: float = 0.8) -> Any:
    return "ADE_AnimateDiffLoRALoader", dict(name="zoom.safetensors", strength=strength)


def adjusted() -> Any:
    steps = dict(sweetspot=16, new_sweetspot=18, print_adjustment=False)
    weights = dict(all_MULT=1.01, print_adjustment=False)
    return "ADE_AnimateDiffSettings", dict(
        pe_adjust=("ADE_AdjustPESweetspotStretch", steps),
        weight_adjust=("ADE_AdjustWeightAllMult", weights),
    )


def inside(options: Any, fuse: str = "pyramid", length: int = 4, overlap: int = 2) -> Any:
    """Context options with views inside their windows."""
    node, inputs = options
    return node, {**inputs, "view_opts": viewed(fuse, length, overlap)}
