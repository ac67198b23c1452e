"""Graphs of the old pack's nodes in both formats, built from one description: as the page saves
them and as the API takes them. Node definitions are written out here from the old pack's, and not
taken from the tables that the conversion works by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Link = tuple[str, int, str]
"""(node id, slot, type)"""

Content = dict[str, Any]


@dataclass
class OldGraph:
    """`add` returns the new node's id; `out` an output of it, for the links of others."""

    nodes: dict[str, Content] = field(default_factory=dict)
    links: list[list[Any]] = field(default_factory=list)
    prompt: Content = field(default_factory=dict)

    def add(
        self,
        kind: str,
        outputs: str = "",
        values: dict[str, Any] | None = None,
        saved: Any = None,
        mode: int = 0,
        title: str | None = None,
        **links: Link | None,
    ) -> str:
        """`values` are widgets by name, in saved order; `saved` what the page holds, if another.
        A link to a name of `values` is a widget turned into an input."""
        key, values = str(len(self.nodes) + 1), values or {}
        node: Content = {
            "id": int(key),
            "type": kind,
            "pos": [100 * int(key), 50],
            "size": [300, 100],
            "flags": {},
            "order": int(key) - 1,
            "mode": mode,
            "inputs": [],
            "outputs": [
                {"name": name, "type": name, "links": [], "slot_index": at}
                for at, name in enumerate(outputs.split())
            ],
            "properties": {"Node name for S&R": kind},
            "widgets_values": list(values.values()) if saved is None else saved,
        }
        if title:
            node["title"] = title
        self.nodes[key] = node
        inputs: dict[str, Any] = {name: value for name, value in values.items() if name != "-"}
        for name, link in links.items():
            slot: Content = {"name": name, "type": link[2] if link else "*", "link": None}
            if name in values:
                slot["widget"] = {"name": name}
            node["inputs"].append(slot)
            if link is not None:
                self.join(link, key, name)
                inputs[name] = [link[0], link[1]]
        self.prompt[key] = {"inputs": inputs, "class_type": kind}
        return key

    def join(self, link: Link, target: str, name: str) -> int:
        """A link into an input that is there."""
        origin, slot, kind = link
        number = len(self.links) + 1
        inputs = self.nodes[target]["inputs"]
        place = [entry["name"] for entry in inputs].index(name)
        self.links.append([number, int(origin), slot, int(target), place, kind])
        inputs[place]["link"] = number
        self.nodes[origin]["outputs"][slot]["links"].append(number)
        return number

    def out(self, key: str, slot: int = 0) -> Link:
        return key, slot, self.nodes[key]["outputs"][slot]["type"]

    def page(self) -> Content:
        """As the page saves it."""
        return {
            "last_node_id": len(self.nodes),
            "last_link_id": len(self.links),
            "nodes": list(self.nodes.values()),
            "links": self.links,
            "groups": [{"title": "all", "bounding": [0, 0, 900, 300], "color": "#3f789e"}],
            "config": {},
            "extra": {},
            "version": 0.4,
        }


CHECKPOINT = dict(ckpt_name="sd15.safetensors")
LEGACY = dict(
    model_name="mm_sd_v15_v2.ckpt",
    beta_schedule="sqrt_linear (AnimateDiff)",
    motion_scale=1.1,
    apply_v2_models_properly=True,
)
UNIFORM = dict(
    context_length=16,
    context_stride=1,
    context_overlap=4,
    context_schedule="uniform",
    closed_loop=False,
    fuse_method="flat",
    use_on_equal_length=False,
    start_percent=0,
    guarantee_steps=1,
)
LOOPED = {name: value for name, value in UNIFORM.items() if name != "context_schedule"}
STATIC = dict(
    context_length=8,
    context_overlap=2,
    fuse_method="pyramid",
    use_on_equal_length=False,
    start_percent=0,
    guarantee_steps=1,
)
SAMPLE = dict(
    batch_offset=0,
    noise_type="FreeNoise",
    seed_gen="comfy",
    seed_offset=1,
    adapt_denoise_steps=False,
)
KSAMPLER = dict(seed=7, steps=2, cfg=7.0, sampler_name="euler", scheduler="normal", denoise=1.0)


