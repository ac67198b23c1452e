"""The help pages of the old nodes: web/docs/<old id>.md, made of this table.

After a change here, or of a display name, write them anew:

    python benchmarks/old_help_pages.py
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

HEIRS: dict[str, tuple[str, str]] = {
    # old id -> (what it does, what does it now; our ids in braces)
    "ADE_AnimateDiffLoaderWithContext": (
        "Loads a motion model and puts it on a model, with windows, MotionLoRAs and noise.",
        "{ADK_LoadMotionModel} and {ADK_ApplyMotionModel}, or {ADK_Animate} for all in one",
    ),
    "ADE_AnimateDiffLoaderGen1": (
        "Loads a motion model and puts it on a model, with windows, MotionLoRAs and noise.",
        "{ADK_LoadMotionModel} and {ADK_ApplyMotionModel}, or {ADK_Animate} for all in one",
    ),
    "AnimateDiffLoaderV1": (
        "Loads a motion model and puts it on a model; the first loader of all.",
        "{ADK_LoadMotionModel} and {ADK_ApplyMotionModel}",
    ),
    "ADE_LoadAnimateDiffModel": ("Loads a motion model.", "{ADK_LoadMotionModel}"),
    "ADE_LoadAnimateLCMI2VModel": (
        "Loads AnimateLCM-I2V, which animates a picture.",
        "{ADK_LoadMotionModel}, and {ADK_ApplyImageToVideo} for the picture",
    ),
    "ADE_ApplyAnimateDiffModelSimple": (
        "Says how a motion model acts.",
        "{ADK_ApplyMotionModel}; several stand one behind the other",
    ),
    "ADE_ApplyAnimateDiffModel": (
        "Says how, and in which part of sampling, a motion model acts.",
        "{ADK_ApplyMotionModel}; several stand one behind the other",
    ),
    "ADE_UseEvolvedSampling": (
        "Puts motion models, windows, noise and a noise schedule on a model.",
        "{ADK_ApplyMotionModel}, {ADK_ContextWindows}, {ADK_ModelNoise} and {ADK_NoiseSchedule}",
    ),
    "ADE_AnimateDiffLoRALoader": ("Chooses a MotionLoRA.", "{ADK_LoadMotionLoRA}"),
    **{
        f"ADE_{kind}ContextOptions": (
            "Says in which windows a long video is sampled.",
            "{ADK_ContextWindows}",
        )
        for kind in (
            "AnimateDiffUniform",
            "LoopedUniform",
            "StandardUniform",
            "StandardStatic",
            "Batched",
        )
    },
    "ADE_StandardStaticViewOptions": (
        "Says in which views the motion layers see a window.",
        "`view_length` and `view_overlap` of {ADK_ContextWindows}",
    ),
    "ADE_AnimateDiffSamplingSettings": (
        "Chooses the noise that sampling starts from, and carries guidance and noise schedule.",
        "{ADK_ModelNoise}, {ADK_ModelGuidance} and {ADK_NoiseSchedule}",
    ),
    "ADE_CustomCFGSimple": ("Sets the guidance.", "{ADK_ModelGuidance}"),
    "ADE_SigmaSchedule": ("Chooses a noise schedule.", "{ADK_NoiseSchedule}"),
    "ADE_IterationOptsFreeInit": (
        "Samples several times, each from refined noise.",
        "{ADK_FreeInit}, on a sampler",
    ),
    "ADE_MultivalDynamic": (
        "Hands on a number, or one for each frame.",
        "a widget of {ADK_ApplyMotionModel}, or {ADK_Strength} for values over frames",
    ),
    "ADE_MultivalScaledMask": (
        "Hands on a number for each pixel, from a mask.",
        "{ADK_Strength} with a mask",
    ),
    "ADE_AnimateDiffKeyframe": (
        "Changes strength and motion scale over sampling.",
        "{ADK_Strength}, whose keyframes may run over the steps",
    ),
    **dict.fromkeys(
        (
            "ADE_AnimateDiffSettings",
            "ADE_AnimateDiffModelSettingsSimple",
            "ADE_AnimateDiffModelSettings",
            "ADE_AnimateDiffModelSettingsAdvancedAttnStrengths",
        ),
        (
            "Carries changes of a motion model's positions and weights to its loader.",
            "{ADK_StretchPositions} for the positions; for changed weights there is no node",
        ),
    ),
    "ADE_AdjustPESweetspotStretch": (
        "Stretches a motion model's positions over more frames.",
        "{ADK_StretchPositions}",
    ),
    "ADE_AdjustWeightAllMult": (
        "Multiplies a motion model's weights.",
        "no node: this one stays for the workflows that have it",
    ),
    "ADE_AnimateDiffUnload": (
        "Takes off what loaders have put on a model.",
        "no node: connect the model from before the loader",
    ),
    "ADE_AnimateDiffCombine": (
        "Writes frames as a GIF, a WebP or a video.",
        "ComfyUI's own Create Video and Save Video, or Save Animated WEBP",
    ),
    "ADE_EmptyLatentImageLarge": (
        "Makes empty latents, as many as the video has frames.",
        "ComfyUI's own Empty Latent Image",
    ),
    "CheckpointLoaderSimpleWithNoiseSelect": (
        "Loads a checkpoint, with a noise schedule.",
        "ComfyUI's own Load Checkpoint, and {ADK_NoiseSchedule}",
    ),
}


def help_page(old: str, title: str, names: Mapping[str, str]) -> str:
    """The page of an old node.   title: its own; names: display names by our ids"""
    does, now = HEIRS[old]
    for node, name in names.items():
        now = now.replace(f"{{{node}}}", f"**{name}**")
    parts = (
        f"# {title}",
        f"{does} A node of AnimateDiff-Evolved, deprecated: it is here so that its workflows run "
        "with this pack, with the inputs and defaults that it had.",
        f"New workflows take {now}.",
        "`python run.py convert OLD NEW.json` writes a workflow anew with the nodes of this pack, "
        "and tells what stays; see `docs/old_workflows.md`. A warning on the node tells what of "
        "it has no effect here.",
    )
    return "\n\n".join(parts) + "\n"


def names_of(nodes: Iterable[Any]) -> dict[str, str]:
    """Display names by id."""
    schemas = [node.define_schema() for node in nodes]
    return {schema.node_id: str(schema.display_name) for schema in schemas}
