"""Prompts with one node of the pack, whose inputs Hypothesis draws, and ComfyUI's own executor."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import Any

import execution  # pyright: ignore[reportMissingImports]
from adk_tests.fuzz.sources import KEPT, SOURCES, WIDE
from hypothesis import strategies as st

Prompt = dict[str, dict[str, Any]]

MOST: dict[str, int] = {
    # what a widget may ask of a run here; more is validated, and not run
    "frames": 12,
    "length": 64,
    "context_length": 64,
    "steps": 2,
    "batch_size": 2,
    "gradient_accumulation": 2,
    "width": 96,
    "height": 96,
    "rank": 8,
    "iterations": 2,
    "clips_per_video": 3,
}
SMALL: dict[str, Any] = {
    **dict(frames=2, stride=1, length=3, context_length=3, overlap=1, context_overlap=1),
    **dict(width=64, height=64, rank=2, steps=2, save_every=0, preview_every=0, iterations=2),
    **dict(captions="file name", caption="a ball", amount=0.1),
}
"""Values that go together, where the nodes' own are too large for a test."""

TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Lu"]), max_size=6),
    st.sampled_from(["", " ", "..", "~", "~nobody/x", "a" * 300, "0: a\n4: b", '"0": "a"', "\0"]),
)
WILD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    TEXTS,
    st.just([]),
    st.just({}),
    st.just(["a", "b", "c"]),
)


def fitting(given: Any, texts: st.SearchStrategy[str] | None) -> st.SearchStrategy[Any]:
    """Values of a widget that its schema allows."""
    kind = given.get_io_type()
    if kind == "COMBO":
        return st.sampled_from(given.options)
    if kind == "BOOLEAN":
        return st.booleans()
    if kind == "STRING":
        return TEXTS if texts is None else st.one_of(texts, TEXTS)
    if kind == "INT":
        most = min(given.max, MOST.get(given.id, given.max))
        return st.one_of(st.integers(given.min, most), st.sampled_from([given.min, given.max]))
    return st.one_of(
        st.floats(given.min, given.max), st.sampled_from([given.min, given.max, math.nan])
    )


AS_BY_DEFAULT = ("ADK_StretchPositions",)
"""Nodes whose inputs of these names mean something else."""


def start_of(node: Any, more: dict[str, Any]) -> dict[str, Any]:
    """Values with which a node runs; of sockets None, for `prompt_of` to connect."""
    values: dict[str, Any] = {}
    small = SMALL if node.GET_SCHEMA().node_id not in AS_BY_DEFAULT else {}
    for given in node.GET_SCHEMA().inputs:
        values[given.id] = more.get(given.id, small.get(given.id, getattr(given, "default", None)))
        if not is_widget(given):
            values[given.id] = None
    return values


def is_widget(given: Any) -> bool:
    return hasattr(given, "default") and given.get_io_type().split(",")[-1] not in SOURCES


AS_THEY_ARE = ("ADK_SmallWorldModels", "ADK_TrainMotionModule")
"""Nodes whose outputs are not sampled: they go with other models than the tests' own."""


@st.composite
def inputs(
    draw: Any, node: Any, start: dict[str, Any], texts: dict[str, st.SearchStrategy[str]]
) -> dict[str, Any]:
    """Values for all inputs of a node: one to three of its widgets differ from the start, by values
    that their schema allows or by wild ones."""
    drawn = dict(start)
    widgets = [given for given in node.GET_SCHEMA().inputs if is_widget(given)]
    if not widgets:
        return drawn
    for given in draw(st.lists(st.sampled_from(widgets), min_size=1, max_size=3)):
        fits = draw(st.sampled_from([True, True, False]))
        drawn[given.id] = draw(fitting(given, texts.get(given.id)) if fits else WILD)
    return drawn


def is_small(values: dict[str, Any]) -> bool:
    """Whether a run with these values is one for a test."""
    numbers = {name: v for name, v in values.items() if isinstance(v, int | float | str)}
    return all(as_number(numbers.get(name, 0)) <= most for name, most in MOST.items())


def as_number(value: Any) -> float:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.inf


class Wires:
    """A prompt that grows; links are [id, slot]."""

    def __init__(self) -> None:
        self.prompt: Prompt = {}

    def add(self, kind: str, **given: Any) -> str:
        key = str(len(self.prompt) + 1)
        self.prompt[key] = {"class_type": kind, "inputs": given}
        return key

    def source(self, kind: str) -> list[Any]:
        return [self.add(f"Fuzz_{kind}"), 0]

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


def prompt_of(node: Any, values: dict[str, Any]) -> Prompt:
    """The node with its sockets connected, and behind it what shows whether its outputs are
    good."""
    wires = Wires()
    schema = node.GET_SCHEMA()
    given = dict(values)
    for socket in schema.inputs:
        kind = socket.get_io_type().split(",")[-1]
        if values.get(socket.id) is None and kind in SOURCES:
            wide = kind in WIDE and schema.node_id == "ADK_TrainMotionModule"
            given[socket.id] = [wires.add(f"FuzzWide_{kind}"), 0] if wide else wires.source(kind)
        elif socket.optional and given[socket.id] is None and not is_widget(socket):
            del given[socket.id]
    key = wires.add(schema.node_id, **given)
    for slot, output in enumerate(schema.outputs):
        if schema.node_id in AS_THEY_ARE:
            wires.keep(output.get_io_type(), [key, slot])
            continue
        follow(wires, output.get_io_type(), [key, slot])
    return wires.prompt


def follow(wires: Wires, kind: str, link: list[Any]) -> None:
    """Sample what can be sampled, and keep the frames, or the output itself."""
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


@dataclass
class Listener:
    """What the executor tells its messages to."""

    client_id: str | None = None
    last_node_id: str | None = None
    last_prompt_id: str | None = None
    sockets_metadata: dict[str, Any] = field(default_factory=dict)

    def send_sync(self, *message: Any) -> None:
        pass


# What main.py gives the executor; versions after 0.3.75 read the third.
CACHE_ARGS = {"lru": 0, "ram": 0.0, "ram_inactive": 0.0}


@dataclass(frozen=True)
class Came:
    """What came of a prompt. ended: "not valid", "failed" or "done"; said: its messages, each with
    its kind."""

    ended: str
    said: list[tuple[str, str]]


def validated(prompt: Prompt) -> tuple[bool, list[str], list[tuple[str, str]]]:
    """ComfyUI's own answer to a prompt: whether it may run, its output nodes, what is wrong."""
    valid, error, outputs, node_errors = asyncio.run(
        execution.validate_prompt("fuzz", prompt, None)
    )
    said = [
        (found["type"], str(found["details"]))
        for about in node_errors.values()
        for found in about["errors"]
    ]
    return valid and not node_errors, list(outputs), said or [("prompt", str(error))]


def run(prompt: Prompt, outputs: list[str]) -> Came:
    KEPT.clear()
    executor = execution.PromptExecutor(
        Listener(), cache_type=execution.CacheType.CLASSIC, cache_args=CACHE_ARGS
    )
    executor.execute(prompt, "fuzz", {}, outputs)
    failed = [about for kind, about in executor.status_messages if kind == "execution_error"]
    if not failed:
        return Came("done", [])
    about = failed[0]
    return Came("failed", [(about["exception_type"], about["exception_message"].strip())])