class Scene(OldGraph):
    """A graph with what stands around every animation: a model, prompts, frames, a sampler."""

    def __init__(self, loader: str = "CheckpointLoaderSimple", frames: int = 20) -> None:
        super().__init__()
        values = {"CheckpointLoaderSimple": CHECKPOINT, "ADK_SmallWorldModels": WORLD}[loader]
        checkpoint = self.add(loader, "MODEL CLIP VAE", values)
        self.model, self.clip, self.vae = (self.out(checkpoint, slot) for slot in range(3))
        self.positive = self.encode("a red square moves right")
        self.negative = self.encode("")
        size = dict(width=64, height=64, batch_size=frames)
        self.latent = self.out(self.add("ADE_EmptyLatentImageLarge", "LATENT", size))

    def encode(self, text: str) -> Link:
        return self.out(self.add("CLIPTextEncode", "CONDITIONING", dict(text=text), clip=self.clip))

    def uniform(self, **changed: Any) -> Link:
        kind, values = "ADE_AnimateDiffUniformContextOptions", {**UNIFORM, **changed}
        return self.out(self.add(kind, "CONTEXT_OPTIONS", values))

    def static(self, **changed: Any) -> Link:
        kind, links = (
            "ADE_StandardStaticContextOptions",
            {"view_opts": changed.pop("view_opts", None)},
        )
        return self.out(self.add(kind, "CONTEXT_OPTIONS", {**STATIC, **changed}, **links))

    def lora(self, name: str, strength: float, previous: Link | None = None, mode: int = 0) -> Link:
        kind, values = "ADE_AnimateDiffLoRALoader", dict(name=name, strength=strength)
        links = {"prev_motion_lora": previous}
        return self.out(self.add(kind, "MOTION_LORA", values, mode=mode, **links))

    def multival(self, value: float = 1.0, **links: Link | None) -> Link:
        values = dict(float_val=value)
        return self.out(self.add("ADE_MultivalDynamic", "MULTIVAL", values, **links))

    def settings(self, **given: Any) -> Link:
        kind = "ADE_AnimateDiffSamplingSettings"
        links = {name: value for name, value in given.items() if name not in SAMPLE}
        values = {**SAMPLE, **{name: given[name] for name in given if name in SAMPLE}}
        return self.out(self.add(kind, "SAMPLE_SETTINGS", values, **links))

    def legacy(self, **given: Any) -> Link:
        links = {"model": self.model, **{n: v for n, v in given.items() if n not in LEGACY}}
        values = {**LEGACY, **{name: given[name] for name in given if name in LEGACY}}
        return self.out(self.add("ADE_AnimateDiffLoaderWithContext", "MODEL", values, **links))

    def gen1(self, name: str = "v3_sd15_mm.ckpt", beta: str = "autoselect", **links: Any) -> Link:
        values = dict(model_name=name, beta_schedule=beta)
        links = {"model": self.model, **links}
        return self.out(self.add("ADE_AnimateDiffLoaderGen1", "MODEL", values, **links))

    def loaded(self, name: str = "v3_sd15_mm.ckpt") -> Link:
        values = dict(model_name=name)
        return self.out(self.add("ADE_LoadAnimateDiffModel", "MOTION_MODEL_ADE", values))

    def applied(self, motion: Link, start: float = 0.0, end: float = 1.0, **links: Any) -> Link:
        values, links = (
            dict(start_percent=start, end_percent=end),
            {"motion_model": motion, **links},
        )
        return self.out(self.add("ADE_ApplyAnimateDiffModel", "M_MODELS", values, **links))

    def evolved(self, m_models: Link | None, beta: str = "autoselect", **links: Any) -> Link:
        links = {"model": self.model, "m_models": m_models, **links}
        values = dict(beta_schedule=beta)
        return self.out(self.add("ADE_UseEvolvedSampling", "MODEL", values, **links))

    def sampled(self, model: Link) -> str:
        """Samples and saves; the id of the sampler."""
        seed, *others = KSAMPLER.values()
        links = dict(model=model, positive=self.positive, negative=self.negative)
        key = self.add(
            "KSampler",
            "LATENT",
            KSAMPLER,
            saved=[seed, "fixed", *others],
            latent_image=self.latent,
            **links,
        )
        prefix = dict(filename_prefix="latent")
        self.add("SaveLatent", "", prefix, samples=self.out(key))
        return key


WORLD = dict(image_model="base")
