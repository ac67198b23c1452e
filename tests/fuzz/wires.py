"""Prompts with one node of the pack, its sockets connected, and behind it what samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adk_tests.fuzz.prompts import Prompt, is_widget
from adk_tests.fuzz.sources import SOURCES
from adk_tests.fuzz.sources_of_old_nodes import OLD_SOURCES, WHOLE, is_old
from adk_tests.fuzz.sources_of_their_own import OWN
from animatediff_kit.motion_models.adapters.sparse_control.placement import INDICES

AS_THEY_ARE = ("ADK_SmallWorldModels", "ADK_TrainMotionModule")
"""Nodes whose outputs are not sampled: they go with other models than the tests' own."""

LEFT_OPEN = {"ADK_PreviewWindows": "model"}
"""Sockets in whose place the widgets hold."""


class Wires:
    """A prompt that grows; links are [id, slot]."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.prompt: Prompt = {}

    def add(self, kind: str, /, **given: Any) -> str:
        key = str(len(self.prompt) + 1)
        self.prompt[key] = {"class_type": kind, "inputs": given}
        return key

    def source(self, kind: str, socket: str = "") -> list[Any]:
        """The node's own for this socket, or for the type, else what all are connected to."""
        own = OWN.get(self.node, {})
        key = next((key for key in (socket, kind) if key in own), None)
        return [self.add(f"Fuzz_{kind}" if key is None else f"Fuzz_{self.node}_{key}"), 0]

    def has_source(self, kind: str, socket: str) -> bool:
        if LEFT_OPEN.get(self.node) == socket:
            return False
        return kind in SOURCES or (is_old(self.node) and kind in OLD_SOURCES)

    def sampled(self, model: list[Any], positive: list[Any] | None = None) -> list[Any]:
        empty = [self.add("CLIPTextEncode", clip=self.source("CLIP"), text="a ball"), 0]
        latent = self.source("LATENT")
        sampler = self.add(
            "KSampler",
            model=model,
            positive=positive or empty,
            negative=empty,
            latent_image=latent,
            seed=1,
            steps=1,
            cfg=2.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        )
        return [sampler, 0]

    def keep(self, kind: str, value: list[Any]) -> None:
        self.add(f"FuzzKeep_{kind}", value=value)


def prompt_of(node: Any, values: dict[str, Any], sampled: bool = True) -> Prompt:
    """The node with its sockets connected, and behind it what shows whether its outputs are good,
    or what keeps them alone."""
    schema = node.GET_SCHEMA()
    wires = Wires(schema.node_id)
    given = dict(values)
    for socket in schema.inputs:
        kind = socket.get_io_type().split(",")[-1]
        is_open = values.get(socket.id) is None and not is_widget(socket)
        if is_open and wires.has_source(kind, socket.id):
            given[socket.id] = wires.source(kind, socket.id)
        elif is_open and socket.optional:
            given.pop(socket.id, None)
    key = wires.add(schema.node_id, **given)
    for slot, output in enumerate(schema.outputs):
        if sampled and schema.node_id not in AS_THEY_ARE:
            follow(wires, output.get_io_type(), [key, slot])
        else:
            wires.keep(output.get_io_type(), [key, slot])
    return wires.prompt


Step = Callable[[Wires, list[Any]], tuple[str, list[Any]]]


def old(kind: str, node: str, name: str, *sockets: str, **values: Any) -> Step:
    """Into this socket of an old node whose first output is of this kind; its other sockets are
    connected to what all are."""

    def step(wires: Wires, link: list[Any]) -> tuple[str, list[Any]]:
        others = {s.partition(" ")[2]: wires.source(s.partition(" ")[0]) for s in sockets}
        return kind, [wires.add(node, **{**values, **others, name: link}), 0]

    return step


