"""The AnimateDiff half of a workflow as a prompt of its own, small enough for any machine: the
small world's models stand for the checkpoint and the motion models; a sampler of one step ends it.
"""

from __future__ import annotations

from typing import Any

from .graph import Graph, Node, Origin
from .new_nodes import NEW_NODES
from .old_nodes import OLD_NODES, is_old
from .virtual import Page

FRAMES = 20
FILES = {
    # a widget that names a file -> one that ships with the pack
    "model_name": "small_world_motion.safetensors",
    "motion_model": "small_world_motion.safetensors",
    "name": "small_world_zoom_in.safetensors",
    "lora": "small_world_zoom_in.safetensors",
}
SIZE = {"width": 64, "height": 64}
STUBS: dict[str, tuple[str, dict[str, Any], int]] = {
    # what stands for the rest of the workflow at a socket: kind, inputs, output
    "model": ("ADK_SmallWorldModels", {"image_model": "base"}, 0),
    "clip": ("ADK_SmallWorldModels", {"image_model": "base"}, 1),
    "latents": ("EmptyLatentImage", {**SIZE, "batch_size": FRAMES}, 0),
    "images": ("EmptyImage", {**SIZE, "batch_size": 4, "color": 0}, 0),
    "mask": ("SolidMask", {**SIZE, "value": 1.0}, 0),
    "mask_optional": ("SolidMask", {**SIZE, "value": 1.0}, 0),
    "mask_motion_scale": ("SolidMask", {**SIZE, "value": 1.0}, 0),
}
BESIDE = ("ADE_EmptyLatentImageLarge", "CheckpointLoaderSimpleWithNoiseSelect")
"""Old nodes that stand for themselves."""

SAMPLING = {"seed": 1, "steps": 1, "cfg": 2.0, "denoise": 1.0}
METHOD = {"sampler_name": "euler", "scheduler": "normal"}

Prompt = dict[str, dict[str, Any]]


def is_motion(kind: str) -> bool:
    ours = kind.startswith("ADK_") and kind in NEW_NODES and kind != "ADK_PromptTravel"
    return ours or (is_old(kind) and kind not in BESIDE)


def name_widgets(graph: Graph, page: Page) -> None:
    """Gives the nodes of this pack that a page holds their values by name."""
    for node in graph.nodes.values():
        if node.kind in NEW_NODES and node.kind not in OLD_NODES:
            saved = page.nodes[node.id].get("widgets_values") or []
            node.values = dict(zip(NEW_NODES[node.kind].widgets, saved, strict=False))


def motion_half(graph: Graph) -> Prompt:
    """The prompt; empty where nothing of it gives a model or a file."""
    half = Half(graph)
    for node in half.nodes.values():
        half.add(node)
    ends = [*half.model_ends(), *(n for n in half.nodes if half.nodes[n].kind.endswith("Combine"))]
    for end in ends:
        if half.nodes[end].outputs[:1] == ["MODEL"]:
            half.sample(end)
    return half.prompt if ends else {}


class Half:
    """`nodes` are those that run and belong to it."""

    def __init__(self, graph: Graph) -> None:
        active = (node for node in graph.nodes.values() if node.mode == 0)
        self.nodes = {node.id: node for node in active if is_motion(node.kind)}
        for node in self.nodes.values():
            node.outputs = node.outputs or [kind for _, kind in NEW_NODES[node.kind].outputs]
        self.prompt: Prompt = {}

    def add(self, node: Node) -> None:
        new = NEW_NODES.get(node.kind)
        # a widget that another pack's node fills has its default here
        values = {**(new.widgets if new else {}), **node.values}
        inputs: dict[str, Any] = {name: FILES.get(name, value) for name, value in values.items()}
        for name, wire in node.wires.items():
            origin = wire.origin
            if wire.is_constant:
                inputs[name] = wire.value
            elif origin is not None and origin.node in self.nodes:
                inputs[name] = [origin.node, origin.slot]
            elif name in STUBS:
                inputs[name] = self.stub(name)
        self.prompt[node.id] = {"class_type": node.kind, "inputs": inputs}

    def stub(self, socket: str) -> list[Any]:
        kind, inputs, slot = STUBS[socket]
        key = f"stub {kind}"
        self.prompt[key] = {"class_type": kind, "inputs": dict(inputs)}
        return [key, slot]

    def model_ends(self) -> list[str]:
        """Nodes whose model no other of the half takes."""
        taken = {
            wire.origin
            for node in self.nodes.values()
            for wire in node.wires.values()
            if wire.origin is not None
        }
        giving = [node for node in self.nodes.values() if node.outputs[:1] == ["MODEL"]]
        return [node.id for node in giving if Origin(node.id, 0) not in taken]

    def sample(self, end: str) -> None:
        clip = self.stub("clip")
        text = {"class_type": "CLIPTextEncode", "inputs": {"clip": clip, "text": "a red square"}}
        self.prompt["stub text"] = text
        links = {"model": [end, 0], "latent_image": self.stub("latents")}
        links |= {"positive": ["stub text", 0], "negative": ["stub text", 0]}
        sampler = {"class_type": "KSampler", "inputs": {**SAMPLING, **METHOD, **links}}
        self.prompt[f"sample {end}"] = sampler
        kept = {"samples": [f"sample {end}", 0], "filename_prefix": "tried"}
        self.prompt[f"keep {end}"] = {"class_type": "SaveLatent", "inputs": kept}
