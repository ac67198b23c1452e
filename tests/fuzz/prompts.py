"""Inputs of one node of the pack, as Hypothesis draws them."""

from __future__ import annotations

import math
from typing import Any

from adk_tests.fuzz.sources import SOURCES
from adk_tests.fuzz.sources_of_old_nodes import OLD_SOURCES
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
        values[given.id] = more.get(given.id, small.get(given.id, default_of(given)))
        if not is_widget(given):
            values[given.id] = None
    return values


def default_of(given: Any) -> Any:
    """As the page has it: of a list without a default, the first."""
    default = getattr(given, "default", None)
    return given.options[0] if default is None and hasattr(given, "options") else default


def is_widget(given: Any) -> bool:
    kind = given.get_io_type().split(",")[-1]
    return hasattr(given, "default") and kind not in {**SOURCES, **OLD_SOURCES}


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