APPLY = ("M_MODELS", "ADE_ApplyAnimateDiffModelSimple")
USE = ("MODEL", "ADE_UseEvolvedSampling")
SETTINGS = ("SAMPLE_SETTINGS", "ADE_AnimateDiffSamplingSettings")
NOISE = dict(batch_offset=0, noise_type="default", seed_gen="comfy", seed_offset=0)
MODEL_AND = ("MODEL model", "M_MODELS m_models")
STATIC = dict(context_length=3, context_overlap=1)
BEHIND: dict[str, Step] = {
    # what old nodes hand to one another -> the next of them on the way to a model
    "WEIGHT_ADJUST": old("AD_SETTINGS", "ADE_AnimateDiffSettings", "weight_adjust"),
    "PE_ADJUST": old("AD_SETTINGS", "ADE_AnimateDiffSettings", "pe_adjust"),
    "AD_SETTINGS": old(
        "MOTION_MODEL_ADE", "ADE_LoadAnimateDiffModel", "ad_settings", model_name=WHOLE
    ),
    "MOTION_MODEL_ADE": old(*APPLY, "motion_model"),
    "MULTIVAL": old(*APPLY, "scale_multival", "MOTION_MODEL_ADE motion_model"),
    "AD_KEYFRAMES": old(*APPLY, "ad_keyframes", "MOTION_MODEL_ADE motion_model"),
    "MOTION_LORA": old(*APPLY, "motion_lora", "MOTION_MODEL_ADE motion_model"),
    "CUSTOM_CFG": old(*SETTINGS, "custom_cfg", **NOISE),
    "ITERATION_OPTS": old(*SETTINGS, "iteration_opts", **NOISE),
    "SIGMA_SCHEDULE": old(*SETTINGS, "sigma_schedule", **NOISE),
    "VIEW_OPTS": old("CONTEXT_OPTIONS", "ADE_StandardStaticContextOptions", "view_opts", **STATIC),
    "M_MODELS": old(*USE, "m_models", "MODEL model", beta_schedule="autoselect"),
    "CONTEXT_OPTIONS": old(*USE, "context_options", *MODEL_AND, beta_schedule="autoselect"),
    "SAMPLE_SETTINGS": old(*USE, "sample_settings", *MODEL_AND, beta_schedule="autoselect"),
}


def steered(wires: Wires, link: list[Any]) -> list[Any]:
    """Conditioning with a SparseCtrl model."""
    node = "ADK_ApplySparseControl"
    given = dict(sparse_control=link, images=wires.source("IMAGE"), vae=wires.source("VAE"))
    given |= dict(positive=wires.source("CONDITIONING"), negative=wires.source("CONDITIONING"))
    values = dict(placement=INDICES, frame_indices="0", strength=1.0)
    values |= dict(start_percent=0.0, end_percent=1.0)
    return [wires.add(node, **given, **values), 0]


def follow(wires: Wires, kind: str, link: list[Any]) -> None:
    """Sample what can be sampled, and keep the frames, or the output itself."""
    while kind in BEHIND:
        kind, link = BEHIND[kind](wires, link)
    if kind == "CONTROL_NET" and wires.node == "ADK_LoadSparseControl":
        kind, link = "CONDITIONING", steered(wires, link)
    if kind == "ADK_MOTION_MODEL":
        applied = dict(strength=1.0, motion_scale=1.0, beta_schedule="automatic")
        applied.update(start_percent=0.0, end_percent=1.0)
        model = wires.source("MODEL")
        link = [wires.add("ADK_ApplyMotionModel", model=model, motion_model=link, **applied), 0]
        kind = "MODEL"
    if kind == "MODEL":
        kind, link = "LATENT", wires.sampled(link)
    elif kind == "CONDITIONING":
        kind, link = "LATENT", wires.sampled(wires.source("MODEL"), link)
    elif kind == "ADK_CLIPS":
        models = dict(vae=wires.source("VAE"), clip=wires.source("CLIP"))
        kind = "ADK_ENCODED_CLIPS"
        link = [wires.add("ADK_EncodeClips", clips=link, cache_folder="fuzz", **models), 0]
    wires.keep(kind, link)
