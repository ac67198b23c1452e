"""Graphs in the API format, built node by node, and what a run of one gives: files or a refusal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.stand_in import files as stand_in
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.client import Event
from animatediff_kit.launcher.server import Server
from PIL import Image, ImageSequence
from safetensors.torch import load_file
from torch import Tensor

Link = list[Any]  # [node id, output slot]

SAMPLING: dict[str, Any] = dict(
    seed=1, steps=2, cfg=4.0, sampler_name="euler", scheduler="normal", denoise=1.0
)


class Graph:
    """Nodes by id, as `POST /prompt` takes them; ids count up from 1."""

    def __init__(self) -> None:
        self.prompt: dict[str, dict[str, Any]] = {}

    def add(self, kind: str, /, **inputs: Any) -> str:
        """A node's id; `inputs` are values and links."""
        key = str(len(self.prompt) + 1)
        self.prompt[key] = {"class_type": kind, "inputs": inputs}
        return key

    def link(self, kind: str, slot: int = 0, /, **inputs: Any) -> Link:
        """A new node's output."""
        return [self.add(kind, **inputs), slot]


class Scene(Graph):
    """A graph with the stand-in checkpoint, two prompts and a latent of 4 by 4."""

    def __init__(self, frames: int = 3, text: str = "a red ball") -> None:
        super().__init__()
        loader = self.add("CheckpointLoaderSimple", ckpt_name=stand_in.CHECKPOINT)
        self.model, self.clip, self.vae = ([loader, slot] for slot in (0, 1, 2))
        self.positive = self.link("CLIPTextEncode", clip=self.clip, text=text)
        self.negative = self.link("CLIPTextEncode", clip=self.clip, text="")
        self.latent = self.link("EmptyLatentImage", width=32, height=32, batch_size=frames)

    def motion_model(self, name: str = stand_in.MOTION_MODEL) -> Link:
        return self.link("ADK_LoadMotionModel", motion_model=name, family="automatic")

    def animated(self, motion: Link | None = None, **settings: Any) -> Link:
        """The checkpoint's model with a motion model applied, the stand-in unless another is
        given."""
        values: dict[str, Any] = dict(
            model=self.model, motion_model=motion or self.motion_model(), **APPLIED
        )
        return self.link("ADK_ApplyMotionModel", **{**values, **settings})

    def windowed(self, model: Link, **settings: Any) -> Link:
        return self.link("ADK_ContextWindows", model=model, **{**WINDOWS, **settings})

    def sampled(self, model: Link, **overrides: Any) -> Link:
        values: dict[str, Any] = dict(
            model=model, positive=self.positive, negative=self.negative, latent_image=self.latent
        )
        return self.link("KSampler", **{**values, **SAMPLING, **overrides})

    def kept(self, samples: Link) -> str:
        """The id of a node that saves a latent as a file."""
        return self.add("SaveLatent", samples=samples, filename_prefix="kept")


APPLIED: dict[str, Any] = dict(
    strength=1.0,
    motion_scale=1.0,
    beta_schedule="automatic",
    start_percent=0.0,
    end_percent=1.0,
)
WINDOWS: dict[str, Any] = dict(
    length=16,
    overlap=4,
    stride=1,
    schedule="standard_static",
    fuse="pyramid",
    closed_loop=False,
)

ANIMATE: dict[str, Any] = dict(
    motion_model=stand_in.MOTION_MODEL,
    motion_lora="none",
    lora_strength=1.0,
    motion_scale=1.0,
    context_length=16,
    context_overlap=4,
    beta_schedule="automatic",
)
FAILED = r"Node \d+ \({node}\) failed with ValueError: "


@dataclass(frozen=True)
class Run:
    """A finished run of a graph."""

    server: Server
    prompt_id: str
    events: list[Event]

    def executed(self) -> set[str]:
        """Ids of the nodes that were computed, not taken from the server's cache."""
        nodes = (event.data["node"] for event in self.events if event.kind == "executing")
        return {node for node in nodes if node is not None}

    def progress(self, node: str) -> list[tuple[int, int]]:
        """(value, maximum) of a node's progress messages, in order."""
        return [
            (event.data["value"], event.data["max"])
            for event in self.events
            if event.kind == "progress" and event.data["node"] == node
        ]

    def files(self, ending: str) -> dict[str, Path]:
        """The output files that end so, by the node that wrote them."""
        return {
            file.node: self.server.base / file.folder / file.subfolder / file.filename
            for file in self.server.client.outputs(self.prompt_id)
            if file.filename.endswith(ending)
        }

    def latent(self, node: str) -> Tensor:
        """What a SaveLatent node wrote: f 4 h w."""
        return load_file(self.files(".latent")[node])["latent_tensor"]


def run(server: Server, graph: Graph) -> Run:
    events = list(server.client.run(graph.prompt))
    return Run(server, events[0].data["prompt_id"], events)


def forget(server: Server) -> None:
    """Drops every result but the loaded checkpoint: the server keeps what its last graph made."""
    scene = Scene()
    scene.add("PreviewAny", source=scene.positive)
    run(server, scene)


def latents(server: Server, scene: Scene, *models: Link, **overrides: Any) -> list[Tensor]:
    """What the sampler makes of each model: f 4 4 4, computed now and not taken from the cache."""
    samplers = [scene.sampled(model, **overrides) for model in models]
    return computed(server, scene, samplers)


def computed(server: Server, scene: Scene, samplers: Sequence[Link]) -> list[Tensor]:
    """The latents that come out of samplers, all of them computed in this run."""
    keepers = [scene.kept(samples) for samples in samplers]
    forget(server)
    done = run(server, scene)
    assert {node for node, _ in samplers} <= done.executed()
    return [done.latent(keeper) for keeper in keepers]


def frames_of(file: Path) -> list[bytes]:
    """The pixels of every frame of an animated picture."""
    with Image.open(file) as picture:
        return [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(picture)]


def all_differ(frames: Tensor) -> bool:
    return all(not torch.equal(one, other) for i, one in enumerate(frames) for other in frames[:i])


def refusal(server: Server, graph: Graph) -> str:
    """Why the server does not run a graph, in its own words."""
    with pytest.raises(LauncherError) as told:
        run(server, graph)
    return str(told.value)


def fails(server: Server, graph: Graph, node: str, sentence: str) -> None:
    """The named node ends the run with exactly this sentence."""
    assert re.fullmatch(FAILED.format(node=node) + sentence, refusal(server, graph))
